// SHA-256 (FIPS 180-4). `sha256` verifies shards and uses WebCrypto where there is one; pages served over plain HTTP
// have none, and a shard must be verified there too, hence our own. `Sha256` takes bytes piece by piece, which
// WebCrypto cannot: the GGUF reader hashes a header with it as the header streams by.
// Checked against WebCrypto by property tests. Nothing secret is hashed here, so constant time does not matter.

const roundConstants = makeRoundConstants();

/** @returns 64 lower-case hex digits */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) return new Sha256().update(bytes).hex();
  return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes)));
}

export class Sha256 {
  readonly #state = new Uint32Array([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ]);
  readonly #schedule = new Uint32Array(64);
  readonly #block = new Uint8Array(64);
  #blockFilled = 0;
  #length = 0;

  update(bytes: Uint8Array): this {
    this.#length += bytes.length;
    let at = 0;
    if (this.#blockFilled > 0) {
      at = Math.min(64 - this.#blockFilled, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#blockFilled);
      this.#blockFilled += at;
      if (this.#blockFilled < 64) return this;
      this.#compress(this.#block, 0);
      this.#blockFilled = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.#compress(bytes, at);
    this.#block.set(bytes.subarray(at));
    this.#blockFilled = bytes.length - at;
    return this;
  }

  /** Ends the hash. Call once. @returns 64 lower-case hex digits */
  hex(): string {
    const length = this.#length;
    const tail = new Uint8Array((this.#blockFilled < 56 ? 64 : 128) - this.#blockFilled);
    tail[0] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(tail.length - 4, (length * 8) >>> 0);
    this.update(tail);
    const digest = new Uint8Array(32);
    const out = new DataView(digest.buffer);
    this.#state.forEach((word, i) => {
      out.setUint32(i * 4, word);
    });
    return toHex(digest);
  }

  /** Section 6.2.2, one block of 64 bytes at `at`. */
  #compress(bytes: Uint8Array, at: number): void {
    const w = this.#schedule;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, 64);
    for (let t = 0; t < 16; t++) w[t] = view.getUint32(t * 4);
    for (let t = 16; t < 64; t++) {
      const early = w[t - 15] as number;
      const late = w[t - 2] as number;
      const s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
      const s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
      w[t] = ((w[t - 16] as number) + s0 + (w[t - 7] as number) + s1) | 0;
    }
    const state = this.#state;
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let t = 0; t < 64; t++) {
      const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const choice = (e & f) ^ (~e & g);
      const t1 = (h + sum1 + choice + (roundConstants[t] as number) + (w[t] as number)) | 0;
      const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const majority = (a & b) ^ (a & c) ^ (b & c);
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + sum0 + majority) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      state[i] = ((state[i] as number) + word) | 0;
    });
  }
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The first 32 fractional bits of the cube roots of the first 64 primes (section 4.2.2), exactly, with integers. */
function makeRoundConstants(): Uint32Array {
  const constants = new Uint32Array(64);
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    // Floor of cbrt(n) * 2^32 by bisection over integers: its low 32 bits are the fraction.
    const target = BigInt(n) << 96n;
    let low = 0n;
    let high = 8n << 32n;
    while (high - low > 1n) {
      const middle = (low + high) / 2n;
      if (middle * middle * middle <= target) low = middle;
      else high = middle;
    }
    constants[found++] = Number(low & 0xffffffffn);
  }
  return constants;
}
