// Cuts of rules for which no published vocabulary is at hand: against Python's `regex` module over the same pattern as its
// source has it (tiktoken, o200k_base). A vocabulary of just the expected words makes each cut a token.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPreTokenizer, preTokenizerRules } from './pre-tokenizers.js';
import { createTokenizer } from './create-tokenizer.js';

/** Texts, cut. */
const o200k: readonly (readonly string[])[] = [
  ['Hello', ' World', ',', " it's", " HTMLParser's", ' camel', 'Case', ' and', " DON'T", ' stop'],
  ['123', '456', '78', ' a', '1', 'b', '2', ' ', '3', '.', '14'],
  ['x', ' =', ' foo', '(bar', ')//', 'baz', '\n\n', ' ', ' indented', '\t\n'],
  ['\u00c9T\u00c9', ' \u00e9t\u00e9', ' \u00dcn\u00efcode', ' na\u00efve'],
  ['\u4e2d\u6587\u5b57\u7b26', ' \u65e5\u672c\u8a9e\u30c6\u30ad\u30b9\u30c8', ' \ud55c\uad6d\uc5b4'],
  ['emoji', ' \ud83e\udd99\ud83d\ude42!!', ' ok', '?'],
  ['a\u0301e\u0300', ' combining'],
  ['  ', ' leading', ' and', ' trailing', '   '],
  ['\u01c5', ' titlecase', ' \u01c5abc'],
  ['https', '://', 'example', '.com', '/a', '/b', '?c', '=d', '&e', '=f'],
  ["I'LL", " WE'VE", " you'd", " he's"],
];

/** How byte-level BPE writes bytes: printable Latin-1 as it is, the rest as the letters from U+0100 on. */
function bytesAsLetters(text: string): string {
  const printable = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const others = [...Array(256).keys()].filter((byte) => !printable(byte));
  return [...new TextEncoder().encode(text)]
    .map((byte) => String.fromCharCode(printable(byte) ? byte : 256 + others.indexOf(byte)))
    .join('');
}

test('gpt-4o: words are cut as o200k_base cuts them', () => {
  const rule = preTokenizerRules.get('gpt-4o');
  assert.ok(rule);
  for (const words of o200k) {
    const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).map(bytesAsLetters);
    const letters = [...new Set([...bytes.join('')])];
    const pieces = [...new Set([...letters, ...words.map(bytesAsLetters)])];
    const tokenizer = createTokenizer({
      kind: 'tokenizer-json',
      config: {},
      tokenizer: {
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: asPreTokenizer(rule.patterns),
        post_processor: null,
        decoder: { type: 'ByteLevel' },
        model: {
          type: 'BPE',
          vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
          merges: [],
          ignore_merges: true,
        },
      },
    });
    const text = words.join('');
    assert.deepEqual(
      tokenizer.encode(text).map((id) => pieces[id]),
      words.map(bytesAsLetters),
      text,
    );
  }
});
