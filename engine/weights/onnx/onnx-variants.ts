// Which of a repository's graphs to take: transformers.js publishes a model in several number formats beside each other,
// told apart by a suffix ("onnx/model_q4.onnx"). Called by onnx-source.ts. It fetches nothing; what is there, its caller finds out.

/** As transformers.js calls the formats, with their files' suffixes. */
const suffixes = {
  q4: '_q4',
  q4f16: '_q4f16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  bnb4: '_bnb4',
  fp16: '_fp16',
  fp32: '',
} as const;

export type Dtype = keyof typeof suffixes;

export const isDtype = (text: string): text is Dtype => Object.hasOwn(suffixes, text);

export const dtypes = Object.keys(suffixes) as readonly Dtype[];

/** What the device computes with, as far as it decides between formats. */
export interface GraphDevice {
  readonly kind: 'webgpu' | 'wasm';
  /** The graphics card takes 16-bit numbers (`shader-f16`). */
  readonly f16: boolean;
}

/**
 * Best first. 4 bits before 8 everywhere: an eighth of the download of float32. 16-bit activations only on a card that has
 * them: elsewhere each number is converted back and forth. Eight-bit graphs run on the processor alone, really.
 */
export function preferredDtypes({ kind, f16 }: GraphDevice): readonly Dtype[] {
  if (kind === 'wasm') return ['q4', 'q8', 'int8', 'uint8', 'fp32', 'bnb4'];
  return f16 ? ['q4f16', 'q4', 'fp16', 'fp32', 'q8'] : ['q4', 'fp32', 'q8', 'int8', 'uint8'];
}

/** Where a graph of this format may lie in a repository, likeliest first. */
export const graphPaths = (dtype: Dtype): readonly string[] => [
  `onnx/model${suffixes[dtype]}.onnx`,
  `onnx/decoder_model_merged${suffixes[dtype]}.onnx`,
];

/** The format that a file's name tells. */
export function dtypeOf(path: string): Dtype {
  const name = path.replace(/\.onnx$/, '');
  return dtypes.find((dtype) => suffixes[dtype] !== '' && name.endsWith(suffixes[dtype])) ?? 'fp32';
}
