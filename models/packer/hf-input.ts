// A directory as transformers saves it (config.json, *.safetensors, tokenizer.json, tokenizer_config.json and, where
// they exist, generation_config.json and chat_template.jinja) as the packer's input.
// What the fields mean is in engine/weights/hf-config.ts, which tensors hold what in hf-tensors.ts.
// What goes wrong: what those two refuse, and a file that is missing or no JSON.

import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { EngineError } from '../../engine/protocol/errors.js';
import { readHfConfig, readHfGeneration } from '../../engine/weights/hf-config.js';
import { matchHfTensors, type HfPlace } from '../../engine/weights/hf-tensors.js';
import type { TensorName } from '../../engine/weights/model.js';
import type { PackInput } from './input.js';
import { openSafeTensors, type SafeTensor } from './safetensors.js';

export async function openHfInput(directory: string): Promise<PackInput> {
  const config = await readJson(directory, 'config.json');
  const weights = await openSafeTensors(directory);
  try {
    const spec = readHfConfig(config, directory);
    const places = matchHfTensors(weights.tensors, spec, directory);
    const need = (name: TensorName): { place: HfPlace; tensor: SafeTensor } => {
      const place = places.get(name);
      const tensor = weights.tensors.get(place?.source ?? '');
      if (place === undefined || tensor === undefined) throw new RangeError(`no tensor ${name}`);
      return { place, tensor };
    };
    return {
      name: basename(resolve(directory)),
      licence: 'unknown',
      spec,
      generation: readHfGeneration(await readJson(directory, 'generation_config.json', {}), config, directory),
      tokenizer: { kind: 'tokenizer-json', ...(await readTokenizer(directory)) },
      // A norm that leaves out its 1 has small numbers, of which adding the 1 in 16 bits would leave little.
      kindOf: (name) => (need(name).tensor.dtype === 'F32' || need(name).place.plus === 1 ? 'f32' : 'f16'),
      readBlocks: () => Promise.resolve(null),
      async *readValues(name) {
        const { place, tensor } = need(name);
        for await (const values of tensor.values(place.firstRow, place.shape[0])) {
          yield place.plus === 0 ? values : values.map((value) => value + place.plus);
        }
      },
      close: weights.close,
    };
  } catch (thrown) {
    await weights.close();
    throw thrown;
  }
}

async function readTokenizer(directory: string): Promise<{ tokenizer: Uint8Array; config: Uint8Array }> {
  const tokenizer = await readNeeded(directory, 'tokenizer.json');
  JSON.parse(tokenizer.toString('utf8'));
  const text = (await readNeeded(directory, 'tokenizer_config.json')).toString('utf8');
  const config = JSON.parse(text) as Record<string, unknown>;
  // transformers lets the file win over the field.
  const template = await readFile(join(directory, 'chat_template.jinja'), 'utf8').catch(() => null);
  if (template === null) return { tokenizer, config: Buffer.from(text) };
  return { tokenizer, config: Buffer.from(JSON.stringify({ ...config, chat_template: template }, null, 1)) };
}

async function readNeeded(directory: string, name: string): Promise<Buffer> {
  return readFile(join(directory, name)).catch((thrown: unknown) => {
    throw new EngineError('model-not-found', `${join(directory, name)} cannot be read.`, {
      cause: thrown,
      hint: 'A repository needs config.json, model.safetensors, tokenizer.json and tokenizer_config.json.',
    });
  });
}

async function readJson(directory: string, name: string, otherwise?: unknown): Promise<unknown> {
  if (otherwise !== undefined) {
    const text = await readFile(join(directory, name), 'utf8').catch(() => null);
    return text === null ? otherwise : JSON.parse(text);
  }
  return JSON.parse((await readNeeded(directory, name)).toString('utf8'));
}
