// Writes GGUF files for tests, byte by byte from ggml's docs/gguf.md and independently of the reader in
// engine/weights/gguf, so that the two can disagree. It checks nothing on purpose: tests write wrong files with it.

export type GgufWriterValue =
  | { readonly type: 'uint8' | 'uint16' | 'uint32' | 'int32' | 'float32' | 'float64'; readonly value: number }
  | { readonly type: 'uint64' | 'int64'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bools'; readonly value: readonly boolean[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'float32s'; readonly value: readonly number[] }
  | { readonly type: 'int32s'; readonly value: readonly number[] }
  | { readonly type: 'nested'; readonly value: readonly (readonly number[])[] };

export interface GgufWriterTensor {
  readonly name: string;
  /** In the file's order: fastest first (columns, then rows). */
  readonly dimensions: readonly (number | bigint)[];
  /** ggml's type number: 0 F32, 1 F16, 2 Q4_0, 8 Q8_0. */
  readonly type: number;
  readonly data: Uint8Array;
  /** Written instead of the true place in the data section. */
  readonly offset?: bigint;
}

export interface GgufWriterFile {
  readonly metadata: readonly (readonly [key: string, value: GgufWriterValue])[];
  readonly tensors: readonly GgufWriterTensor[];
  readonly version?: number;
  readonly alignment?: number;
  /** Written instead of the true counts. */
  readonly tensorCount?: bigint;
  readonly pairCount?: bigint;
}

/** Collects bytes, little-endian. */
class Bytes {
  readonly #parts: number[] = [];
  get length(): number {
    return this.#parts.length;
  }
  raw(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#parts.push(byte);
    return this;
  }
  number(length: 1 | 2 | 4 | 8, write: (view: DataView) => void): this {
    const view = new DataView(new ArrayBuffer(length));
    write(view);
    return this.raw(new Uint8Array(view.buffer));
  }
  u32(value: number): this {
    return this.number(4, (view) => {
      view.setUint32(0, value, true);
    });
  }
  u64(value: bigint): this {
    return this.number(8, (view) => {
      view.setBigUint64(0, value, true);
    });
  }
  f32(value: number): this {
    return this.number(4, (view) => {
      view.setFloat32(0, value, true);
    });
  }
  string(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.u64(BigInt(bytes.length)).raw(bytes);
  }
  done(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#parts);
  }
}

/** What precedes the tensors' bytes, and where each of those goes. */
export interface GgufLayout {
  /** All that comes before the data section, which begins at a multiple of the alignment behind it. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** Place of each tensor in the file. */
  readonly places: readonly number[];
  /** Length of the file. */
  readonly byteLength: number;
}

/** For files that are too large to be held: whoever calls this writes the tensors. */
export function layOutGguf(
  file: Omit<GgufWriterFile, 'tensors'> & {
    readonly tensors: readonly (Omit<GgufWriterTensor, 'data'> & { readonly byteLength: number })[];
  },
): GgufLayout {
  const alignment = file.alignment ?? 32;
  const header = new Bytes().raw([0x47, 0x47, 0x55, 0x46]).u32(file.version ?? 3);
  const pairs = [...file.metadata];
  if (file.alignment !== undefined) pairs.push(['general.alignment', { type: 'uint32', value: alignment }]);
  header.u64(file.tensorCount ?? BigInt(file.tensors.length)).u64(file.pairCount ?? BigInt(pairs.length));
  for (const [key, value] of pairs) writeValue(header.string(key), value);
  let end = 0;
  const offsets = file.tensors.map(({ byteLength }) => {
    const at = end;
    end = roundUp(end + byteLength, alignment);
    return at;
  });
  file.tensors.forEach((tensor, i) => {
    header.string(tensor.name).u32(tensor.dimensions.length);
    for (const dimension of tensor.dimensions) header.u64(BigInt(dimension));
    header.u32(tensor.type).u64(tensor.offset ?? BigInt(offsets[i] as number));
  });
  const start = roundUp(header.length, alignment);
  return { header: header.done(), places: offsets.map((offset) => start + offset), byteLength: start + end };
}

export function writeGguf(file: GgufWriterFile): Uint8Array<ArrayBuffer> {
  const tensors = file.tensors.map((tensor) => ({ ...tensor, byteLength: tensor.data.length }));
  const { header, places, byteLength } = layOutGguf({ ...file, tensors });
  const whole = new Uint8Array(byteLength);
  whole.set(header);
  file.tensors.forEach(({ data }, i) => whole.set(data, places[i] as number));
  return whole;
}

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

function writeValue(out: Bytes, { type, value }: GgufWriterValue): void {
  switch (type) {
    case 'uint8':
      out.u32(0).raw([value]);
      return;
    case 'uint16':
      out.u32(2).number(2, (view) => {
        view.setUint16(0, value, true);
      });
      return;
    case 'uint32':
      out.u32(4).u32(value);
      return;
    case 'int32':
      out.u32(5).number(4, (view) => {
        view.setInt32(0, value, true);
      });
      return;
    case 'float32':
      out.u32(6).f32(value);
      return;
    case 'bool':
      out.u32(7).raw([value ? 1 : 0]);
      return;
    case 'string':
      out.u32(8).string(value);
      return;
    case 'uint64':
      out.u32(10).u64(value);
      return;
    case 'int64':
      out.u32(11).u64(BigInt.asUintN(64, value));
      return;
    case 'float64':
      out.u32(12).number(8, (view) => {
        view.setFloat64(0, value, true);
      });
      return;
    case 'strings':
      out.u32(9).u32(8).u64(BigInt(value.length));
      for (const text of value) out.string(text);
      return;
    case 'bools':
      out.u32(9).u32(7).u64(BigInt(value.length)).raw(value.map(Number));
      return;
    case 'float32s':
      out.u32(9).u32(6).u64(BigInt(value.length));
      for (const number of value) out.f32(number);
      return;
    case 'int32s':
      out.u32(9).u32(5).u64(BigInt(value.length));
      for (const number of value) out.u32(number >>> 0);
      return;
    case 'nested':
      out.u32(9).u32(9).u64(BigInt(value.length));
      for (const inner of value) {
        out.u32(5).u64(BigInt(inner.length));
        for (const number of inner) out.u32(number >>> 0);
      }
  }
}
