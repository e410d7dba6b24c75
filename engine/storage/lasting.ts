// A medium that outlives its own loss: visitors clear a site's data and browsers evict it while the engine runs, and then
// every handle and connection that is open is dead for good. The first call that finds that out opens the medium again,
// which makes an empty one, and is made once more. Called by
// engine/weights/store/open-pieces.ts and engine/conversations/open-store.ts.
// Knows nothing of what the medium holds. What goes wrong: a medium that cannot be opened again throws what opening throws.

/** File System Standard: the folder is gone. Indexed Database API: the connection is closed, or closing. */
const lossNames: ReadonlySet<unknown> = new Set(['NotFoundError', 'InvalidStateError']);

const isLoss = (thrown: unknown): boolean => thrown instanceof DOMException && lossNames.has(thrown.name);

type Method = (...args: unknown[]) => unknown;

/**
 * @param open each method of what it makes but `close` must be one that may be called twice
 * @throws what `open` throws
 */
export async function lasting<M extends { close(): void }>(open: () => Promise<M>): Promise<M> {
  let medium = await open();
  let opening: Promise<M> | null = null;
  const again = async (lost: M): Promise<M> => {
    if (medium !== lost) return medium; // another call has done it
    opening ??= open().finally(() => (opening = null));
    const next = await opening;
    if (medium === lost) lost.close();
    return (medium = next);
  };
  return new Proxy(medium, {
    get(_first, name) {
      const lent = medium;
      const value: unknown = Reflect.get(lent, name);
      if (typeof value !== 'function' || name === 'close') {
        return typeof value === 'function' ? (value as Method).bind(lent) : value;
      }
      return async (...args: unknown[]): Promise<unknown> => {
        try {
          return await (value as Method).apply(lent, args);
        } catch (thrown) {
          if (!isLoss(thrown)) throw thrown;
          const next = await again(lent);
          return await (Reflect.get(next, name) as Method).apply(next, args);
        }
      };
    },
  });
}
