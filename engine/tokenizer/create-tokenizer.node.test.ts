// Files that are no tokenizer, or none of ours, and what the sound ones say: special tokens, ends of answers, BOS.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteTokenizerFiles } from '../../test/support/byte-tokenizer.js';
import { skipWithoutShared } from '../../test/support/shared-node.js';
import * as files from '../../test/support/tokenizer-files.js';
import { EngineError, type EngineErrorCode } from '../protocol/errors.js';
import type { TokenizerFiles } from '../weights/model.js';
import { createTokenizer } from './create-tokenizer.js';

type Json = Record<string, unknown>;

const sound = (): { tokenizer: Json; config: Json } => {
  const { tokenizer, config } = structuredClone(byteTokenizerFiles()) as { tokenizer: Json; config: Json };
  return { tokenizer, config };
};
const withJson = (change: (tokenizer: Json, config: Json) => void): TokenizerFiles => {
  const { tokenizer, config } = sound();
  change(tokenizer, config);
  return { kind: 'tokenizer-json', tokenizer, config };
};

/** A small SentencePiece model: letters, one merge, bytes. */
const gguf = (changes: Readonly<Record<string, unknown>> = {}): TokenizerFiles => {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, '▁', 'a', 'b', '▁a', 'ab', '▁ab', '<|im_end|>', '<tool_call>'];
  const types = [2, 3, 3, ...bytes.map(() => 6), 1, 1, 1, 1, 1, 1, 3, 4];
  const metadata = new Map<string, unknown>([
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.token_type', types],
    ['tokenizer.ggml.scores', tokens.map((_, id) => (id < 259 ? 0 : -id))],
    ['tokenizer.ggml.bos_token_id', 1],
    ['tokenizer.ggml.eos_token_id', 2],
  ]);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) metadata.delete(`tokenizer.${key}`);
    else metadata.set(`tokenizer.${key}`, value);
  }
  return { kind: 'gguf', metadata };
};

function refuses(code: EngineErrorCode, make: () => TokenizerFiles, words: RegExp): void {
  assert.throws(
    () => createTokenizer(make()),
    (error) => error instanceof EngineError && error.code === code && words.test(error.message) && error.hint !== '',
    String(words),
  );
}

test('damaged files say what is damaged', () => {
  refuses('model-invalid', () => ({ kind: 'tokenizer-json', tokenizer: null, config: null }), /tokenizer\.json/);
  refuses('model-invalid', () => withJson((t) => (t['model'] = 'BPE')), /model/);
  refuses('model-invalid', () => withJson((t) => delete (t['model'] as Json)['merges']), /merges/);
  refuses('model-invalid', () => withJson((t) => delete t['decoder']), /decoder/);
  refuses('model-invalid', () => withJson((t) => (t['added_tokens'] = [{ content: 'x', id: -1 }])), /"x"/);
  refuses('model-invalid', () => withJson((t) => ((t['model'] as Json)['vocab'] = { a: 1e9 })), /"a"/);
  refuses('model-invalid', () => withJson((_, c) => (c['chat_template'] = 7)), /chat_template/);
  refuses('model-invalid', () => withJson((_, c) => (c['chat_template'] = '{% for %}')), /chat template/);
  refuses('model-invalid', () => gguf({ 'ggml.tokens': undefined }), /tokens/);
  refuses('model-invalid', () => gguf({ 'ggml.tokens': ['a', 7] }), /tokens/);
  refuses('model-invalid', () => gguf({ 'ggml.scores': [1, 2] }), /scores has 2 entries/);
  refuses('model-invalid', () => gguf({ 'ggml.scores': undefined }), /scores/);
  const endless = { 'ggml.tokens': ['a', 'a'.repeat(4_000_000)], 'ggml.scores': [0, 0], 'ggml.token_type': [1, 1] };
  const began = performance.now();
  refuses('model-invalid', () => gguf({ ...endless, 'ggml.bos_token_id': 0, 'ggml.eos_token_id': 0 }), /long/);
  assert.ok(performance.now() - began < 5_000, 'it is refused before it is cut in every way');
  refuses('model-invalid', () => gguf({ 'ggml.eos_token_id': 99_999 }), /eos_token_id/);
  refuses('model-invalid', () => gguf({ 'ggml.add_bos_token': 'yes' }), /add_bos_token/);
  refuses('model-invalid', () => gguf({ chat_template: 3 }), /chat_template/);
  refuses('model-invalid', () => ({ kind: 'gguf', metadata: new Map() }), /tokenizer\.ggml\.model/);
});

test('sound files of other kinds are named', () => {
  refuses('model-unsupported', () => withJson((t) => ((t['model'] as Json)['type'] = 'Unigram')), /Unigram/);
  refuses('model-unsupported', () => withJson((t) => (t['decoder'] = { type: 'WordPiece' })), /WordPiece/);
  refuses('model-unsupported', () => withJson((t) => (t['pre_tokenizer'] = { type: 'Martian' })), /Martian/);
  refuses('model-unsupported', () => withJson((t) => (t['normalizer'] = { type: 'Martian' })), /Martian/);
  refuses('model-unsupported', () => gguf({ 'ggml.model': 'bert' }), /bert/);
  refuses('model-unsupported', () => gguf({ 'ggml.model': 'gpt2', 'ggml.pre': 'chameleon' }), /chameleon/);
});

test('whatever the metadata holds, the answer is a tokenizer or a typed error', () => {
  const key = fc.constantFrom(
    'ggml.model',
    'ggml.tokens',
    'ggml.token_type',
    'ggml.scores',
    'ggml.merges',
    'ggml.pre',
    'ggml.bos_token_id',
    'ggml.unknown_token_id',
    'ggml.add_space_prefix',
    'chat_template',
  );
  fc.assert(
    fc.property(
      fc.dictionary(key, fc.oneof(fc.anything(), fc.constantFrom('gpt2', 'llama', 'qwen2', [], [''])), { maxKeys: 3 }),
      (changes) => {
        try {
          createTokenizer(gguf(changes)).decode([0, 1, 260]);
        } catch (error) {
          assert.ok(error instanceof EngineError && /^model-(invalid|unsupported)$/.test(error.code), String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('SentencePiece from GGUF: best score first, bytes for strangers, BOS and the space in front as the file says', () => {
  const plain = createTokenizer(gguf());
  const id = (token: string): number => plain.encode(token, { addSpecial: false })[0] ?? -1;
  const [space, a, b, spaceA, ab, spaceAb] = [259, 260, 261, 262, 263, 264];
  assert.deepEqual(plain.encode('ab'), [1, spaceAb]); // by way of '▁a', whose score is better than that of 'ab'
  assert.deepEqual(plain.encode('aab'), [1, spaceA, ab]);
  assert.deepEqual(plain.encode('é', { addSpecial: false }), [space, 3 + 0xc3, 3 + 0xa9]);
  assert.equal(plain.decode(plain.encode('é ab')), 'é ab');
  assert.deepEqual([...plain.endIds], [2, id('<|im_end|>')]);
  assert.equal(plain.decode([id('<tool_call>')]), '<tool_call>');

  const bare = createTokenizer(gguf({ 'ggml.add_bos_token': false, 'ggml.add_space_prefix': false }));
  assert.deepEqual(bare.encode('b a'), [b, spaceA]);
  assert.deepEqual(bare.encode(' a'), [spaceA]);
  assert.equal(bare.decode([spaceA]), ' a');
  assert.deepEqual(bare.encode('a'), [a]);
});

test('ends of an answer: by text, by id, by list, by usual names that are control tokens', () => {
  const ends = (change: (tokenizer: Json, config: Json) => void): number[] =>
    [...createTokenizer(withJson(change)).endIds].sort((x, y) => x - y);
  assert.deepEqual(
    ends(() => undefined),
    [256, 261],
  ); // <|endoftext|>, <|end|>
  assert.deepEqual(
    ends((_, c) => (c['eos_token'] = { content: '<|tool|>' })),
    [256, 260, 261],
  );
  assert.deepEqual(
    ends((_, c) => (c['eos_token_id'] = [5, 6])),
    [5, 6, 256, 261],
  );
  assert.deepEqual(
    ends((_, c) => (c['generation_config'] = { eos_token_id: 9 })),
    [9, 256, 261],
  );
  assert.deepEqual(
    ends((t, c) => ((t['added_tokens'] = []), delete c['eos_token'])),
    [],
  );
});

test('without a template the messages are the prompt, unadorned', () => {
  const tokenizer = createTokenizer(byteTokenizerFiles(null));
  assert.equal(tokenizer.hasChatTemplate, false);
  assert.deepEqual(tokenizer.renderChat([{ role: 'user', content: 'Once' }], { addGenerationPrompt: true }), {
    text: 'Once',
    cuts: [],
  });
});

test(
  'the published tokenizers end their answers where they should and know their templates',
  { skip: skipWithoutShared },
  () => {
    const qwen = createTokenizer(files.qwenFiles());
    assert.ok(qwen.hasChatTemplate);
    assert.deepEqual(
      [...qwen.endIds].map((id) => qwen.decode([id], { keepSpecial: true })),
      ['<|im_end|>', '<|endoftext|>'],
    );
    const toolCall = qwen.encode('<tool_call>');
    assert.equal(toolCall.length, 1);
    assert.equal(qwen.decode(toolCall), '<tool_call>');
    const llama = createTokenizer(files.llama3Files());
    assert.deepEqual(llama.encode('a').slice(0, 1), [128000]);
    assert.ok([128001, 128008, 128009].every((id) => llama.endIds.has(id)));
    const rendered = llama.renderChat([{ role: 'user', content: 'Hi' }], { addGenerationPrompt: true });
    assert.equal(llama.encode(rendered, { addSpecial: false }).filter((id) => id === 128000).length, 1);
  },
);
