// The tokenizers of families beyond Llama and Qwen, as a GGUF file brings them: Gemma 3 with its real control tokens and
// template over a small vocabulary (its own may not be passed on), and the turn that its answers end with.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sharedPath, skipWithoutShared as skip } from '../../test/support/shared-node.js';
import type { TokenizerFiles } from '../weights/model.js';
import { createTokenizer } from './create-tokenizer.js';

const words = ['▁', 'H', 'e', 'l', 'o', 'll', 'He', 'Hell', 'Hello', '▁w', 'or', 'ld', '▁wor', '▁world', 'w', 'r', 'd'];
const speech = ['user', 'model', 'us', 'er', 'u', 's', 'mo', 'del', 'm', 'de'];

/** Ids are Gemma's own for control tokens; the words of the test lie beyond its vocabulary. */
function gemma3(): TokenizerFiles {
  const folder = 'data/tokenizers/gemma/';
  const config = JSON.parse(
    gunzipSync(readFileSync(sharedPath(`${folder}gemma-3-tokenizer_config.json.gz`))).toString(),
  ) as { added_tokens_decoder: Record<string, { content: string; special: boolean }> };
  const { chat_template } = JSON.parse(readFileSync(sharedPath(`${folder}gemma-3-chat_template.json`), 'utf8')) as {
    chat_template: string;
  };
  const tokens = Array.from({ length: 262_145 }, (_, id) => `[unused${id}]`);
  const types = tokens.map(() => 5);
  for (const [id, { content, special }] of Object.entries(config.added_tokens_decoder)) {
    tokens[Number(id)] = content;
    types[Number(id)] = special ? 3 : 4;
  }
  for (let byte = 0; byte < 256; byte++) {
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    types.push(6);
  }
  for (const word of [...words, ...speech]) {
    tokens.push(word);
    types.push(1);
  }
  return {
    kind: 'gguf',
    metadata: new Map<string, unknown>([
      ['tokenizer.ggml.model', 'llama'],
      ['tokenizer.ggml.pre', 'default'],
      ['tokenizer.ggml.tokens', tokens],
      ['tokenizer.ggml.token_type', types],
      ['tokenizer.ggml.scores', tokens.map((_, id) => -id)],
      ['tokenizer.ggml.bos_token_id', 2],
      ['tokenizer.ggml.eos_token_id', 1],
      ['tokenizer.ggml.unknown_token_id', 3],
      ['tokenizer.ggml.add_bos_token', true],
      ['tokenizer.ggml.add_space_prefix', false],
      ['tokenizer.chat_template', chat_template],
    ]),
  };
}

test(
  'Gemma 3 from a GGUF: no space in front, runs of spaces and line ends are tokens, turns end answers',
  { skip },
  () => {
    const tokenizer = createTokenizer(gemma3());
    const shown = (text: string): string[] =>
      tokenizer.encode(text).map((id) => tokenizer.decode([id], { keepSpecial: true }));
    assert.deepEqual(shown('Hello world  Hello\n\n\tx'), [
      '<bos>',
      'Hello',
      ' world',
      '  ',
      'Hello',
      '\n\n',
      '\t',
      'x',
    ]);
    assert.deepEqual([...tokenizer.endIds].map((id) => tokenizer.decode([id], { keepSpecial: true })).sort(), [
      '<end_of_turn>',
      '<eos>',
    ]);
    const prompt = tokenizer.renderChat([{ role: 'user', content: 'Hello' }], { addGenerationPrompt: true });
    assert.equal(
      tokenizer.decode(tokenizer.encode(prompt, { addSpecial: false }), { keepSpecial: true }),
      '<bos><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n',
    );
  },
);
