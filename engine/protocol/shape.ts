// Readers: what a page believes of a message that comes again and again (hello, states, an answer's parts), checked by as
// little code as does it, because every page downloads this before its first answer. Called by page-messages.ts only; all
// other messages, and everything that the host accepts, have schemas of valibot (check.ts), which is eight times as large.
//
// A reader gives back the value without what it does not know, like a schema, or throws a Misfit that names the field and
// quotes nothing. Each has a type of the protocol as its own, so a field that the protocol gains and a reader lacks does not
// compile.

/** @returns the value, unknown fields dropped. @param at its place, for the message. @throws Misfit */
export type Reader<T> = (value: unknown, at: string) => T;

/** A value that does not fit, by its place: the value itself may be a question or an answer. */
export class Misfit extends Error {}

type Optional<T> = { [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? K : never }[keyof T];
type Readers<T> = { readonly [K in keyof T]-?: Reader<Exclude<T[K], undefined>> };

/** @param fits whether the value is a T; it may be anything at all */
export const where =
  <T>(fits: (value: unknown) => boolean): Reader<T> =>
  (value, at) => {
    if (fits(value)) return value as T;
    throw new Misfit(at);
  };

export const text = (longest: number): Reader<string> =>
  where((value) => typeof value === 'string' && value.length <= longest);

export const flag: Reader<boolean> = where((value) => typeof value === 'boolean');

export const number: Reader<number> = where((value) => typeof value === 'number' && !Number.isNaN(value));

/** Finite and not below zero. */
export const amount: Reader<number> = where((value) => Number.isFinite(value) && (value as number) >= 0);

export const oneOf = <const T>(...values: readonly T[]): Reader<T> => where((value) => values.includes(value as T));

export const orNull =
  <T>(reader: Reader<T>): Reader<T | null> =>
  (value, at) =>
    value === null ? null : reader(value, at);

export const list =
  <T>(reader: Reader<T>, most: number): Reader<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value) || value.length > most) throw new Misfit(at);
    return Array.from(value, (item: unknown, index) => reader(item, `${at}.${index}`));
  };

const fieldsOf: Reader<Readonly<Record<string, unknown>>> = where(
  (value) => typeof value === 'object' && value !== null,
);

/**
 * @param fields that must be there
 * @param extra those that may be absent, but not undefined
 */
export const record = <T>(fields: Readers<Omit<T, Optional<T>>>, extra?: Readers<Pick<T, Optional<T>>>): Reader<T> => {
  const readers = Object.entries<Reader<unknown>>({ ...fields, ...extra });
  return (value, at) => {
    const given = fieldsOf(value, at);
    const known: Record<string, unknown> = {};
    for (const [name, reader] of readers) {
      if (name in fields || Object.hasOwn(given, name)) known[name] = reader(given[name], `${at}.${name}`);
    }
    return known as T;
  };
};

/** Records told apart by the value of one field. */
export const variant =
  <T, F extends keyof T & string>(
    field: F,
    ...kinds: readonly (T extends unknown ? readonly [T[F], Reader<Omit<T, F>>] : never)[]
  ): Reader<T> =>
  (value, at) => {
    const kind = fieldsOf(value, at)[field];
    const found = kinds.find(([name]) => name === kind);
    if (found === undefined) throw new Misfit(`${at}.${field}`);
    return { [field]: kind, ...found[1](value, at) } as T;
  };
