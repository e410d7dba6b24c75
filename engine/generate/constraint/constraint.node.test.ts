import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../../protocol/errors.js';
import type { ResponseFormat } from '../../protocol/response-format.js';
import { createTokenizer } from '../../tokenizer/create-tokenizer.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { byteTokenizerFiles } from '../../../test/support/byte-tokenizer.js';
import { hasBit } from './bits.js';
import { createConstraint, type Constraint } from './constraint.js';

const tokenizer = createTokenizer(byteTokenizerFiles());
const ends = tokenizer.endIds;

const schemaFormat = (schema: unknown): ResponseFormat => ({
  type: 'json_schema',
  json_schema: { schema: schema as Record<string, unknown> },
});
const regexFormat = (pattern: string, flags = '', whole = true): ResponseFormat => ({
  type: 'regex',
  regex: { pattern, flags, whole },
});

function constraintFor(format: ResponseFormat): Constraint {
  const constraint = createConstraint(format, tokenizer, ends);
  assert.ok(constraint);
  return constraint;
}

const allows = hasBit;

/** Whether the form takes exactly this text, byte by byte, and lets it end there. */
function takes(format: ResponseFormat, text: string): boolean {
  const constraint = constraintFor(format);
  for (const byte of new TextEncoder().encode(text)) {
    if (!allows(constraint.allowed(), byte)) return false;
    constraint.accept(byte);
  }
  return [...ends].some((id) => allows(constraint.allowed(), id));
}

/** A random answer of the form: at each step any allowed token. */
function answer(format: ResponseFormat, pick: (count: number) => number, longest = 600): string | null {
  const constraint = constraintFor(format);
  const ids: number[] = [];
  for (let step = 0; step < longest; step++) {
    if (constraint.complete) return tokenizer.decode(ids);
    const mask = constraint.allowed();
    const allowed: number[] = [];
    for (let id = 0; id < tokenizer.vocabularySize; id++) if (allows(mask, id)) allowed.push(id);
    assert.ok(allowed.length > 0, `stuck after ${JSON.stringify(tokenizer.decode(ids))}`);
    const end = allowed.filter((id) => ends.has(id));
    // Ends as soon as it may, half of the time, so that answers stay short.
    const id = end[0] !== undefined && pick(2) === 0 ? end[0] : allowed[pick(allowed.length)];
    assert.ok(id !== undefined);
    constraint.accept(id);
    if (ends.has(id)) return tokenizer.decode(ids);
    ids.push(id);
  }
  return null;
}

const refused = (format: ResponseFormat, word: RegExp): void => {
  assert.throws(
    () => constraintFor(format),
    (error: unknown) =>
      error instanceof EngineError && error.code === 'invalid-request' && word.test(error.message) && error.hint !== '',
  );
};

test('JSON texts of a schema are taken, others are not', () => {
  const person = schemaFormat({
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 10 },
      age: { type: 'integer', minimum: 0, maximum: 120 },
      tags: { type: 'array', items: { enum: ['a', 'b', 3, null] }, maxItems: 2 },
    },
    required: ['name'],
  });
  for (const text of [
    '{"name":"Ann"}',
    '{ "name": "Ann", "age": 7 }',
    '{"name":"é\\n\\u00e9","tags":["a", 3]}',
    '{\n  "name": "",\n  "age": 120\n}',
  ]) {
    assert.ok(takes(person, text), text);
  }
  for (const text of [
    '{}',
    '{"name":"Ann",}',
    '{"age":7}',
    '{"name":"Ann","age":121}',
    '{"name":"Ann","age":007}',
    '{"name":"12345678901"}',
    '{"name":"A","x":1}',
    '{"name":"A","tags":["c"]}',
    '["name"]',
    '{"name":"a\nb"}',
    '{"name":"\\ud800"}',
    ' {"name":"A"}',
  ]) {
    assert.ok(!takes(person, text), text);
  }
});

test('whole numbers keep their bounds', () => {
  const bound = fc.integer({ min: -2_000, max: 2_000 });
  fc.assert(
    fc.property(bound, bound, fc.integer({ min: -2_500, max: 2_500 }), (a, b, value) => {
      const [minimum, maximum] = a < b ? [a, b] : [b, a];
      const taken = takes(schemaFormat({ type: 'integer', minimum, maximum }), String(value));
      assert.equal(taken, value >= minimum && value <= maximum, `${value} in ${minimum}..${maximum}`);
    }),
    { numRuns: 300 },
  );
});

test('numbers keep whole bounds, with fractions between', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -30, max: 30 }),
      fc.integer({ min: -30, max: 30 }),
      fc.integer({ min: -4_000, max: 4_000 }),
      (a, b, hundredths) => {
        const [minimum, maximum] = a < b ? [a, b] : [b, a];
        const value = hundredths / 100;
        const taken = takes(schemaFormat({ type: 'number', minimum, maximum }), value.toFixed(2));
        if (taken) assert.ok(value >= minimum && value <= maximum, `${value} in ${minimum}..${maximum}`);
        if (value > minimum && value < maximum && value.toFixed(2) !== '-0.00')
          assert.ok(taken, `${value} in ${minimum}..${maximum}`);
      },
    ),
    { numRuns: 300 },
  );
});

const schemas = fc.letrec<{ schema: Record<string, unknown> }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Record<string, unknown>>(
      { type: 'boolean' },
      { type: 'null' },
      { type: 'integer', minimum: -5, maximum: 1234 },
      { type: 'number' },
      { type: 'string', maxLength: 5 },
      { type: 'string', pattern: '^[a-z"\\\\]{1,3}$' },
      { type: 'string', format: 'date' },
      { enum: ['x', 'y"z', 1, null, { a: [1] }] },
      { const: { deep: ['ö', 1.5] } },
      { type: ['string', 'null'], maxLength: 2 },
    ),
    fc.record({
      type: fc.constant('array'),
      items: tie('schema'),
      minItems: fc.nat(2),
      maxItems: fc.integer({ min: 2, max: 3 }),
    }),
    fc
      .dictionary(fc.constantFrom('a', 'b b', 'ü"', 'd'), tie('schema'), { minKeys: 1, maxKeys: 3 })
      .chain((properties) =>
        fc.subarray(Object.keys(properties)).map((required) => ({ type: 'object', properties, required })),
      ),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  ),
}));

/** A plain reading of the same keywords, apart from the one under test. */
function valid(schema: Record<string, unknown>, value: unknown): boolean {
  const {
    type,
    anyOf,
    properties = {},
    required = [],
    items,
  } = schema as {
    type?: string | string[];
    anyOf?: Record<string, unknown>[];
    properties?: Record<string, Record<string, unknown>>;
    required?: string[];
    items?: Record<string, unknown>;
  };
  if (anyOf) return anyOf.some((one) => valid(one, value));
  if ('const' in schema) return JSON.stringify(value) === JSON.stringify(schema['const']);
  if ('enum' in schema)
    return (schema['enum'] as unknown[]).some((one) => JSON.stringify(one) === JSON.stringify(value));
  if (Array.isArray(type)) return type.some((one) => valid({ ...schema, type: one }, value));
  const within = (size: number, low: string, high: string): boolean =>
    size >= ((schema[low] as number | undefined) ?? -Infinity) &&
    size <= ((schema[high] as number | undefined) ?? Infinity);
  if (type === 'null') return value === null;
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'integer') return Number.isInteger(value) && within(value as number, 'minimum', 'maximum');
  if (type === 'number') return typeof value === 'number' && within(value, 'minimum', 'maximum');
  if (type === 'string') {
    if (typeof value !== 'string' || !within([...value].length, 'minLength', 'maxLength')) return false;
    if (schema['pattern'] !== undefined && !new RegExp(schema['pattern'] as string, 'u').test(value)) return false;
    return schema['format'] !== 'date' || /^\d{4}-\d\d-\d\d$/.test(value);
  }
  if (type === 'array')
    return (
      Array.isArray(value) &&
      within(value.length, 'minItems', 'maxItems') &&
      value.every((one) => valid(items ?? {}, one))
    );
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return (
    required.every((key) => key in value) &&
    Object.entries(value).every(([key, one]) => properties[key] !== undefined && valid(properties[key], one))
  );
}

test('every answer that a constraint lets through is valid by its schema', () => {
  let finished = 0;
  fc.assert(
    fc.property(schemas.schema, fc.infiniteStream(fc.nat(1_000_000)), (schema, stream) => {
      const text = answer(schemaFormat(schema), (count) => (stream.next().value ?? 0) % count);
      if (text === null) return;
      finished++;
      assert.ok(valid(schema, JSON.parse(text)), `${text} for ${JSON.stringify(schema)}`);
    }),
    { numRuns: 300 },
  );
  assert.ok(finished > 200, `only ${finished} answers came to an end`);
});

test('valid JSON of a schema is never shut out', () => {
  const schema = {
    type: 'object',
    properties: { s: { type: 'string' }, n: { type: 'array', items: { type: 'integer' } } },
    required: ['s', 'n'],
  };
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.integer()), fc.constantFrom(0, 1, 2), (s, n, indent) => {
      assert.ok(takes(schemaFormat(schema), JSON.stringify({ s, n }, null, indent)));
    }),
  );
});

test('any JSON object', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
      const text = JSON.stringify(value);
      if (/e[+-]?\d{4}/.test(text) || /\d{17}/.test(text)) return; // more digits than are followed
      assert.ok(takes({ type: 'json_object' }, text), text);
    }),
  );
  for (const text of ['[]', '1', '{', '{"a"}', '{"a":1}}', "{'a':1}"])
    assert.ok(!takes({ type: 'json_object' }, text), text);
});

test('references may lead back to themselves', () => {
  const tree = schemaFormat({
    $ref: '#/$defs/node',
    $defs: {
      node: {
        type: 'object',
        properties: { v: { type: 'integer' }, c: { type: 'array', items: { $ref: '#/$defs/node' } } },
        required: ['v'],
      },
    },
  });
  assert.ok(takes(tree, '{"v":1,"c":[{"v":2},{"v":3,"c":[]}]}'));
  assert.ok(!takes(tree, '{"v":1,"c":[{"c":[]}]}'));
});

test('further properties have other names than the described ones', () => {
  const open = schemaFormat({
    type: 'object',
    properties: { ab: { type: 'integer' } },
    additionalProperties: { type: 'boolean' },
  });
  for (const text of ['{}', '{"ab":1}', '{"x":true}', '{"ab":1,"a":true,"abc":false}'])
    assert.ok(takes(open, text), text);
  for (const text of ['{"ab":true}', '{"x":1}', '{"x":true,"ab":true}']) assert.ok(!takes(open, text), text);
});

test('a pattern takes what JavaScript takes', () => {
  const patterns = [
    '[a-c]+x?',
    'a|bc|',
    '(?:ab){2,3}',
    '\\d{1,3}(?:\\.\\d+)?',
    '[^a-y]',
    '.',
    '(a*)*b',
    '\\u00e9|\\x41',
    'ü[ö-ý]',
    '(?<n>a)b',
    '[\\w-]+@[\\d.]+',
    '💡+',
  ];
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'abcxyzABC019.é@-_ü ö💡\n'), maxLength: 7 }),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...patterns), text, (pattern, given) => {
      if (!given.isWellFormed()) return;
      const wanted = new RegExp(`^(?:${pattern})$`, 'u').test(given);
      assert.equal(takes(regexFormat(pattern), given), wanted, `${pattern} on ${JSON.stringify(given)}`);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(takes(regexFormat('yes|no', 'i'), 'YeS'));
  assert.ok(takes(regexFormat('b+', '', false), 'aabbc'));
  assert.ok(!takes(regexFormat('^b+', '', false), 'ab'));
});

test('what cannot be followed is refused by name', () => {
  refused(regexFormat('(a)\\1'), /back reference/);
  refused(regexFormat('a(?=b)'), /ahead/);
  refused(regexFormat('(?<!a)b'), /behind/);
  refused(regexFormat('(a'), /“\(”/);
  refused(regexFormat('a)'), /“\)”/);
  refused(regexFormat('[b-a]'), /order/);
  refused(regexFormat('a{3,2}'), /repetition/);
  refused(regexFormat('('.repeat(5_000)), /groups/);
  refused(regexFormat('a{100001}'), /repetitions/);
  refused(regexFormat('(?:ab?){99999}'.repeat(9)), /large/);
  refused(schemaFormat({ type: 'string', not: { const: 'a' } }), /“not”/);
  refused(schemaFormat({ type: 'array', uniqueItems: true }), /uniqueItems/);
  refused(schemaFormat({ properties: { a: { multipleOf: 3 } } }), /\/properties\/a.*multipleOf/);
  refused(schemaFormat({ type: 'strange' }), /type/);
  refused(schemaFormat({ $ref: 'https://example.org/x' }), /\$ref/);
  refused(schemaFormat({ $ref: '#/$defs/none' }), /nowhere/);
  refused(schemaFormat({ type: 'integer', minimum: 5, maximum: 2 }), /between/);
  refused(schemaFormat(false), /false/);
  refused(schemaFormat({ $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }), /form that was asked/);
  let deep: unknown = { type: 'null' };
  for (let i = 0; i < 3_000; i++) deep = { type: 'array', items: deep };
  refused(schemaFormat(deep), /deep/);
});

test('the part of an answer that exists must have the form, too', () => {
  const format = schemaFormat({ type: 'array', items: { type: 'integer' } });
  const constraint = createConstraint(format, tokenizer, ends, [...new TextEncoder().encode('[1, 2')]);
  assert.ok(constraint && allows(constraint.allowed(), ']'.charCodeAt(0)));
  assert.throws(() => createConstraint(format, tokenizer, ends, [...new TextEncoder().encode('Sure')]), /another form/);
});

test('the space that a tokenizer puts before any text is no part of what exists', () => {
  const withSpace = (decoded: string): Tokenizer => ({
    ...({ vocabularySize: 256, endIds: ends, isControl: () => false } as unknown as Tokenizer),
    tokenBytes: (id) => (id === 65 ? new TextEncoder().encode(' {') : Uint8Array.of(id)),
    decode: () => decoded,
  });
  const begin = (decoded: string) => createConstraint({ type: 'json_object' }, withSpace(decoded), ends, [65]);
  assert.ok(allows(begin('{')?.allowed() ?? new Uint32Array(8), 0x7d));
  assert.throws(() => begin(' {'), { code: 'invalid-request' }, 'a space that is there stays one');
});

test('a long answer keeps the tables bounded and its speed', () => {
  const constraint = constraintFor(schemaFormat({ type: 'string', maxLength: 30_000 }));
  constraint.accept(0x22);
  for (let i = 0; i < 25_000; i++) constraint.accept(0x61);
  assert.ok(allows(constraint.allowed(), 0x22));
});
