// Signs of life by Web Locks (W3C Web Locks API): whoever lives holds an exclusive lock; whoever wants to notice its
// death asks for the same lock and is granted it only then. The browser releases the locks of a crashed tab within
// about 0.3 s, of a closed one at once. Called by EngineHost for its own lock and for those of the tabs.

/** Takes `name` and keeps it until the signal. Resolves when the lock is held. */
export async function holdLock(locks: LockManager, name: string, release: AbortSignal): Promise<void> {
  await new Promise<void>((held, failed) => {
    const kept = locks.request(name, { mode: 'exclusive' }, () => {
      held();
      return new Promise<void>((done) => {
        if (release.aborted) done();
        release.addEventListener('abort', () => done(), { once: true });
      });
    });
    kept.catch(failed);
  });
}

/** Calls `dead` when the holder of `name` is gone, and lets the lock go at once. Stops waiting by the signal. */
export function watchLock(locks: LockManager, name: string, stop: AbortSignal, dead: () => void): void {
  locks
    .request(name, { mode: 'exclusive', signal: stop }, () => {
      if (!stop.aborted) dead();
    })
    .catch((error: unknown) => {
      // Our own stop. Anything else (locks denied in this context) leaves no way to see a death: treat it as one.
      if (!stop.aborted) dead();
      void error;
    });
}

/**
 * Whether somebody is seen to hold `name`. When a visitor clears the site's data, what was open before and what is opened
 * afterwards no longer see each other's locks (Chromium ties them to the storage bucket, which is another one then): to be
 * granted the other's lock would say nothing.
 */
export async function seesLock(locks: LockManager, name: string): Promise<boolean> {
  return ((await locks.query()).held ?? []).some((lock) => lock.name === name);
}
