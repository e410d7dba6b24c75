// Waits for the network to be back. Called by ModelSlot when a download lost it; knows nothing of downloads.
// Source: WHATWG HTML, "Browser state" (`navigator.onLine`, the events `online` and `offline`, in workers, too). `onLine`
// says only that there is some network, so a page that is online is never waited for.

import { rejectOnAbort } from './turnstile.js';

/** Milliseconds: a laptop that was closed at the station is opened again on the train. */
const patience = 5 * 60_000;

/**
 * @returns whether it was gone and is back; false at once where the browser does not say that it is gone
 * @throws EngineError, the signal's reason
 */
export async function untilOnline(signal: AbortSignal, away: () => void): Promise<boolean> {
  const { navigator } = globalThis as { navigator?: Navigator };
  if (navigator === undefined || navigator.onLine !== false) return false;
  away();
  let settle: (back: boolean) => void = () => undefined;
  const back = new Promise<boolean>((resolve) => (settle = resolve));
  const heard = (): void => settle(true);
  const timer = setTimeout(() => settle(false), patience);
  globalThis.addEventListener('online', heard, { once: true });
  try {
    return await Promise.race([back, rejectOnAbort(signal)]);
  } finally {
    clearTimeout(timer);
    globalThis.removeEventListener('online', heard);
  }
}
