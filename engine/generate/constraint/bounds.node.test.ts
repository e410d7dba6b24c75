// What a page may ask for and no engine can follow: each ends at once with a typed error, never in a hang or without
// memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteTokenizerFiles } from '../../../test/support/byte-tokenizer.js';
import { EngineError } from '../../protocol/errors.js';
import type { ResponseFormat } from '../../protocol/response-format.js';
import { createTokenizer } from '../../tokenizer/create-tokenizer.js';
import { hasBit } from './bits.js';
import { createConstraint, type Constraint } from './constraint.js';

const tokenizer = createTokenizer(byteTokenizerFiles());

function constraintFor(format: ResponseFormat): Constraint {
  const constraint = createConstraint(format, tokenizer, tokenizer.endIds);
  assert.ok(constraint);
  return constraint;
}
const regex = (pattern: string): Constraint =>
  constraintFor({ type: 'regex', regex: { pattern, flags: '', whole: true } });
const schema = (json: Record<string, unknown>): Constraint =>
  constraintFor({ type: 'json_schema', json_schema: { schema: json } });

function write(constraint: Constraint, text: string): void {
  for (const byte of new TextEncoder().encode(text)) {
    assert.ok(hasBit(constraint.allowed(), byte), `“${String.fromCharCode(byte)}” of ${text.slice(0, 80)}`);
    constraint.accept(byte);
  }
}

function refuses(make: () => unknown): void {
  const start = performance.now();
  assert.throws(make, (error: unknown) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.code, 'invalid-request');
    assert.notEqual(error.hint, '');
    return true;
  });
  assert.ok(performance.now() - start < 20_000, 'refused too late');
}

test('optional repetitions are followed as far as they can be', () => {
  const constraint = regex('(a?){50}a{50}');
  write(constraint, 'a'.repeat(100));
  assert.ok(constraint.complete);
  write(regex('((a{2}){3}){2}'), 'a'.repeat(12));
});

test('repetitions within repetitions that fit in a million ways are refused', () => {
  refuses(() => regex('(((((a?){0,99}){0,99}){0,99}){0,99}){0,99}'));
});

test('long runs repeated often are refused before they fill memory', () => {
  refuses(() => regex(`(?:${'a'.repeat(9_900)}){99999}`));
  refuses(() => regex('a{0,99999}'.repeat(900)));
  refuses(() => regex(`(?:${'()'.repeat(4_000)}){99999}`.slice(0, 10_000)));
});

test('alternatives that begin alike and contain themselves are refused when they cannot be told apart', () => {
  const constraint = schema({
    anyOf: [
      { type: 'array', items: { $ref: '#' } },
      { type: 'array', items: { $ref: '#' }, minItems: 1 },
    ],
  });
  refuses(() => write(constraint, '['.repeat(60)));
});

test('references that unfold without an end are refused', () => {
  refuses(() =>
    schema({
      anyOf: [
        { $ref: '#', minLength: 1 },
        { $ref: '#', minLength: 1 },
      ],
    }),
  );
});

test('a form that no text ends is refused, also where it only begins well', () => {
  refuses(() => schema({ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }));
  refuses(() => regex('ab[]'));
  const either = regex('ab[]|ac');
  write(either, 'a');
  assert.ok(!hasBit(either.allowed(), 0x62), 'leads nowhere');
});

test('what is only long is followed', () => {
  const names = Array.from({ length: 4_000 }, (_, i) => `n${i}`);
  const record = schema({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'null' }])),
    required: names,
  });
  write(record, '{"n0":null,"n1":null,');
  write(schema({ const: 'x'.repeat(130_000) }), `"${'x'.repeat(50)}`);
  write(schema({ enum: Array.from({ length: 8_000 }, (_, i) => `value ${i}`) }), '"value 7999"');
  const open = schema({
    type: 'object',
    properties: Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`a longer name ${i}`, { type: 'null' }])),
    additionalProperties: true,
  });
  write(open, '{"another":1}');
});

test('keywords that would rule texts out are never passed over', () => {
  refuses(() => schema({ type: 'object', patternProperties: { '^x': { type: 'integer' } } }));
  refuses(() => schema({ type: 'object', propertyNames: { maxLength: 2 } }));
  refuses(() => schema({ type: 'array', items: false, minItems: 2 }));
  const closed = schema({ type: 'object', unevaluatedProperties: false });
  write(closed, '{');
  assert.ok(!hasBit(closed.allowed(), 0x22));
  const strings = schema({ type: 'string', enum: [1, 'a'] });
  assert.ok(!hasBit(strings.allowed(), 0x31));
});
