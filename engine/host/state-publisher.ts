// Publishes the engine's state to all tabs of the site: whole, small, without any content of conversations. Changes
// that people wait for go out at the next turn of the event loop; progress and figures at most ten times a second.
// Called by EngineHost; knows nothing of what the state means. Format: `{type: 'state', state}` on a BroadcastChannel.

import type { EngineState } from '../protocol/state.js';

/** Between two publications of mere progress, in milliseconds. */
const progressInterval = 100;

export type StateFacts = Omit<EngineState, 'sequence' | 'hostId'>;

export interface StateChannel {
  postMessage(message: unknown): void;
  close(): void;
}

export class StatePublisher {
  #sequence = 0;
  #latest: EngineState;
  #soon: ReturnType<typeof setTimeout> | null = null;
  #urgent = false;
  #lastSent = -Infinity;

  constructor(
    private readonly hostId: string,
    private readonly compose: () => StateFacts,
    private readonly channel: StateChannel,
    private readonly now: () => number,
  ) {
    this.#latest = this.#snapshot();
  }

  /** The newest state, published or about to be. */
  current(): EngineState {
    this.#latest = this.#snapshot();
    return this.#latest;
  }

  /** Something changed. `progress`: only figures did, and it can wait for its turn. */
  changed(kind: 'progress' | 'change' = 'change'): void {
    if (kind === 'change' && !this.#urgent) {
      this.#urgent = true;
      if (this.#soon !== null) clearTimeout(this.#soon);
      this.#soon = setTimeout(() => this.#publish(), 0);
    } else if (this.#soon === null) {
      const wait = Math.max(0, this.#lastSent + progressInterval - this.now());
      this.#soon = setTimeout(() => this.#publish(), wait);
    }
  }

  close(): void {
    if (this.#soon !== null) clearTimeout(this.#soon);
    this.channel.close();
  }

  #publish(): void {
    this.#soon = null;
    this.#urgent = false;
    this.#lastSent = this.now();
    this.channel.postMessage({ type: 'state', state: this.current() });
  }

  #snapshot(): EngineState {
    return { sequence: ++this.#sequence, hostId: this.hostId, ...this.compose() };
  }
}
