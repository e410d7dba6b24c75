// A JSON Schema as an Expression: the texts that are valid JSON of that schema. Properties come in the order in which the
// schema lists them; an object with `properties` has no others unless `additionalProperties` says so; `oneOf` is read as
// `anyOf`; without `type`, the keywords say which type is meant. All of that narrows what the schema allows, so every
// answer is valid by it. Called by constraint.ts. Recursion by `$ref` is fine. What goes wrong: schema-reader.ts.

import { EngineError } from '../../protocol/errors.js';
import {
  characters,
  choice,
  inverted,
  literal,
  named,
  nothing,
  repeat,
  sequence,
  type CodePointRange,
  type Expression,
} from './expression.js';
import {
  anyCharacters,
  anyObject,
  anyValue,
  bracketed,
  colon,
  comma,
  constant,
  integer,
  integerBetween,
  list,
  number,
  quoted,
  string,
  stringCharacter,
} from './json-values.js';
import { readRegex } from './regex.js';
import { numberBetween } from './number-between.js';
import * as read from './schema-reader.js';
import type { Schema } from './schema-reader.js';

const deepest = 200;
/** Schemas read in all, each reference with keywords beside it anew: such references can double with every level. */
const mostSchemas = 100_000;

/** @throws EngineError `invalid-request` saying where in the schema and why */
export const jsonSchema = (schema: unknown): Expression => new SchemaReader(schema).expression(schema, '', 0);

class SchemaReader {
  #left = mostSchemas;

  constructor(private readonly root: unknown) {}

  #spend(work: number, path: string): void {
    this.#left -= work;
    if (this.#left < 0) read.refuse(path, 'it unfolds into too many schemas', 'Put no keywords beside a “$ref”.');
  }

  expression(value: unknown, path: string, depth: number): Expression {
    this.#spend(1, path);
    const schema = read.asSchema(value, path);
    if (schema === true) return anyValue;
    if (schema === false) return read.refuse(path, 'nothing fits “false”', 'Leave it out.');
    if (depth > deepest) return read.refuse(path, 'it is nested too deep', 'Make it flatter, or use “$ref”.');
    read.checkKeywords(schema, path);
    if (Object.hasOwn(schema, '$ref')) return this.#reference(schema, path, depth);
    if (Object.hasOwn(schema, 'allOf')) return this.#all(schema, path, depth);
    for (const name of ['anyOf', 'oneOf']) {
      if (!Object.hasOwn(schema, name)) continue;
      const rest = without(schema, name);
      const options = read.schemas(schema, name, `${path}/${name}`);
      return choice(
        ...options.map((option, i) => {
          const at = `${path}/${name}/${i}`;
          const one = read.asSchema(option, at);
          return this.expression(typeof one === 'boolean' ? one : read.merge(rest, one, at), at, depth + 1);
        }),
      );
    }
    if (Object.hasOwn(schema, 'const')) return constant(schema['const']);
    if (Object.hasOwn(schema, 'enum')) return this.#enumeration(schema, path);
    return this.#typed(schema, path, depth);
  }

  #enumeration(schema: Schema, path: string): Expression {
    const types: readonly unknown[] = [schema['type'] ?? []].flat();
    const fits = (value: unknown): boolean => types.length === 0 || types.some((type) => read.isOfType(value, type));
    const values = read.schemas(schema, 'enum', path).filter(fits);
    if (values.length === 0) read.refuse(path, 'no value of “enum” has its “type”', 'Correct them.');
    return { kind: 'choice', options: values.map(constant) };
  }

  #reference(schema: Schema, path: string, depth: number): Expression {
    const { $ref: reference, ...rest } = schema;
    const target = read.resolve(this.root, reference, path);
    const at = String(reference);
    const asserts = Object.keys(rest).some((name) => !/^(title|description|default|examples|\$.*)$/.test(name));
    if (!asserts) return named(`ref ${at}`, () => this.expression(target, at, 0));
    const whole = read.asSchema(target, at);
    return this.expression(typeof whole === 'boolean' ? rest : read.merge(whole, rest, path), path, depth + 1);
  }

  #all(schema: Schema, path: string, depth: number): Expression {
    let merged = without(schema, 'allOf');
    read.schemas(schema, 'allOf', path).forEach((part, i) => {
      let one = read.asSchema(part, `${path}/allOf/${i}`);
      for (let steps = 0; typeof one === 'object' && Object.hasOwn(one, '$ref') && steps < deepest; steps++) {
        const { $ref: reference, ...more }: Schema = one;
        const target = read.asSchema(read.resolve(this.root, reference, path), String(reference));
        one = typeof target === 'boolean' ? target : read.merge(target, more, path);
      }
      if (one === false) read.refuse(path, 'nothing fits “false”', 'Leave it out.');
      if (typeof one === 'object') merged = read.merge(merged, one, path);
    });
    return this.expression(merged, path, depth + 1);
  }

  #typed(schema: Schema, path: string, depth: number): Expression {
    const { type } = schema;
    if (Array.isArray(type)) return choice(...type.map((one: unknown) => this.#ofType(one, schema, path, depth)));
    if (type !== undefined) return this.#ofType(type, schema, path, depth);
    const has = (...keywords: readonly string[]): boolean => keywords.some((name) => Object.hasOwn(schema, name));
    if (has('properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames'))
      return this.#object(schema, path, depth);
    if (has('items', 'prefixItems', 'minItems', 'maxItems')) return this.#array(schema, path, depth);
    if (has('minLength', 'maxLength', 'pattern', 'format')) return this.#string(schema, path);
    if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum')) return this.#number(schema, path);
    return anyValue;
  }

  #ofType(type: unknown, schema: Schema, path: string, depth: number): Expression {
    if (type === 'object') return this.#object(schema, path, depth);
    if (type === 'array') return this.#array(schema, path, depth);
    if (type === 'string') return this.#string(schema, path);
    if (type === 'integer') return this.#integer(schema, path);
    if (type === 'number') return this.#number(schema, path);
    if (type === 'boolean') return choice(literal('true'), literal('false'));
    if (type === 'null') return literal('null');
    return read.refuse(
      path,
      'this “type” is none',
      'Types are object, array, string, number, integer, boolean and null.',
    );
  }

  #object(schema: Schema, path: string, depth: number): Expression {
    const properties = read.members(schema, 'properties', path);
    const required = new Set(read.names(schema, 'required', path));
    const unlisted = schema['unevaluatedProperties'] ?? (properties.length === 0 && required.size === 0);
    const { additionalProperties: others = unlisted } = schema;
    const open = read.asSchema(others, `${path}/additionalProperties`);
    if (properties.length === 0 && required.size === 0 && open === true) return anyObject;
    const named = [...properties];
    for (const name of required) {
      if (properties.some(([key]) => key === name)) continue;
      if (open === false && Object.hasOwn(schema, 'additionalProperties'))
        read.refuse(path, '“required” names a property that may not be there', 'Describe it under “properties”.');
      named.push([name, open === false ? true : open]);
    }
    const values = named.map(
      ([key, value]) =>
        [key, sequence(constant(key), colon, this.expression(value, `${path}/properties/${key}`, depth + 1))] as const,
    );
    // Names unfold by their characters, several elements each.
    if (open !== false)
      this.#spend(
        named.reduce((sum, [key]) => sum + key.length, 0),
        path,
      );
    const more =
      open === false
        ? null
        : sequence(
            quoted(otherText(named.map(([key]) => key))),
            colon,
            open === true ? anyValue : this.expression(open, `${path}/additionalProperties`, depth + 1),
          );
    // From the last property to the first: what may follow when something stands before it, and when nothing does.
    let after: Expression = more === null ? nothing : repeat(sequence(comma, more), 0);
    let first: Expression = more === null ? nothing : choice(nothing, sequence(more, repeat(sequence(comma, more), 0)));
    for (const [key, member] of [...values].reverse()) {
      const here = sequence(comma, member, after);
      const begin = sequence(member, after);
      [after, first] = required.has(key) ? [here, begin] : [choice(here, after), choice(begin, first)];
    }
    return bracketed('{', first, '}');
  }

  #array(schema: Schema, path: string, depth: number): Expression {
    const first = schema['prefixItems'] === undefined ? [] : read.schemas(schema, 'prefixItems', path);
    const min = read.count(schema, 'minItems', path, 0);
    const max = read.count(schema, 'maxItems', path, Infinity);
    if (min > max) read.refuse(path, '“minItems” is above “maxItems”', 'Correct them.');
    const rest = read.asSchema(schema['items'] ?? schema['unevaluatedItems'] ?? true, `${path}/items`);
    const item = rest === false ? null : this.expression(rest, `${path}/items`, depth + 1);
    if (item === null && min > first.length)
      read.refuse(path, '“minItems” asks for more items than there are', 'Correct it.');
    if (first.length === 0) return list(item ?? anyValue, item === null ? 0 : min, item === null ? 0 : max);
    const heads = first.map((one, i) => this.expression(one, `${path}/prefixItems/${i}`, depth + 1)).slice(0, max);
    // Every listed item is written, which the standard allows and readers expect.
    const inside = heads.flatMap((head, i) => (i === 0 ? [head] : [comma, head]));
    const least = Math.max(0, min - heads.length);
    const tail = item === null ? nothing : repeat(sequence(comma, item), least, Math.max(0, max - heads.length));
    return bracketed('[', sequence(...inside, tail), ']');
  }

  #string(schema: Schema, path: string): Expression {
    const min = read.count(schema, 'minLength', path, 0);
    const max = read.count(schema, 'maxLength', path, Infinity);
    if (min > max) read.refuse(path, '“minLength” is above “maxLength”', 'Correct them.');
    const { pattern, format } = schema;
    if (pattern !== undefined) {
      if (typeof pattern !== 'string') return read.refuse(path, '“pattern” is no text', 'Correct it.');
      if (min > 0 || max !== Infinity)
        read.refuse(path, '“pattern” beside a length cannot be followed', 'Put the length into the pattern: ^.{1,20}$');
      const { expression, fromStart, toEnd } = readRegex(pattern, { write: stringCharacter });
      return quoted(sequence(fromStart ? nothing : anyCharacters, expression, toEnd ? nothing : anyCharacters));
    }
    const form = typeof format === 'string' ? formats[format] : undefined;
    return form === undefined ? string(min, max) : quoted(readRegex(form, { write: stringCharacter }).expression);
  }

  #integer(schema: Schema, path: string): Expression {
    const low = read.bound(schema, 'minimum', path) ?? -Infinity;
    const high = read.bound(schema, 'maximum', path) ?? Infinity;
    const above = read.bound(schema, 'exclusiveMinimum', path) ?? -Infinity;
    const below = read.bound(schema, 'exclusiveMaximum', path) ?? Infinity;
    const from = Math.max(Math.ceil(low), Math.floor(above) + 1);
    const to = Math.min(Math.floor(high), Math.ceil(below) - 1);
    if (from > to) read.refuse(path, 'no whole number lies between its bounds', 'Correct them.');
    const exact = (bound: number): boolean => !Number.isFinite(bound) || Number.isSafeInteger(bound);
    if (!exact(from) || !exact(to)) read.refuse(path, 'a bound is too large to be kept exactly', 'Leave it out.');
    return from === -Infinity && to === Infinity ? integer : integerBetween(from, to);
  }

  #number(schema: Schema, path: string): Expression {
    for (const name of ['exclusiveMinimum', 'exclusiveMaximum']) {
      if (schema[name] !== undefined)
        read.refuse(
          path,
          `“${name}” is followed for whole numbers only`,
          'Use “minimum”, “maximum”, or the type integer.',
        );
    }
    const low = read.bound(schema, 'minimum', path) ?? -Infinity;
    const high = read.bound(schema, 'maximum', path) ?? Infinity;
    if (low > high) read.refuse(path, 'no number lies between its bounds', 'Correct them.');
    if (low === -Infinity && high === Infinity) return number;
    const whole = (bound: number): boolean => !Number.isFinite(bound) || Number.isSafeInteger(bound);
    if (!whole(low) || !whole(high))
      read.refuse(path, 'bounds with a fraction cannot be followed', 'Use whole numbers as bounds.');
    return numberBetween(low, high);
  }
}

/** The formats whose form is worth holding to; every other is an annotation, as the standard has it. */
const formats: Readonly<Record<string, string>> = {
  date: '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])',
  time: '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)',
  'date-time':
    '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
};

/** Any text of plain characters that is none of `taken`: for the names of further properties. */
function otherText(taken: readonly string[]): Expression {
  const plain = [
    [0x20, 0x21],
    [0x23, 0x5b],
    [0x5d, 0x10ffff],
  ] as const;
  const tail = repeat(characters(plain), 0, 60); // one for all places: it is by far the largest part
  const from = (rests: readonly string[], depth: number): Expression => {
    const options: Expression[] = rests.includes('') || depth === 0 ? [] : [nothing];
    const byFirst = new Map<string, string[]>();
    for (const rest of rests) {
      const [first] = rest;
      if (first !== undefined) byFirst.set(first, [...(byFirst.get(first) ?? []), rest.slice(first.length)]);
    }
    const firsts = [...byFirst.keys()].map((text): CodePointRange => [
      text.codePointAt(0) ?? 0,
      text.codePointAt(0) ?? 0,
    ]);
    const elsewhere = intersection(plain, inverted(firsts));
    options.push(sequence(characters(elsewhere), tail));
    for (const [first, more] of byFirst) {
      const code = first.codePointAt(0) ?? 0;
      if (plain.some(([low, high]) => code >= low && code <= high)) {
        options.push(sequence(characters([[code, code]]), from(more, depth + 1)));
      }
    }
    return choice(...options);
  };
  if (taken.some((name) => name.length > 1_000)) {
    throw new EngineError('invalid-request', 'The schema for the answer has a property with a very long name.', {
      hint: 'Shorten it.',
    });
  }
  return from(taken, 0);
}

function intersection(a: readonly CodePointRange[], b: readonly CodePointRange[]): CodePointRange[] {
  return a.flatMap(([low, high]) =>
    b.flatMap(([from, to]): CodePointRange[] =>
      Math.max(low, from) <= Math.min(high, to) ? [[Math.max(low, from), Math.min(high, to)]] : [],
    ),
  );
}

const without = (schema: Schema, name: string): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => key !== name));
