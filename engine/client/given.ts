// Fields that were given: an option that is absent is left out of a message, because the host's schemas take no `undefined`.
// Called by this room.

type Given<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> };

/** A copy without what is undefined. */
export const given = <T extends object>(fields: T): Partial<Given<T>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Given<T>>;
