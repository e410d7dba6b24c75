// Numbers <-> the block-quantised layout of model.ts (blocks of 32 along K, one f16 scale each). The packer quantises
// with it, tests and cross-checks dequantise. It knows nothing of files or names.
//
// How a scale is chosen. First ggml's Q4_0 rule (the entry of largest magnitude lands on -8) or, for q8, largest
// magnitude on 127: weights that were already on such a grid, because a model was trained through it, come back exactly
// and nothing else is tried. Otherwise the scale with the least squared error among a fan of candidates wins, refined
// by least squares for the chosen codes (s = sum(x c) / sum(c^2)), the usual alternation.
// What goes wrong: NaN, infinities, and magnitudes that no f16 scale reaches are refused as `model-invalid`.

import { EngineError } from '../protocol/errors.js';
import { fromHalf, isFiniteHalf, toHalf } from './half.js';
import type { WeightTensor } from './model.js';

export const blockLength = 32;

export type QuantisedKind = 'q4' | 'q8';
/** `rule`: only the grid rule (what quantisation-aware training does); `search`: the least squared error. */
export type ScaleChoice = 'rule' | 'search';

export interface QuantisedBlocks {
  /** q4: 16 bytes a block, q8: 32. */
  readonly quants: Uint8Array<ArrayBuffer>;
  /** f16 bits, one a block. */
  readonly scales: Uint16Array<ArrayBuffer>;
  /** Sum over elements of (value - original)^2. */
  readonly squaredError: number;
  /** Sum of original^2, so that squaredError / squaredNorm is the normalised error. */
  readonly squaredNorm: number;
}

interface Grid {
  readonly lowest: number;
  readonly highest: number;
  /** Code that the entry of largest magnitude is put on, by the rule and by each candidate. */
  readonly ruleTarget: number;
  readonly targets: readonly number[];
}

const grids: Record<QuantisedKind, Grid> = {
  q4: {
    lowest: -8,
    highest: 7,
    ruleTarget: -8,
    // Beyond -8 the largest entry is clipped a little to give the others a finer grid. On normal weights these seven
    // take 11 % off the rule's squared error; 32 of both signs would take 12 %.
    targets: [-7.7, -7.3, -6.9, -6.5, -8.4, -8.8, -9.2],
  },
  // With 256 codes the rule's scale is as good as the best within a few per cent; refining it is enough.
  q8: { lowest: -128, highest: 127, ruleTarget: 127, targets: [] },
};

/**
 * @param values a multiple of 32 numbers, whole blocks
 * @throws EngineError `model-invalid` for numbers that are not finite or too large
 */
export function quantise(kind: QuantisedKind, values: Float32Array, choice: ScaleChoice = 'search'): QuantisedBlocks {
  if (values.length % blockLength !== 0) throw new RangeError(`${values.length} numbers are no whole blocks of 32`);
  const blocks = values.length / blockLength;
  const bytes = kind === 'q4' ? 16 : 32;
  const quants = new Uint8Array(blocks * bytes);
  const scales = new Uint16Array(blocks);
  const codes = new Int16Array(blockLength);
  let squaredError = 0;
  let squaredNorm = 0;
  for (let block = 0; block < blocks; block++) {
    const at = block * blockLength;
    for (let i = 0; i < blockLength; i++) squaredNorm += (values[at + i] as number) ** 2;
    const scale = chooseScale(grids[kind], values, at, choice);
    squaredError += encode(grids[kind], values, at, fromHalf(scale), codes);
    scales[block] = scale;
    const out = block * bytes;
    if (kind === 'q8') {
      for (let i = 0; i < 32; i++) quants[out + i] = (codes[i] as number) + 128;
    } else {
      for (let i = 0; i < 16; i++) {
        quants[out + i] = ((codes[2 * i] as number) + 8) | (((codes[2 * i + 1] as number) + 8) << 4);
      }
    }
  }
  return { quants, scales, squaredError, squaredNorm };
}

/** @returns bits of the scale */
function chooseScale(grid: Grid, values: Float32Array, at: number, choice: ScaleChoice): number {
  let peak = 0;
  for (let i = 0; i < blockLength; i++) {
    const value = values[at + i] as number;
    if (!Number.isFinite(value)) throw unquantisable(String(value));
    if (Math.abs(value) > Math.abs(peak)) peak = value;
  }
  // The q8 rule keeps the scale positive, as ggml and the training recipe do; q4's carries the peak's sign.
  let best = toHalf(grid.ruleTarget > 0 ? Math.abs(peak) / grid.ruleTarget : peak / grid.ruleTarget);
  if (!isFiniteHalf(best)) throw unquantisable(String(peak));
  if (peak === 0 || choice === 'rule') return best;
  const codes = new Int16Array(blockLength);
  let leastError = encode(grid, values, at, fromHalf(best), codes);
  if (leastError === 0) return best;
  const consider = (scale: number): boolean => {
    const half = toHalf(scale);
    if (!isFiniteHalf(half) || (half & 0x7fff) === 0) return false;
    const error = encode(grid, values, at, fromHalf(half), codes);
    if (error >= leastError) return false;
    leastError = error;
    best = half;
    return true;
  };
  for (const target of grid.targets) consider(peak / target);
  for (let pass = 0; pass < 3; pass++) {
    encode(grid, values, at, fromHalf(best), codes);
    let product = 0;
    let square = 0;
    for (let i = 0; i < blockLength; i++) {
      const code = codes[i] as number;
      product += (values[at + i] as number) * code;
      square += code * code;
    }
    if (square === 0 || !consider(product / square)) break;
  }
  return best;
}

/** Writes the nearest codes into `codes`. @returns the squared error */
function encode(grid: Grid, values: Float32Array, at: number, scale: number, codes: Int16Array): number {
  const inverse = scale === 0 ? 0 : 1 / scale;
  let error = 0;
  for (let i = 0; i < blockLength; i++) {
    const value = values[at + i] as number;
    let code = Math.round(value * inverse);
    if (code < grid.lowest) code = grid.lowest;
    else if (code > grid.highest) code = grid.highest;
    codes[i] = code;
    const difference = value - code * scale;
    error += difference * difference;
  }
  return error;
}

/** @returns the tensor's values as float32, row-major; exact for every kind */
export function dequantise(tensor: WeightTensor): Float32Array<ArrayBuffer> {
  if (tensor.kind === 'f32') return Float32Array.from(tensor.data);
  if (tensor.kind === 'f16') return Float32Array.from(tensor.data, fromHalf);
  const { kind, quants, scales } = tensor;
  const values = new Float32Array(scales.length * blockLength);
  for (let block = 0; block < scales.length; block++) {
    const scale = fromHalf(scales[block] as number);
    const at = block * blockLength;
    if (kind === 'q8') {
      for (let i = 0; i < 32; i++) values[at + i] = ((quants[at + i] as number) - 128) * scale;
    } else {
      for (let i = 0; i < 16; i++) {
        const byte = quants[block * 16 + i] as number;
        values[at + 2 * i] = ((byte & 15) - 8) * scale;
        values[at + 2 * i + 1] = ((byte >>> 4) - 8) * scale;
      }
    }
  }
  return values;
}

/** @throws EngineError `model-invalid` when a scale is infinite or NaN: one would spoil every answer without a word */
export function checkScales(scales: Uint16Array, tensor: string, where: string): void {
  let at = 0;
  while (at < scales.length && isFiniteHalf(scales[at] as number)) at++; // millions of them: no call for each
  if (at === scales.length) return;
  throw new EngineError('model-invalid', `${where}: scale ${at} of the tensor ${tensor} is not a finite number.`, {
    hint: 'The file is damaged. Download it again.',
  });
}

export const unquantisable = (value: string): EngineError =>
  new EngineError('model-invalid', `A weight is ${value}, which no quantised or f16 tensor can hold.`, {
    hint: 'The weights are damaged (training diverged, perhaps), or the tensor must stay f32.',
  });
