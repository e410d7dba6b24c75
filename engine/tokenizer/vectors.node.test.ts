// Every tokenizer of ../shared/data against every vector there: llama.cpp's 47 strings, Hugging Face's encodings and
// decodings, stories260K's prompt. Vectors whose vocabulary could not be had are named and skipped, never forgotten.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sharedPath, skipWithoutShared } from '../../test/support/shared-node.js';
import * as files from '../../test/support/tokenizer-files.js';
import type { TokenizerFiles } from '../weights/model.js';
import { createTokenizer } from './create-tokenizer.js';

const skip = skipWithoutShared;
const read = (path: string): string => readFileSync(sharedPath(`data/testvectors/${path}`), 'utf8');

/** Each tokenizer in each form we can make of it, by the name of llama.cpp's vector file. */
const byVectors: Readonly<Record<string, Readonly<Record<string, () => TokenizerFiles>>>> = {
  'gpt-2': {
    'tokenizer.json': files.gpt2Files,
    'the GGUF that llama.cpp wrote': () => files.ggufFiles('models/gguf-vocab/ggml-vocab-gpt-2.gguf'),
  },
  // DeepSeek-R1-Distill-Qwen has Qwen2's words, merges and word rule; these are the qwen2 vectors.
  'deepseek-r1-qwen': {
    'vocab.json and merges.txt': () => files.qwenFiles(),
    'Qwen3 over the same vocabulary': () => files.qwenFiles('qwen3'),
    'GGUF keys': () => files.asGguf(files.qwenFiles(), 'qwen2'),
  },
  'llama-bpe': {
    'encoder.json and vocab.bpe': files.llama3Files,
    'GGUF keys': () => files.asGguf(files.llama3Files(), 'llama-bpe'),
  },
  'llama-spm': {
    'tokenizer.model': () => files.sentencePieceFiles('tokenizers/llama2/tokenizer.model'),
    'the GGUF that llama.cpp wrote': () => files.ggufFiles('models/gguf-vocab/ggml-vocab-llama-spm.gguf'),
    'phi-3 as tokenizer.json': () => files.tokenizerJsonFiles('phi-3-mini'),
    'phi-3 as the GGUF that llama.cpp wrote': () => files.ggufFiles('models/gguf-vocab/ggml-vocab-phi-3.gguf'),
  },
};

for (const [vectors, forms] of Object.entries(byVectors)) {
  for (const [form, make] of Object.entries(forms)) {
    test(`${vectors}, ${form}: 47 strings to llama.cpp's ids and back`, { skip }, () => {
      const texts = read(`llama.cpp-tokenizer/ggml-vocab-${vectors}.gguf.inp`).split('\n__ggml_vocab_test__\n');
      const lines = read(`llama.cpp-tokenizer/ggml-vocab-${vectors}.gguf.out`).split('\n');
      assert.equal(texts.length, 47);
      const tokenizer = createTokenizer(make());
      texts.forEach((text, i) => {
        const expected = (lines[i] ?? '')
          .split(' ')
          .filter((word) => word !== '')
          .map(Number);
        assert.deepEqual(tokenizer.encode(text, { addSpecial: false }), expected, JSON.stringify(text));
        assert.equal(tokenizer.decode(expected), text);
      });
    });
  }
}

test('llama.cpp vectors without a vocabulary', { skip }, (t) => {
  const names = readdirSync(sharedPath('data/testvectors/llama.cpp-tokenizer'))
    .map((file) => /^ggml-vocab-(.+)\.gguf\.inp$/.exec(file)?.[1])
    .filter((name) => name !== undefined && !(name in byVectors));
  t.skip(`NOT TESTED, their vocabularies are not in ../shared/data: ${names.join(', ')}`);
});

interface Case {
  readonly input: string;
  readonly encoded: { readonly input_ids: number[] };
  readonly decoded_with_special: string;
  readonly decoded_without_special: string;
}

const byModel: Readonly<Record<string, () => TokenizerFiles>> = {
  distilgpt2: files.gpt2Files,
  'coreml-projects/Llama-2-7b-chat-coreml': () => files.sentencePieceFiles('tokenizers/llama2/tokenizer.model'),
  'pcuenq/Llama-3.2-1B-Instruct-tokenizer': files.llama3Files,
};

/**
 * Python's tokenizers of these two tidy up spaces before punctuation when decoding ("'ll !!to" becomes "'ll!!to").
 * We give back what the model wrote: a stream cannot take a space back, and code must keep its spaces.
 */
const tidied = new Set(['distilgpt2', 'pcuenq/Llama-3.2-1B-Instruct-tokenizer']);

for (const [model, make] of Object.entries(byModel)) {
  test(`Hugging Face's encodings and decodings of ${model}`, { skip }, () => {
    const all = JSON.parse(read('swift-transformers/tokenizer_tests.json')) as Record<string, Case[]>;
    const cases = all[model] ?? [];
    assert.ok(cases.length >= 18);
    const tokenizer = createTokenizer(make());
    for (const { input, encoded, decoded_with_special, decoded_without_special } of cases) {
      assert.deepEqual(tokenizer.encode(input), encoded.input_ids, JSON.stringify(input));
      const tidy = (text: string): string => (tidied.has(model) ? text.replaceAll(' !', '!') : text);
      assert.equal(tidy(tokenizer.decode(encoded.input_ids, { keepSpecial: true })), decoded_with_special);
      assert.equal(tidy(tokenizer.decode(encoded.input_ids)), decoded_without_special);
    }
  });
}

test('Hugging Face vectors without a tokenizer', { skip }, (t) => {
  const all = JSON.parse(read('swift-transformers/tokenizer_tests.json')) as Record<string, Case[]>;
  const names = Object.keys(all).filter((name) => !(name in byModel));
  t.skip(`NOT TESTED, their tokenizers are not in ../shared/data: ${names.join(', ')}`);
});

test("GPT-2's tokens of a French text", { skip }, () => {
  const vector = JSON.parse(read('swift-transformers/gpt2_encoded_tokens.json')) as Record<string, unknown>;
  const tokenizer = createTokenizer(files.gpt2Files());
  assert.deepEqual(tokenizer.encode(String(vector['text'])), vector['token_ids']);
  assert.equal(tokenizer.decode(vector['token_ids'] as number[]), vector['decoded_text']);
});

test('stories260K: the reference prompt and both reference texts', { skip }, () => {
  const reference = JSON.parse(read('generated/stories260K-reference.json')) as {
    greedy_from_bos: { ids: number[]; text: string };
    prompted: { prompt: string; prompt_ids: number[]; ids: number[]; text: string };
  };
  const tokenizer = createTokenizer(files.sentencePieceFiles('models/stories260K/tok512.model'));
  assert.deepEqual(tokenizer.encode(reference.prompted.prompt), reference.prompted.prompt_ids);
  assert.equal(tokenizer.decode(reference.prompted.ids), reference.prompted.text);
  assert.equal(tokenizer.decode(reference.greedy_from_bos.ids), reference.greedy_from_bos.text);
});

test('SmolLM2 and Mistral, which have no vectors: texts come back whole, JSON and GGUF forms agree', { skip }, () => {
  const texts = [
    'Hello, world 2026!',
    '  three   spaces\n\n\ttab',
    '日本語 🦙 naïve ¼½ ١٢٣',
    'x²+y²=z² <|im_start|>user',
  ];
  const smol = createTokenizer(files.smollm2Files());
  const smolGguf = createTokenizer(files.asGguf(files.smollm2Files(), 'smollm'));
  for (const text of texts) {
    const ids = smol.encode(text);
    assert.deepEqual(smolGguf.encode(text), ids);
    assert.equal(smol.decode(ids, { keepSpecial: true }), text);
  }
  // Digits stand alone, in every script.
  assert.equal(smol.encode('1234').length, 4);
  for (const version of ['v1', 'v3']) {
    const mistral = createTokenizer(files.sentencePieceFiles(`tokenizers/mistral/tokenizer.model.${version}`));
    for (const text of texts) assert.equal(mistral.decode(mistral.encode(text)), text);
  }
});
