// WebAssembly memory as the decoder uses it: typed views that survive growth, and memory taken once for good at the end.
// Made by wasm-decoder.ts and, over the same shared memory, by each thread. Knows nothing of what lies in it.
// What goes wrong: memory that cannot be had is `out-of-memory`. WebAssembly memory never shrinks: whoever takes some
// keeps it for reuse (kv-pages.ts) until the decoder goes and all of it with it.

import type { MemoryKind } from '../../../kernels/wasm/kernels.js';
import { EngineError } from '../../protocol/errors.js';
import { aligned, mebibytes, mostBytes } from './plan.js';

const wasmPage = 65_536;

/** TypeScript knows numbers alone; a memory with addresses of 64 bits wants BigInts. */
const asPages = (count: number, large: boolean): number => (large ? (BigInt(count) as unknown as number) : count);

export class WasmMemory {
  private buffer: ArrayBufferLike;
  private f32: Float32Array;
  private u32: Uint32Array;
  private u8: Uint8Array;
  private next = 0;

  /** @param large made with addresses of 64 bits, whose numbers of pages are BigInts */
  constructor(
    readonly memory: WebAssembly.Memory,
    private readonly large = false,
  ) {
    this.buffer = memory.buffer;
    this.f32 = new Float32Array(this.buffer);
    this.u32 = new Uint32Array(this.buffer);
    this.u8 = new Uint8Array(this.buffer);
  }

  /**
   * @param bytes at once
   * @param kind shared between threads: then `limit` bytes of addresses (not of memory) are reserved
   * @throws EngineError `out-of-memory`
   */
  static of(bytes: number, { shared, large }: MemoryKind, limit = mostBytes): WasmMemory {
    const pages = (size: number): number => asPages(Math.ceil(size / wasmPage), large);
    try {
      const most = shared ? { shared, maximum: pages(limit) } : {};
      const descriptor = { initial: pages(bytes), ...most, ...(large ? { address: 'i64' } : {}) };
      return new WasmMemory(new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor), large);
    } catch (error) {
      throw outOfMemory(bytes, error);
    }
  }

  /** float32 [count] at an address; valid until memory grows. */
  floats(address: number, count: number): Float32Array {
    this.refresh();
    return this.f32.subarray(address / 4, address / 4 + count);
  }

  words(address: number, count: number): Uint32Array {
    this.refresh();
    return this.u32.subarray(address / 4, address / 4 + count);
  }

  bytes(address: number, count: number): Uint8Array {
    this.refresh();
    return this.u8.subarray(address, address + count);
  }

  /** Where `take` begins: everything below is in use. */
  startAt(address: number): void {
    this.next = aligned(address);
  }

  /** Zeroed bytes at the end, for good. @throws EngineError `out-of-memory` */
  take(bytes: number): number {
    const address = this.next;
    const end = aligned(address + bytes);
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.memory.grow(asPages(Math.ceil(missing / wasmPage), this.large));
      } catch (error) {
        throw outOfMemory(missing, error);
      }
    }
    this.next = end;
    return address;
  }

  private refresh(): void {
    if (this.buffer === this.memory.buffer) return;
    this.buffer = this.memory.buffer;
    this.f32 = new Float32Array(this.buffer);
    this.u32 = new Uint32Array(this.buffer);
    this.u8 = new Uint8Array(this.buffer);
  }
}

function outOfMemory(bytes: number, cause: unknown): EngineError {
  return new EngineError('out-of-memory', `The browser did not give ${mebibytes(bytes)} of WebAssembly memory.`, {
    cause,
    hint: 'Close other tabs, shorten the text, or choose a smaller model.',
  });
}
