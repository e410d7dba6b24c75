// Small random-weight models of every architecture, and their GGUF files, the same bytes each time. Their tokenizer is the 256
// bytes, so a file is small and any text is tokens. Made into files by families.ts; read by a test beside the reader.

import type { ModelSpec } from '../../engine/weights/model.js';
import { fixtureModel } from '../fixtures/fixture-models.js';
import { ggufParts } from '../support/gguf-model.js';
import { writeGguf, type GgufWriterValue } from '../support/gguf-writer.js';

/** Untied where a tied head would say the last token again whatever the layers say. */
const base: ModelSpec = {
  architecture: 'llama',
  layers: 3,
  hiddenSize: 64,
  feedForwardSize: 96,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabularySize: 257,
  contextLength: 256,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: false,
};
const factors = (by: number): number[] => Array.from({ length: 8 }, (_, i) => Math.fround(1 + by * i));
const longrope = {
  kind: 'longrope',
  shortFactors: factors(0.05),
  longFactors: factors(0.9),
  originalContextLength: 64,
  attentionFactor: 1.19,
} as const;
export const families: Readonly<Record<string, ModelSpec>> = {
  llama: base,
  'llama-factors': { ...base, ropeScaling: { kind: 'factors', factors: factors(0.5) } },
  'llama-yarn': {
    ...base,
    ropeScaling: {
      kind: 'yarn',
      factor: 4,
      originalContextLength: 64,
      betaFast: 32,
      betaSlow: 1,
      attentionFactor: 0.1 * Math.log(4) + 1,
    },
  },
  qwen2: { ...base, architecture: 'qwen2', ropeTheta: 1_000_000 },
  qwen3: { ...base, architecture: 'qwen3', headSize: 32 },
  gemma3: {
    ...base,
    architecture: 'gemma3',
    layers: 7,
    headSize: 32,
    kvHeads: 1,
    ropeTheta: 1_000_000,
    ropeScaling: { kind: 'linear', factor: 8 },
    slidingWindow: 20,
    fullAttentionEvery: 6,
    slidingRopeTheta: 10_000,
  },
  phi3: { ...base, architecture: 'phi3' },
  'phi3-longrope': { ...base, architecture: 'phi3', ropeScaling: longrope },
  'phi4-mini': {
    ...base,
    architecture: 'phi3',
    headSize: 32,
    hiddenSize: 128,
    rotarySize: 16,
    ropeScaling: longrope,
    tiedHead: true,
  },
};

/** The letters that byte-level BPE writes bytes with. */
function byteLetters(): string[] {
  const printable = [...Array(256).keys()].filter((b) => (b > 32 && b < 127) || (b > 160 && b !== 173));
  let beyond = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable.includes(b) ? b : beyond++));
}

export async function familyFile(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const spec = families[name];
  if (spec === undefined) throw new RangeError(`no family ${name}`);
  const metadata: [string, GgufWriterValue][] = [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'gpt-2' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: [...byteLetters(), '<|end|>'] }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: [...Array<number>(256).fill(1), 3] }],
    ['tokenizer.ggml.merges', { type: 'strings', value: ['Ġ Ġ'] }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: 256 }],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: false }],
  ];
  const seed = 500 + Object.keys(families).indexOf(name);
  const parts = await ggufParts(fixtureModel({ name, kind: 'f32', seed, spec }));
  const kept = parts.metadata.filter(([key]) => !key.startsWith('tokenizer.'));
  return writeGguf({ ...parts, metadata: [...kept, ...metadata] });
}
