// What a page does when the engine dies: start another, load again what was loaded, step down when the same device was in
// use at death after death, and give up in the end. Called by Engine, which carries it out; every page decides alike, from
// what all of them saw. Deaths are remembered for five minutes. An engine that lived in a tab ends whenever that tab is
// closed, which is no sign of anything, so it may die more often.

import type { EngineSettings } from '../protocol/host-api.js';
import type { EngineState, LoadedModel, RecoveryState } from '../protocol/state.js';

const memory = 5 * 60_000;
const livesAllowed = { 'shared-worker': 3, tab: 24 } as const;
/** Deaths with the same device, after which the next one is tried. */
const sameDevice = 2;

export interface Rebirth {
  /** The model to load again; absent when none was loaded. */
  readonly model?: string;
  /** Present when the last ones died on a better one. */
  readonly device?: 'wasm';
}

export class Revival {
  /** Shown while the next engine starts and loads, and when there is to be none. */
  state: RecoveryState | null = null;
  #deaths: { readonly at: number; readonly device: LoadedModel['device'] | null }[] = [];

  /** @param now milliseconds, monotonic */
  constructor(private readonly now: () => number) {}

  /**
   * @param last the state of the engine that died
   * @returns what to do; null: nothing by itself any more
   */
  died({ status, host }: EngineState, settings: EngineSettings, lastModel: string | undefined): Rebirth | null {
    const now = this.now();
    const device = status.kind === 'ready' ? status.model.device : null;
    this.#deaths = [...this.#deaths.filter(({ at }) => now - at < memory), { at: now, device }];
    const attempt = this.#deaths.length;
    const attemptsAllowed = livesAllowed[host];
    const what = host === 'tab' ? 'The tab in which the engine ran is gone.' : 'The engine stopped.';
    const told = { cause: 'engine-lost', attempt: Math.min(attempt, attemptsAllowed), attemptsAllowed } as const;
    if (attempt > attemptsAllowed) {
      const message = `${what} It has done so ${attempt} times in five minutes: it is started again when it is asked for.`;
      this.state = { ...told, message, action: 'gave-up' };
      return null;
    }
    const loaded = status.kind === 'ready' || status.kind === 'loading';
    const model = loaded && lastModel !== undefined ? { model: lastModel } : {};
    const failing = this.#deaths.filter((death) => death.device === 'webgpu').length > sameDevice;
    if (host === 'shared-worker' && settings.device === 'auto' && device === 'webgpu' && failing) {
      const message = `${what} It goes on without the graphics card, which is slower; answers go on where they were.`;
      this.state = { ...told, message, action: 'stepping-down' };
      return { ...model, device: 'wasm' };
    }
    const message = `${what} It is started again, and answers go on where they were.`;
    this.state = { ...told, message, action: 'reloading' };
    return model;
  }

  /** The next one works. */
  done(): void {
    this.state = null;
  }
}
