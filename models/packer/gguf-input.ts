// A GGUF file as the packer's input: opened by the engine's own reader, its tokenizer's metadata becomes a JSON file.
// What goes wrong: everything that engine/weights/gguf refuses; and numbers that JSON cannot say (a NaN score).

import { EngineError } from '../../engine/protocol/errors.js';
import { openGguf } from '../../engine/weights/gguf/gguf-model.js';
import type { TokenizerFiles } from '../../engine/weights/model.js';
import { openFileSource } from './file-source.js';
import { rowsInPiece, type TensorRows } from '../../engine/weights/tensor-rows.js';
import type { PackInput, StoredBlocks } from './input.js';

export async function openGgufInput(path: string): Promise<PackInput> {
  const source = await openFileSource(path);
  try {
    const model = await openGguf(source);
    const need = (name: string): TensorRows => {
      const tensor = model.rows.get(name);
      if (tensor === undefined) throw new RangeError(`no tensor ${name}`);
      return tensor;
    };
    return {
      name: model.identity.name.replace(/\.gguf$/i, ''),
      licence: model.identity.licence,
      spec: model.spec,
      generation: {},
      tokenizer: { kind: 'gguf', metadata: metadataJson(model.tokenizerFiles, path) },
      kindOf: (name) => model.tensors.get(name)?.kind ?? 'f32',
      readBlocks(name, kind) {
        const tensor = need(name);
        return tensor.facts.kind === kind && tensor.exact ? blocksOf(tensor) : null;
      },
      async *readValues(name) {
        for (const [from, count] of piecesOf(need(name))) yield need(name).values(from, count);
      },
      async close() {
        model.close();
        await source.close();
      },
    };
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

/** Bytes of the file read at once. */
const pieceLength = 2 ** 20;

function* piecesOf(tensor: TensorRows): Generator<readonly [from: number, count: number]> {
  const step = rowsInPiece(tensor, pieceLength);
  for (let from = 0; from < tensor.rows; from += step) yield [from, Math.min(step, tensor.rows - from)];
}

async function* blocksOf(tensor: TensorRows): AsyncGenerator<StoredBlocks> {
  for (const [from, count] of piecesOf(tensor)) {
    const { data, scales } = await tensor.read(from, count);
    yield { quants: data, scales: new Uint16Array(scales.buffer, scales.byteOffset, scales.length / 2) };
  }
}

function metadataJson(files: TokenizerFiles, path: string): Uint8Array {
  if (files.kind !== 'gguf') throw new TypeError('a GGUF file gave another kind of tokenizer');
  const text = JSON.stringify(Object.fromEntries(files.metadata), (key, value: unknown) => {
    if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) {
      throw new EngineError('model-invalid', `${path}: the tokenizer's metadata hold ${value} (at ${key}).`, {
        hint: 'JSON cannot say that number; convert the model again.',
      });
    }
    return value;
  });
  return new TextEncoder().encode(text);
}
