// SentencePiece-BPE through merges derived from scores, against the algorithm as SentencePiece states it: join the
// neighbours whose piece scores best, the leftmost among equals, until none can be joined. Slow and obvious, on real
// text, with real vocabularies: this is what allows the library's merge ranks to stand in for scores.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { sharedPath, skipWithoutShared } from '../../test/support/shared-node.js';
import { sentencePieceFiles } from '../../test/support/tokenizer-files.js';
import { createTokenizer } from './create-tokenizer.js';

/** Source: Kudo and Richardson 2018, and sentencepiece's bpe_model.cc. Byte tokens for what has no piece. */
function oracle(path: string): (text: string) => number[] {
  const files = sentencePieceFiles(path);
  assert.equal(files.kind, 'gguf');
  const tokens = files.metadata.get('tokenizer.ggml.tokens') as string[];
  const scores = files.metadata.get('tokenizer.ggml.scores') as number[];
  const types = files.metadata.get('tokenizer.ggml.token_type') as number[];
  const ids = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (types[id] === 1) ids.set(token, id);
  });
  const byteIds = new Map(tokens.map((token, id) => [token, id]));
  return (text) => {
    const symbols = [...`▁${text.replaceAll(' ', '▁')}`];
    for (;;) {
      let best = -1;
      let bestScore = -Infinity;
      for (let i = 0; i + 1 < symbols.length; i++) {
        const id = ids.get(`${symbols[i]}${symbols[i + 1]}`);
        if (id !== undefined && (scores[id] ?? 0) > bestScore) [best, bestScore] = [i, scores[id] ?? 0];
      }
      if (best < 0) break;
      symbols.splice(best, 2, `${symbols[best]}${symbols[best + 1]}`);
    }
    return symbols.flatMap((symbol) => {
      const id = ids.get(symbol);
      if (id !== undefined) return [id];
      const bytes = [...new TextEncoder().encode(symbol)];
      return bytes.map((byte) => byteIds.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) ?? -1);
    });
  };
}

const models = {
  'Llama 2': 'tokenizers/llama2/tokenizer.model',
  'Mistral v0.1': 'tokenizers/mistral/tokenizer.model.v1',
  stories260K: 'models/stories260K/tok512.model',
};

for (const [name, path] of Object.entries(models)) {
  test(`${name}: the ids of the algorithm, on prose and on anything`, { skip: skipWithoutShared }, () => {
    const tokenizer = createTokenizer(sentencePieceFiles(path));
    const expected = oracle(path);
    const check = (text: string): void =>
      assert.deepEqual(tokenizer.encode(text, { addSpecial: false }), expected(text));
    const prose = gunzipSync(readFileSync(sharedPath('data/corpora/war-and-peace.txt.gz'))).toString('utf8');
    for (let at = 0; at < 400_000; at += 20_000) check(prose.slice(at, at + 300));
    const letters = fc.string({
      unit: fc.constantFrom('a', 'e', 'l', 'o', ' ', '  ', '▁', 's', '\n'),
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(fc.property(letters, check), { numRuns: 500 });
    // Names of control tokens are recognised in text before any merge; keep them out of random text.
    const anything = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !text.includes('<'));
    fc.assert(
      fc.property(anything, (text) => check(text.toWellFormed())),
      { numRuns: 300 },
    );
  });
}
