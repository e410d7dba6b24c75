// The embedded pack as a GGUF file, losslessly (q4 -> Q4_0, q8 -> Q8_0), so that engines which read only GGUF can be
// benched on the very same weights, tokenizer and chat template. Called by first.bench.mjs; it builds on the writer of
// the tests, which is independent of the kit's reader. Byte-level BPE packs only: that is what the kit ships.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { openTensorModel } from '../../engine/weights/open-model.js';
import { createStaticServer, listen } from '../../server/static-server.mjs';
import { ggufParts } from '../../test/support/gguf-model.js';
import { writeGguf, type GgufWriterValue } from '../../test/support/gguf-writer.js';

export interface TokenizerJson {
  readonly model: { readonly vocab: Record<string, number>; readonly merges: readonly (string | readonly string[])[] };
  readonly added_tokens: readonly { readonly id: number; readonly content: string; readonly special: boolean }[];
}

export interface TokenizerConfig {
  readonly bos_token: string;
  readonly eos_token: string;
  readonly chat_template: string;
}

/** gguf's token types. */
const tokenType = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

export function tokenizerMetadata(
  tokenizer: TokenizerJson,
  config: TokenizerConfig,
  size: number,
): [string, GgufWriterValue][] {
  const tokens = Array.from({ length: size }, (_, id) => `[unused${id}]`);
  const types: number[] = Array.from({ length: size }, () => tokenType.unused);
  for (const [text, id] of Object.entries(tokenizer.model.vocab)) {
    tokens[id] = text;
    types[id] = tokenType.normal;
  }
  for (const { id, content, special } of tokenizer.added_tokens) {
    tokens[id] = content;
    types[id] = special ? tokenType.control : tokenType.userDefined;
  }
  const idOf = (text: string): number => tokenizer.added_tokens.find(({ content }) => content === text)?.id ?? 0;
  const merges = tokenizer.model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' ')));
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'smollm' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: types }],
    ['tokenizer.ggml.merges', { type: 'strings', value: merges }],
    ['tokenizer.ggml.bos_token_id', { type: 'uint32', value: idOf(config.bos_token) }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: idOf(config.eos_token) }],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: false }],
    ['tokenizer.chat_template', { type: 'string', value: config.chat_template }],
  ];
}

/** @param folder a pack on disk */
export async function packToGguf(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const server = createStaticServer({ root: folder });
  await listen(server);
  const { port } = server.address() as AddressInfo;
  try {
    const model = await openTensorModel({ kind: 'url', url: `http://localhost:${port}/manifest.json` });
    const { tokenizerFiles, spec } = model;
    if (tokenizerFiles.kind !== 'tokenizer-json') throw new Error(`${folder} has no tokenizer.json`);
    const { metadata, tensors } = await ggufParts(model);
    const own = tokenizerMetadata(
      tokenizerFiles.tokenizer as TokenizerJson,
      tokenizerFiles.config as TokenizerConfig,
      spec.vocabularySize,
    );
    const facts = metadata.filter(([key]) => !key.startsWith('tokenizer.') && key !== 'general.name');
    const name = (JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { name: string }).name;
    return writeGguf({
      metadata: [...facts, ['general.name', { type: 'string', value: name }], ...own],
      tensors,
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
