// The store's errors in words. Called by model-store.ts and journal.ts. Knows nothing of what is stored.

import { EngineError } from '../../protocol/errors.js';
import { isQuotaError } from './pieces.js';

/** @throws EngineError `storage` for whatever a medium throws; errors that have words already go through */
export async function guard<T>(what: 'read' | 'write', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storageError(what, thrown);
  }
}

export function storageError(what: 'read' | 'write', thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const why = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new EngineError(
    'storage',
    `What this device keeps of the models could not be ${what === 'read' ? 'read' : 'written'} (${why}).`,
    {
      cause: thrown,
      hint: "Reload the page. If that does not help, clear this site's data in the browser's settings.",
    },
  );
}

/** Whether it failed for want of room, in the medium's words or in ours. */
export const isFull = (thrown: unknown): boolean =>
  isQuotaError(thrown) || (thrown instanceof EngineError && thrown.code === 'storage' && isQuotaError(thrown.cause));

/** @param what did not fit */
export function noRoom(
  what: string,
  estimate: { readonly usage: number; readonly quota: number } | null,
  cause: unknown,
): EngineError {
  const room =
    estimate === null ? '' : ` Of ${mebibytes(estimate.quota)} allowed, ${mebibytes(estimate.usage)} are in use.`;
  return new EngineError('storage', `There is no room on this device for ${what}.${room}`, {
    hint: 'Free some disk space, delete another model, or choose a smaller one.',
    cause,
  });
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
