// Who may write: Web Locks in browsers, so that two tabs' workers never download the same shard or write the journal at
// once; a queue in this process where there are none (Node: the packer and tests). Called by model-store.ts and download/.

export interface StoreLocks {
  /**
   * Runs `work` when nobody else holds `name`.
   * @throws the signal's reason when it is aborted while waiting, and what `work` throws
   */
  hold<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const prefix = 'llm-elements weights ';

export function webLocks(locks: LockManager): StoreLocks {
  return {
    async hold<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
      return (await locks.request(prefix + name, signal === undefined ? {} : { signal }, work)) as T;
    },
  };
}

export function localLocks(): StoreLocks {
  const tails = new Map<string, Promise<unknown>>();
  return {
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
