// Opens a pack (../pack-format.md) as a Model: manifest and tokenizer files at once, tensors when they are asked for.
// Called by open-model.ts. It knows nothing of GGUF, and of decoders only that they want canonical tensors.
// What goes wrong: see manifest.ts and shard-reader.ts.

import { EngineError } from '../../protocol/errors.js';
import { readUpTo, request, type HttpContext } from '../http.js';
import type { LoadProgress, Model, TensorFacts, TokenizerFiles, WeightTensor } from '../model.js';
import { checkScales } from '../quantise.js';
import { sha256 } from '../sha256.js';
import { partLengths } from '../tensor-layout.js';
import { manifestLimit, parseJson, parseManifest, type Manifest, type ManifestFile } from './manifest.js';
import { createShardReader, fetchVerified } from './shard-reader.js';

/**
 * @param manifestUrl absolute; the pack's other files lie beside it
 * @throws EngineError `model-not-found`, `model-invalid`, `model-unsupported`, `network`, `aborted`
 */
export async function openPack(
  manifestUrl: string,
  context: HttpContext,
  onProgress?: (progress: LoadProgress) => void,
): Promise<Model> {
  // `no-cache` asks the server whether the manifest changed; shards are named by content and may come from anywhere.
  const answer = await request(manifestUrl, { cache: 'no-cache' }, context);
  const manifestBytes = await readUpTo(answer, manifestUrl, manifestLimit, context);
  const manifest = parseManifest(manifestBytes, manifestUrl);
  const id = `pack:${await sha256(manifestBytes)}`;
  const meter = createMeter(manifest.totals.byteLength, onProgress);
  const urlOf = (file: ManifestFile, extension: string): string =>
    new URL(`${file.sha256}${extension}`, manifestUrl).href;

  const tokenizerFiles = await readTokenizer(manifest, (file) => {
    const url = urlOf(file, '.json');
    return fetchVerified(file, url, context, (bytes) => {
      meter(file.sha256, bytes);
    }).then((bytes) => parseJson(bytes, url));
  });
  const reader = createShardReader(
    manifest.shards,
    (shard) => urlOf(shard, '.bin'),
    context,
    (shard, bytes) => {
      meter(`shard ${shard}`, bytes);
    },
  );

  const tensors = new Map<string, TensorFacts>();
  const places = new Map(manifest.tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, kind, shape } of manifest.tensors) {
    const { data, scales } = partLengths(kind, shape);
    tensors.set(name, { name, kind, shape, byteLength: data + scales });
  }
  let closed = false;

  return {
    identity: {
      id,
      name: manifest.name,
      licence: manifest.licence,
      quantisation: manifest.quantisation,
      byteLength: manifest.totals.tensorByteLength,
    },
    spec: manifest.architecture,
    tokenizerFiles,
    generationDefaults: manifest.generation,
    tensors,
    async readTensor(name, signal): Promise<WeightTensor> {
      const tensor = places.get(name);
      if (tensor === undefined) {
        throw new EngineError('model-invalid', `${manifest.name} has no tensor ${name}.`);
      }
      if (closed) throw new EngineError('invalid-request', `${manifest.name} was closed before ${name} was read.`);
      const { data: dataLength, scales: scalesLength } = partLengths(tensor.kind, tensor.shape);
      if ('data' in tensor) {
        const { buffer } = await reader.read(tensor.data, dataLength, signal);
        const { kind, shape } = tensor;
        return kind === 'f32'
          ? { kind, shape, data: new Float32Array(buffer) }
          : { kind, shape, data: new Uint16Array(buffer) };
      }
      const quants = await reader.read(tensor.quants, dataLength, signal);
      const scales = new Uint16Array((await reader.read(tensor.scales, scalesLength, signal)).buffer);
      checkScales(scales, name, manifestUrl);
      return { kind: tensor.kind, shape: tensor.shape as [number, number], quants, scales };
    },
    close() {
      closed = true;
      reader.release();
    },
  };
}

async function readTokenizer(
  { tokenizer }: Manifest,
  fetchJson: (file: ManifestFile) => Promise<unknown>,
): Promise<TokenizerFiles> {
  if (tokenizer.kind === 'tokenizer-json') {
    const parsed = await fetchJson(tokenizer.tokenizer);
    return { kind: 'tokenizer-json', tokenizer: parsed, config: await fetchJson(tokenizer.config) };
  }
  const parsed = await fetchJson(tokenizer.metadata);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new EngineError('model-invalid', 'The tokenizer file of the pack is no object of GGUF keys.', {
      hint: 'Pack the model again.',
    });
  }
  return { kind: 'gguf', metadata: new Map(Object.entries(parsed)) };
}

/**
 * Progress over several files: each counts once, however often it is fetched (a second try, a shard let go and needed
 * again), so that the sum never runs past the total and never goes back.
 */
function createMeter(totalBytes: number, onProgress: ((progress: LoadProgress) => void) | undefined) {
  const most = new Map<string, number>();
  let loadedBytes = 0;
  return (file: string, arrived: number): void => {
    const before = most.get(file) ?? 0;
    if (arrived <= before) return;
    most.set(file, arrived);
    loadedBytes += arrived - before;
    onProgress?.({ loadedBytes, totalBytes });
  };
}
