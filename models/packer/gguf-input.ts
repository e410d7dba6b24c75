// A GGUF file as the packer's input: opened by the engine's own reader, its tokenizer's metadata becomes a JSON file.
// What goes wrong: everything that engine/weights/gguf refuses; and numbers that JSON cannot say (a NaN score).

import { EngineError } from '../../engine/protocol/errors.js';
import { openGguf } from '../../engine/weights/gguf/gguf-model.js';
import type { TokenizerFiles } from '../../engine/weights/model.js';
import { openFileSource } from './file-source.js';
import { valuesInPieces, type PackInput } from './input.js';

export async function openGgufInput(path: string): Promise<PackInput> {
  const source = await openFileSource(path);
  try {
    const model = await openGguf(source);
    return {
      name: model.identity.name.replace(/\.gguf$/i, ''),
      licence: model.identity.licence,
      spec: model.spec,
      generation: {},
      tokenizer: { kind: 'gguf', metadata: metadataJson(model.tokenizerFiles, path) },
      kindOf: (name) => model.tensors.get(name)?.kind ?? 'f32',
      async readBlocks(name, kind) {
        if (model.tensors.get(name)?.kind !== kind) return null;
        const tensor = await model.readTensor(name);
        return 'quants' in tensor ? tensor : null;
      },
      async *readValues(name) {
        yield* valuesInPieces(await model.readTensor(name));
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
