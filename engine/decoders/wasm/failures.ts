// Says what a failure in WebAssembly means for a visitor. Called wherever kernels run.

import { EngineError } from '../../protocol/errors.js';
import { TeamFailure } from './team.js';

/**
 * A trap (an address outside of memory, `unreachable`) is a defect of ours or of the browser's compiler, and the memory
 * behind it can no longer be trusted: the decoder that it happened to is finished. So is one that lost a thread.
 */
export const isTrap = (thrown: unknown): boolean =>
  thrown instanceof TeamFailure ||
  // A browser may have no WebAssembly at all, which is said here like everything else.
  (typeof WebAssembly === 'object' && thrown instanceof WebAssembly.RuntimeError);

export function asEngineError(thrown: unknown): EngineError {
  if (!isTrap(thrown)) return EngineError.from(thrown);
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  return new EngineError('internal', `A WebAssembly kernel failed: ${what}.`, {
    cause: thrown,
    hint: 'Please report this with the text above and the name of the model. It may run on another device.',
  });
}
