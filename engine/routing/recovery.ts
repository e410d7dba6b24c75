// How a model that fails while it runs comes back: on the same device a bounded number of times, because a graphics card
// that was reset or a memory that was freed serves again, then on the rungs below, then not at all. Pure decisions and
// the words for them; Mending (host/) carries them out. Failures are remembered for five minutes, so that a device that
// breaks at every answer is left soon, and one that breaks once a day never is.

import type { EngineError, EngineErrorCode } from '../protocol/errors.js';
import type { RecoveryCause, RecoveryState } from '../protocol/state.js';
import type { Rung } from './ladder.js';

/** Milliseconds for which a failure counts against its device. */
const memory = 5 * 60_000;

/** How often the same device is tried again within that time; absent: never. */
const reloads: Partial<Record<EngineErrorCode, number>> = {
  'device-lost': 2,
  'out-of-memory': 1, // what other answers held is freed by it; more would end the same way
  'helper-lost': 8, // a tab went with its threads, which says nothing against the device
};

export interface RecoveryPlan {
  /** To be tried in this order; none: nothing is left. */
  readonly rungs: readonly Rung[];
  readonly state: RecoveryState;
}

export class RecoveryPolicy {
  #failures: { readonly rung: Rung; readonly code: EngineErrorCode; readonly at: number }[] = [];

  /** @param now milliseconds, monotonic */
  constructor(private readonly now: () => number) {}

  /**
   * After the model failed on a device.
   * @param below rungs below it, best first, those that may be used
   */
  plan(error: EngineError, rung: Rung, below: readonly Rung[]): RecoveryPlan {
    const since = this.now() - memory;
    this.#failures = [...this.#failures.filter(({ at }) => at >= since), { rung, code: error.code, at: this.now() }];
    const attempt = this.#failures.filter((failure) => failure.rung === rung && failure.code === error.code).length;
    const attemptsAllowed = reloads[error.code] ?? 0;
    const again = rung !== 'cloud' && attempt <= attemptsAllowed;
    const rungs = again ? [rung, ...below] : below;
    const [next] = rungs;
    const action = next === undefined ? 'gave-up' : next === rung ? 'reloading' : 'stepping-down';
    const told = { cause: causeOf(error.code), message: wordsFor(error, action, next), action } as const;
    const tries = again ? { attempt, attemptsAllowed } : { attempt: 1, attemptsAllowed: 1 };
    return { rungs, state: { ...told, ...tries } };
  }
}

export function causeOf(code: EngineErrorCode): RecoveryCause {
  if (code === 'out-of-memory' || code === 'model-too-large') return 'out-of-memory';
  if (code === 'storage' || code === 'model-invalid' || code === 'model-not-found') return 'storage-lost';
  if (code === 'network') return 'offline';
  return code === 'helper-lost' || code === 'engine-lost' ? 'engine-lost' : 'device-lost';
}

const happened: Record<RecoveryCause, string> = {
  'device-lost': 'What computed the model stopped working.',
  'out-of-memory': 'The memory ran out.',
  'engine-lost': 'A part of the engine ended.',
  'storage-lost': 'What this device kept of the model is gone.',
  offline: 'The network is gone.',
};

const onRung: Record<Rung, string> = {
  webgpu: 'goes on with the graphics card.',
  wasm: 'goes on with the processor, which is slower.',
  cloud: 'is over on this device: the cloud goes on, as you allowed.',
};

function wordsFor(error: EngineError, action: RecoveryState['action'], next: Rung | undefined): string {
  const what = error.code === 'device-lost' ? 'The graphics card stopped working.' : happened[causeOf(error.code)];
  if (action === 'reloading') return `${what} The model is loaded again, and goes on where it was.`;
  if (next !== undefined) return `${what} The model ${onRung[next]}`;
  return `${what} ${nothingLeft}`;
}

const nothingLeft = 'Nothing is left to try. The next request tries anew.';

/** After what was done about it failed as well. */
export const gaveUp = (state: RecoveryState): RecoveryState => ({
  ...state,
  message: `${happened[state.cause]} ${nothingLeft}`,
  action: 'gave-up',
});

/** While the model is fetched again because its kept copy failed. */
export const refetching: RecoveryState = {
  cause: 'storage-lost',
  message: `${happened['storage-lost']} It is fetched again.`,
  attempt: 1,
  attemptsAllowed: 1,
  action: 'reloading',
};

/** While a load waits for the network. */
export const waitingForNetwork = (attempt: number, attemptsAllowed: number): RecoveryState => ({
  cause: 'offline',
  message: `${happened.offline} Loading goes on by itself when it is back; what has arrived is kept.`,
  attempt,
  attemptsAllowed,
  action: 'reloading',
});
