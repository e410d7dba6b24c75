// Streaming text: ids one by one give exactly what decoding them together gives, in well-formed pieces, for every
// alphabet; also the bytes of single tokens, control tokens and SentencePiece's leading space.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteTokenizerFiles } from '../../test/support/byte-tokenizer.js';
import { skipWithoutShared } from '../../test/support/shared-node.js';
import * as files from '../../test/support/tokenizer-files.js';
import type { TokenizerFiles } from '../weights/model.js';
import { createTokenizer } from './create-tokenizer.js';
import type { Tokenizer } from './tokenizer.js';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc
    .array(fc.constantFrom('Hello', ' world', '👩‍👩‍👧', '🇫🇷', 'é', '日本', '\n', '  ', 'x = 1;', '¼', '\u0085', '\ufeff'), {
      maxLength: 12,
    })
    .map((parts) => parts.join('')),
);

function stream(tokenizer: Tokenizer, ids: readonly number[]): string {
  const detokenizer = tokenizer.createDetokenizer();
  let out = '';
  for (const id of ids) {
    const piece = detokenizer.push(id);
    assert.ok(piece.isWellFormed(), 'no half of a surrogate pair');
    out += piece;
  }
  return out + detokenizer.flush();
}

/** What encoding does to a text: nothing; Unicode's NFC; or it drops bytes that the vocabulary lacks, as the crate does. */
type Fidelity = 'exact' | 'nfc' | 'lossy';

function checkStreaming(tokenizer: Tokenizer, fidelity: Fidelity): void {
  fc.assert(
    fc.property(text, (original) => {
      const wellFormed = original.toWellFormed();
      const ids = tokenizer.encode(wellFormed, { addSpecial: false });
      const whole = tokenizer.decode(ids);
      assert.equal(stream(tokenizer, ids), whole);
      if (fidelity !== 'lossy') assert.equal(whole, fidelity === 'nfc' ? wellFormed.normalize('NFC') : wellFormed);
      // No U+FFFD appears that the text did not have: every piece waited for its character.
      const bytes = ids.flatMap((id) => [...tokenizer.tokenBytes(id)]);
      assert.ok(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes)).endsWith(whole));
    }),
  );
  // Any ids at all, as a badly trained model may write them: pieces are well-formed and agree with the whole.
  const anyIds = fc.array(fc.nat(tokenizer.vocabularySize + 5), { maxLength: 30 });
  fc.assert(fc.property(anyIds, (ids) => assert.equal(stream(tokenizer, ids), tokenizer.decode(ids))));
}

test('one token a byte: the longest waits there are', () => {
  const tokenizer = createTokenizer(byteTokenizerFiles());
  checkStreaming(tokenizer, 'exact');
  const detokenizer = tokenizer.createDetokenizer();
  const pieces = [...new TextEncoder().encode('aé🦙')].map((byte) => detokenizer.push(byte));
  assert.deepEqual(pieces, ['a', '', 'é', '', '', '', '🦙']);
});

test('bytes that can never be a character become U+FFFD, incomplete ones at the end', () => {
  const tokenizer = createTokenizer(byteTokenizerFiles());
  const detokenizer = tokenizer.createDetokenizer();
  assert.equal(detokenizer.push(0xff), '\ufffd');
  assert.equal(detokenizer.push(0xf0), '');
  assert.equal(detokenizer.push(0x41), '\ufffdA');
  assert.equal(detokenizer.push(0xe2), '');
  assert.equal(detokenizer.flush(), '\ufffd');
  assert.equal(detokenizer.flush(), '');
});

test('control tokens are left out of text, tokens that are text stay, also in the middle of a character', () => {
  const tokenizer = createTokenizer(byteTokenizerFiles());
  const ids = tokenizer.encode('<|user|>a<tool_call>b</tool_call><|end|>');
  assert.equal(ids.length, 6);
  assert.equal(tokenizer.decode(ids), 'a<tool_call>b</tool_call>');
  assert.equal(tokenizer.decode(ids, { keepSpecial: true }), '<|user|>a<tool_call>b</tool_call><|end|>');
  const end = ids.at(-1) ?? -1;
  assert.equal(stream(tokenizer, [0xc3, end, 0xa9]), 'é');
  assert.equal(stream(tokenizer, [100_000, 65]), 'A');
});

const real: [string, Fidelity, () => TokenizerFiles][] = [
  ['GPT-2', 'exact', files.gpt2Files],
  ['Qwen2.5', 'nfc', () => files.qwenFiles()],
  ['Llama 3', 'exact', files.llama3Files],
  // Some bytes of rare UTF-8 sequences are not in SmolLM2's vocabulary, and it has no unknown token.
  ['SmolLM2', 'lossy', files.smollm2Files],
  ['Llama 2', 'exact', () => files.sentencePieceFiles('tokenizers/llama2/tokenizer.model')],
  ['stories260K', 'exact', () => files.sentencePieceFiles('models/stories260K/tok512.model')],
];
for (const [name, fidelity, make] of real) {
  test(`${name} streams any text back whole`, { skip: skipWithoutShared }, () => {
    checkStreaming(createTokenizer(make()), fidelity);
  });
}

test(
  "SentencePiece's first space is layout at the start of an answer, text where one goes on",
  { skip: skipWithoutShared },
  () => {
    const tokenizer = createTokenizer(files.sentencePieceFiles('tokenizers/llama2/tokenizer.model'));
    const ids = tokenizer.encode('dog', { addSpecial: false });
    const push = (continues: boolean): string => {
      const detokenizer = tokenizer.createDetokenizer({ continues });
      return ids.map((id) => detokenizer.push(id)).join('') + detokenizer.flush();
    };
    assert.equal(push(false), 'dog');
    assert.equal(push(true), ' dog');
    assert.equal(tokenizer.decode(tokenizer.encode('  two', { addSpecial: false })), '  two');
    assert.deepEqual([...tokenizer.tokenBytes(ids[0] ?? -1)], [...new TextEncoder().encode(' dog')]);
  },
);
