// Writes a safetensors file for tests: the length of the header (uint64), the header in JSON, the data.
// Format: huggingface/safetensors README, "Format". It checks nothing on purpose.

export interface SafeTensorInput {
  readonly dtype: 'F32' | 'F16' | 'BF16' | 'I8';
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export function writeSafeTensors(tensors: ReadonlyMap<string, SafeTensorInput>): Uint8Array {
  let offset = 0;
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const [name, { dtype, shape, data }] of tensors) {
    entries[name] = { dtype, shape, data_offsets: [offset, offset + data.length] };
    offset += data.length;
  }
  const header = new TextEncoder().encode(JSON.stringify(entries));
  const file = new Uint8Array(8 + header.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  let at = 8 + header.length;
  for (const { data } of tensors.values()) {
    file.set(data, at);
    at += data.length;
  }
  return file;
}

/** float32 numbers as bytes of a dtype; bfloat16 by cutting off the lower half. */
export function asBytes(dtype: 'F32' | 'BF16', values: Float32Array): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.slice().buffer);
  const words = new Uint32Array(values.slice().buffer);
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
}
