// What of a JSON Schema (draft 2020-12, "Validation" and "Core") is followed, and the reading of its keywords with
// typed refusals. A keyword that could rule texts out and is not followed is refused by name: an answer that was promised
// a form and has another is worse than an error. Unknown keywords are annotations and are passed over, as the standard
// says. Called by json-schema.ts.

import { EngineError } from '../../protocol/errors.js';

export type Schema = Readonly<Record<string, unknown>>;

/** They would rule texts out, and no grammar of ours can follow them. */
const notFollowed = [
  'not',
  'if',
  'then',
  'else',
  'contains',
  'minContains',
  'maxContains',
  'multipleOf',
  'minProperties',
  'maxProperties',
  'patternProperties',
  'propertyNames',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  '$dynamicRef',
  '$recursiveRef',
  'contentSchema',
];

export function refuse(path: string, what: string, hint: string): never {
  throw new EngineError(
    'invalid-request',
    `The schema for the answer, at ${path === '' ? 'its top' : path}: ${what}.`,
    { hint },
  );
}

export function asSchema(value: unknown, path: string): Schema | boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Schema;
  return refuse(path, 'this is no schema', 'A schema is an object, true or false.');
}

/** Refuses what cannot be followed. */
export function checkKeywords(schema: Schema, path: string): void {
  for (const name of notFollowed) {
    if (Object.hasOwn(schema, name)) {
      refuse(
        path,
        `“${name}” cannot be followed while an answer is written`,
        'Leave it out, and check the answer for it yourself.',
      );
    }
  }
  if (schema['uniqueItems'] === true) {
    refuse(
      path,
      '“uniqueItems” cannot be followed while an answer is written',
      'Leave it out, and check the answer for it yourself.',
    );
  }
}

export function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type; // string, number, boolean
}

/** A whole number >= 0. */
export function count(schema: Schema, name: string, path: string, otherwise: number): number {
  const value = schema[name];
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return refuse(path, `“${name}” is no whole number from 0 up`, 'Correct it.');
}

export function bound(schema: Schema, name: string, path: string): number | undefined {
  const value = schema[name];
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  return refuse(path, `“${name}” is no number`, 'Correct it.');
}

export function names(schema: Schema, name: string, path: string): readonly string[] {
  const value = schema[name];
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value;
  return refuse(path, `“${name}” is no list of names`, 'Correct it.');
}

export function schemas(schema: Schema, name: string, path: string): readonly unknown[] {
  const value = schema[name];
  if (Array.isArray(value) && value.length > 0) return value as readonly unknown[];
  return refuse(path, `“${name}” is no list of schemas`, 'Correct it.');
}

export function members(schema: Schema, name: string, path: string): readonly (readonly [string, unknown])[] {
  const value = schema[name];
  if (value === undefined) return [];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  return refuse(path, `“${name}” is no object of schemas`, 'Correct it.');
}

/** Follows a reference within the schema: "#", "#/$defs/name". */
export function resolve(root: unknown, reference: unknown, path: string): unknown {
  if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference)) {
    return refuse(
      path,
      '“$ref” leads out of the schema',
      'Put what it means under “$defs” and refer to “#/$defs/...”.',
    );
  }
  let value: unknown = root;
  for (const part of reference.split('/').slice(1)) {
    const key = decodePart(part).replaceAll('~1', '/').replaceAll('~0', '~');
    const inside = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    if (!inside) return refuse(path, '“$ref” leads nowhere', 'Check the name under “$defs”.');
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part; // it stands for itself
    throw error;
  }
}

const annotations = new Set([
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
  '$schema',
  '$id',
  '$defs',
  'definitions',
  '$anchor',
]);

/** One schema that means both. Keywords that both have must say the same, apart from properties and required names. */
export function merge(a: Schema, b: Schema, path: string): Schema {
  const merged: Record<string, unknown> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const before = merged[name];
    if (before === undefined || annotations.has(name)) merged[name] = value;
    else if (name === 'properties') {
      for (const [key] of members(b, name, path)) {
        if (Object.hasOwn(before as object, key)) {
          refuse(path, 'a property is described twice', 'Describe each property in one place.');
        }
      }
      merged[name] = { ...(before as object), ...(value as object) };
    } else if (name === 'required') merged[name] = [...new Set([...names(a, name, path), ...names(b, name, path)])];
    else if (JSON.stringify(before) !== JSON.stringify(value)) {
      refuse(path, `“${name}” is given twice, differently`, 'Join the two yourself.');
    }
  }
  return merged;
}
