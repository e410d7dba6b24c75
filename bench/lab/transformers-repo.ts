// Writes a model as a repository that transformers.js loads: config.json, onnx/model_q4.onnx and its data file. Called by
// decode.bench.mjs, so that transformers.js can be benched on the very same quantised weights, and by end-to-end tests of
// our own source of such repositories. How the graph is laid out is test/support/onnx-repository.ts; what it cannot, throws.

import { openAsBlob } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Model } from '../../engine/weights/model.js';
import { openTensorModel } from '../../engine/weights/open-model.js';
import { buildTransformersGraph, transformersConfig } from '../../test/support/onnx-repository.js';

const dataFile = 'model_q4.onnx_data';

/** @param gguf a file on disk @param folder made if need be; the repository's root @param context tokens of rotary tables */
export async function writeTransformersRepo(gguf: string, folder: string, context = 1024): Promise<void> {
  const model = await openTensorModel({ kind: 'file', blob: await openAsBlob(gguf) });
  try {
    await writeRepository(model, folder, context);
  } finally {
    model.close();
  }
}

/** Of any model at hand; with the tokenizer's files where they are JSON. */
export async function writeRepository(model: Model, folder: string, context: number): Promise<void> {
  await mkdir(join(folder, 'onnx'), { recursive: true });
  const data = await open(join(folder, 'onnx', dataFile), 'w');
  try {
    const write = (bytes: Uint8Array, offset: number) => data.write(bytes, 0, bytes.length, offset);
    const graph = await buildTransformersGraph(model, { dataFile, context }, write);
    await writeFile(join(folder, 'onnx', 'model_q4.onnx'), graph);
  } finally {
    await data.close();
  }
  const config = {
    ...transformersConfig(model, context),
    'transformers.js_config': { use_external_data_format: { 'model_q4.onnx': 1 }, kv_cache_dtype: { q4: 'float32' } },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: model.spec.vocabularySize }));
  const { tokenizerFiles } = model;
  if (tokenizerFiles.kind !== 'tokenizer-json') return;
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizerFiles.tokenizer));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(tokenizerFiles.config));
}
