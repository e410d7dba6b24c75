// What published tokenizers have passes; what makes a backtracking matcher run for ever is refused, at once.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../protocol/errors.js';
import { createTokenizer } from './create-tokenizer.js';
import { preTokenizerRules } from './pre-tokenizers.js';
import { checkPatterns, faultOf } from './safe-patterns.js';

/** Of tokenizer.json of Qwen2.5, Llama 3, GPT-4o, DeepSeek-V3, Mistral Nemo and BLOOM. */
const published = [
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}|\s+`,
  String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${'`'}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}]*[\p{Ll}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}]+[\p{Ll}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`,
  String.raw`\s?\p{L}+|\s?\p{N}+`,
  '(ab){3}c',
  'a{2}b{0,3}',
  '▁+[^▁]*|[^▁]+',
];

test('patterns of published tokenizers pass, and those of every GGUF pre-tokenizer', () => {
  for (const pattern of published) assert.equal(faultOf(pattern), null, pattern);
  for (const [name, rule] of preTokenizerRules) {
    const found = JSON.stringify(rule);
    for (const [, text] of found.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
      const pattern = JSON.parse(`"${text}"`) as string;
      if (/[\\[(+*]/.test(pattern)) assert.equal(faultOf(pattern), null, `${name}: ${pattern}`);
    }
  }
});

/** Each with a text on which it takes longer than anybody waits. */
const catastrophic = [
  '(a+)+$',
  '(a*)*b',
  '([a-zA-Z]+)*$',
  '(a|aa)+$',
  '(a|a?)+$',
  '(?:x+x+)+y',
  '((ab)*c?)*d',
  '(.*)(.*)(.*)(.*)(.*)[^b]',
  String.raw`\s*\s*\s*\s*\s*x`,
  '(a?){40}a{40}',
  '(?:a{0,99}){0,99}b',
  '(?=(a+)+$)b',
  '(?<n>a+)+b',
  String.raw`(a+)\1+b`,
  String.raw`([^\]]+|[\[\]]*)*x`,
  '(',
  'a)',
  '[a',
  '('.repeat(60) + ')'.repeat(60),
  'a'.repeat(5_001),
];

test('patterns that can take for ever are refused, without being run', () => {
  const began = performance.now();
  for (const pattern of catastrophic) assert.notEqual(faultOf(pattern), null, pattern);
  assert.ok(performance.now() - began < 200);
});

test('they are found wherever a tokenizer has patterns, before anything is compiled', () => {
  const evil = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false };
  const plain = {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] },
  };
  const nested = { type: 'Sequence', pretokenizers: [{ type: 'Sequence', pretokenizers: [evil] }] };
  const replace = { type: 'Replace', pattern: { Regex: '(a|aa)+$' }, content: '' };
  for (const given of [
    { ...plain, pre_tokenizer: evil },
    { ...plain, pre_tokenizer: nested },
    { ...plain, normalizer: replace },
    { ...plain, decoder: { type: 'Sequence', decoders: [replace] } },
  ]) {
    assert.throws(() => checkPatterns(given), { code: 'model-unsupported' });
    assert.throws(
      () => createTokenizer({ kind: 'tokenizer-json', tokenizer: given, config: {} }),
      (error) =>
        error instanceof EngineError && error.code === 'model-unsupported' && /several ways/.test(error.message),
    );
  }
  checkPatterns(plain);
});

test('property: whatever is allowed ends soon on texts that are made to hurt it', () => {
  const atom = fc.constantFrom('a', 'b', '[ab]', '.', '\\s', '[^b]', '(a)', '(?:ab)', '(a|b)', '(?:a|ab)');
  const repeat = fc.constantFrom('', '', '*', '+', '?', '{2}', '{0,3}', '{1,40}');
  const part = fc.tuple(atom, repeat).map(([text, times]) => text + times);
  const sequence = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
  const group = fc.tuple(sequence, repeat).map(([text, times]) => `(${text})${times}`);
  const pattern = fc.array(fc.oneof(sequence, group), { minLength: 1, maxLength: 2 }).map((parts) => parts.join(''));
  const text = `${'a'.repeat(400)}!`;
  fc.assert(
    fc.property(pattern, (source) => {
      if (faultOf(`${source}$`) !== null) return;
      const began = performance.now();
      text.match(new RegExp(`${source}$`, 'gu'));
      assert.ok(performance.now() - began < 1_500, `${source} took ${performance.now() - began} ms`);
    }),
    { numRuns: 300, seed: 11 },
  );
});

test('the tokenizers of the shipped models pass', async () => {
  for (const model of ['default', 'draft']) {
    const folder = join(import.meta.dirname, '../../models', model, 'pack');
    for (const name of await readdir(folder)) {
      if (name.endsWith('.json')) checkPatterns(JSON.parse(await readFile(join(folder, name), 'utf8')));
    }
  }
});
