// Single operators of ONNX Runtime, in WebAssembly: a second opinion on our own kernels, for tests in a browser. Operators:
// docs/ContribOperators.md of ONNX Runtime. Each call makes a session of its own and releases it.

import type { GraphConstant, GraphNode, GraphValue } from '../../engine/decoders/onnx/onnx-writer.js';
import { writeOnnx } from '../../engine/decoders/onnx/onnx-writer.js';
import { loadOrt, type OrtRuntime } from '../../engine/decoders/onnx/ort-runtime.js';

export const openOrt = (): Promise<OrtRuntime> =>
  loadOrt('wasm', { assetBase: '/node_modules/onnxruntime-web/dist/', threads: 1 });

/** `declared`: the dimensions in the graph, where those of the data would say too much. */
type Feed = readonly [dims: readonly number[], data: Float32Array | Int32Array, declared?: GraphValue['dims']];

async function runNode(
  ort: OrtRuntime,
  node: Omit<GraphNode, 'domain'>,
  feeds: Readonly<Record<string, Feed>>,
  outputs: readonly GraphValue[],
  constants: readonly (GraphConstant & { readonly data: Uint8Array })[] = [],
): Promise<Float32Array> {
  const inputs = Object.entries(feeds).map(([name, [dims, data, declared]]): GraphValue => ({
    name,
    type: data instanceof Float32Array ? 'float32' : 'int32',
    dims: declared ?? dims,
  }));
  const model = writeOnnx({
    name: node.operator,
    inputs,
    outputs,
    constants,
    nodes: [{ domain: 'com.microsoft', ...node }],
  });
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    externalData: constants.map(({ name, data }) => ({ path: name, data })),
  });
  try {
    const tensors = Object.entries(feeds).map(([name, [dims, data]]) => [
      name,
      data instanceof Float32Array ? new ort.Tensor('float32', data, dims) : new ort.Tensor('int32', data, dims),
    ]);
    const { y } = await session.run(Object.fromEntries(tensors) as Parameters<typeof session.run>[0]);
    return Float32Array.from(y?.data as Float32Array);
  } finally {
    await session.release();
  }
}

export interface OrtAttention {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly scale: number;
  readonly softCap?: number;
  /** 0: none. */
  readonly window: number;
  /** Tokens before the rows. */
  readonly position: number;
  readonly rows: number;
  /** float32 [rows, heads, headSize] */
  readonly query: Float32Array;
  /** float32 [position + rows, kvHeads, headSize] */
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** GroupQueryAttention without its rotary turn; float32 [rows, heads, headSize]. */
export function ortAttention(ort: OrtRuntime, text: OrtAttention): Promise<Float32Array> {
  const { heads, kvHeads, headSize, position, rows, window, softCap } = text;
  const width = kvHeads * headSize;
  const past = (all: Float32Array): Feed => {
    const byHead = new Float32Array(position * width);
    for (let head = 0; head < kvHeads; head++) {
      for (let i = 0; i < position; i++) {
        const from = i * width + head * headSize;
        byHead.set(all.subarray(from, from + headSize), (head * position + i) * headSize);
      }
    }
    return [[1, kvHeads, position, headSize], byHead, [1, kvHeads, 'past', headSize]];
  };
  const fresh = (all: Float32Array): Feed => [[1, rows, width], all.slice(position * width, (position + rows) * width)];
  // Shape inference takes what is past for all there is; names leave it open.
  const held = [1, kvHeads, 'all', headSize] as const;
  return runNode(
    ort,
    {
      operator: 'GroupQueryAttention',
      inputs: ['q', 'k', 'v', 'past_k', 'past_v', 'last', 'total'],
      outputs: ['y', 'all_k', 'all_v'],
      attributes: {
        num_heads: heads,
        kv_num_heads: kvHeads,
        scale: { float: text.scale },
        ...(window === 0 ? {} : { local_window_size: window }),
        ...(softCap === undefined ? {} : { softcap: { float: softCap } }),
      },
    },
    {
      q: [[1, rows, heads * headSize], text.query],
      k: fresh(text.keys),
      v: fresh(text.values),
      past_k: past(text.keys),
      past_v: past(text.values),
      last: [[1], Int32Array.of(position + rows - 1)],
      total: [[1], Int32Array.of(position + rows)],
    },
    [
      { name: 'y', type: 'float32', dims: [1, rows, heads * headSize] },
      { name: 'all_k', type: 'float32', dims: held },
      { name: 'all_v', type: 'float32', dims: held },
    ],
  );
}

export interface OrtProduct {
  readonly kind: 'q4' | 'q8';
  readonly rows: number;
  readonly columns: number;
  /** The pack's bytes. */
  readonly quants: Uint8Array;
  /** As numbers, float32 [rows, columns / 32]. */
  readonly scales: Float32Array;
}

/** MatMulNBits: y = W x for each of x's rows; float32 [x.length / columns, rows]. */
export function ortProduct(ort: OrtRuntime, matrix: OrtProduct, x: Float32Array): Promise<Float32Array> {
  const { rows, columns, quants, scales } = matrix;
  const bits = matrix.kind === 'q4' ? 4 : 8;
  const blocks = columns / 32;
  const data = new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength);
  return runNode(
    ort,
    {
      operator: 'MatMulNBits',
      inputs: ['x', 'w', 's'],
      outputs: ['y'],
      attributes: { K: columns, N: rows, bits, block_size: 32 },
    },
    { x: [[x.length / columns, columns], x] },
    [{ name: 'y', type: 'float32', dims: [x.length / columns, rows] }],
    [
      { name: 'w', type: 'uint8', dims: [rows, blocks, 4 * bits], byteLength: quants.byteLength, data: quants },
      { name: 's', type: 'float32', dims: [rows, blocks], byteLength: data.byteLength, data },
    ],
  );
}
