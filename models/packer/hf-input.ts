// A directory as transformers saves it as the packer's input, opened by the engine's own reader
// (engine/weights/safetensors/repository.ts). What goes wrong: what that refuses.

import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { openRepository, type RepositoryTensor } from '../../engine/weights/safetensors/repository.js';
import { rowsOf } from '../../engine/weights/tensor-rows.js';
import { openFileSource, type FileSource } from './file-source.js';
import { pieceElements, type PackInput } from './input.js';

/** @throws EngineError `model-not-found`, `model-invalid`, `model-unsupported` */
export async function openHfInput(directory: string): Promise<PackInput> {
  const sources: FileSource[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(sources.map((source) => source.close()));
  };
  try {
    const { spec, generation, tokenizer, config, tensors } = await openRepository({
      where: `${directory}/`,
      read: (name) => readFile(join(directory, name)).then((bytes) => Uint8Array.from(bytes), missing),
      async open(name) {
        const source = await openFileSource(join(directory, name));
        sources.push(source);
        return source;
      },
    });
    const need = (name: string): RepositoryTensor => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new RangeError(`no tensor ${name}`);
      return tensor;
    };
    return {
      name: basename(resolve(directory)),
      licence: 'unknown',
      spec,
      generation,
      tokenizer: { kind: 'tokenizer-json', tokenizer, config },
      // A norm that leaves out its 1 has small numbers, of which adding the 1 in 16 bits would leave little.
      kindOf: (name) => (need(name).tensor.dtype === 'F32' || need(name).place.plus === 1 ? 'f32' : 'f16'),
      readBlocks: () => null,
      async *readValues(name) {
        const { place, values } = need(name);
        const rows = rowsOf(place.shape);
        const step = Math.max(1, Math.floor(pieceElements / (place.shape.at(-1) ?? 1)));
        for (let from = 0; from < rows; from += step) yield values(from, Math.min(step, rows - from));
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Nothing there is an answer; anything else that keeps a file from being read is not. */
function missing(thrown: unknown): null {
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
  throw thrown;
}
