// Who may write: Web Locks in browsers, so that two tabs' workers never download the same shard or write the journal at
// once; a queue in this process where there are none (Node: the packer and tests). Called by model-store.ts and download/.

export interface StoreLocks {
  /**
   * Runs `work` when nobody else holds `name`.
   * @throws the signal's reason when it is aborted while waiting, and what `work` throws
   */
  hold<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Says that a model is in use, until the returned function is called. Others may use it, too. */
  use(source: string): () => void;
  /** Does `work` when nobody uses the model; who begins to use it meanwhile is heard afterwards. @returns whether it was done */
  ifUnused(source: string, work: () => Promise<unknown>): Promise<boolean>;
}

const prefix = 'llm-elements weights ';
const usedPrefix = 'llm-elements weights used ';

export function webLocks(locks: LockManager): StoreLocks {
  return {
    async hold<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
      return (await locks.request(prefix + name, signal === undefined ? {} : { signal }, work)) as T;
    },
    use(source) {
      const end = new AbortController();
      const { signal } = end;
      const ended = (): Promise<void> =>
        new Promise((resume) => {
          signal.addEventListener('abort', () => resume(), { once: true });
          if (signal.aborted) resume();
        });
      locks.request(usedPrefix + source, { mode: 'shared', signal }, ended).catch((thrown: unknown) => {
        void thrown; // ended before it was granted
      });
      return () => end.abort();
    },
    async ifUnused(source, work) {
      const done = await locks.request(usedPrefix + source, { ifAvailable: true }, async (lock) => {
        if (lock !== null) await work();
        return lock !== null;
      });
      return done as boolean;
    },
  };
}

export function localLocks(): StoreLocks {
  const tails = new Map<string, Promise<unknown>>();
  const users = new Map<string, number>();
  return {
    use(source) {
      users.set(source, (users.get(source) ?? 0) + 1);
      return () => users.set(source, (users.get(source) ?? 1) - 1);
    },
    async ifUnused(source, work) {
      if ((users.get(source) ?? 0) > 0) return false;
      await work();
      return true;
    },
    async hold<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
      const before = tails.get(name) ?? Promise.resolve();
      const turn = before.then(() => {
        signal?.throwIfAborted();
        return work();
      });
      const tail = turn.catch(() => undefined); // its caller hears of it; the next in line starts afresh
      tails.set(name, tail);
      void tail.then(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
      return turn;
    },
  };
}
