// WebAssembly memory as the decoder uses it: typed views that survive growth, and memory taken once for good at the end.
// Made by wasm-decoder.ts and, over the same shared memory, by each thread. Knows nothing of what lies in it.
// What goes wrong: memory that cannot be had is `out-of-memory`. WebAssembly memory never shrinks: whoever takes some
// keeps it for reuse (kv-pages.ts) until the decoder goes and all of it with it.

import { EngineError } from '../../protocol/errors.js';
import { aligned, mebibytes, mostBytes } from './plan.js';

const wasmPage = 65_536;

export class WasmMemory {
  private buffer: ArrayBufferLike;
  private f32: Float32Array;
  private u32: Uint32Array;
  private u8: Uint8Array;
  private next = 0;

  constructor(readonly memory: WebAssembly.Memory) {
    this.buffer = memory.buffer;
    this.f32 = new Float32Array(this.buffer);
    this.u32 = new Uint32Array(this.buffer);
    this.u8 = new Uint8Array(this.buffer);
  }

  /**
   * @param bytes at once
   * @param shared between threads; then `limit` bytes of addresses (not of memory) are reserved
   * @throws EngineError `out-of-memory`
   */
  static of(bytes: number, shared: boolean, limit = mostBytes): WasmMemory {
    const pages = (size: number): number => Math.ceil(size / wasmPage);
    try {
      const descriptor = shared ? { shared, maximum: pages(limit) } : {};
      return new WasmMemory(new WebAssembly.Memory({ initial: pages(bytes), ...descriptor }));
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
        this.memory.grow(Math.ceil(missing / wasmPage));
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
