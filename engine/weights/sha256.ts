// SHA-256 (FIPS 180-4), which verifies shards and names models. WebCrypto does it where there is one; pages served over
// plain HTTP have none, and a shard must be verified there too, hence `plainSha256`, some ten times slower.
// Checked against another implementation by property tests. Nothing secret is hashed here, so constant time does not
// matter.

const roundConstants = makeRoundConstants();

/** @returns 64 lower-case hex digits */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) return plainSha256(bytes);
  return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes)));
}

/** The same without WebCrypto. */
export function plainSha256(bytes: Uint8Array): string {
  const hasher = new Sha256();
  hasher.update(bytes);
  return hasher.digest();
}

/** SHA-256 of what comes in parts, which WebCrypto cannot do: for a file too large to be held a second time. */
export class Sha256 {
  // Initial values: the first 32 fractional bits of the square roots of the first eight primes (section 5.3.3).
  readonly #state = Int32Array.of(
    0x6a09e667,
    0xbb67ae85,
    0x3c6ef372,
    0xa54ff53a,
    0x510e527f,
    0x9b05688c,
    0x1f83d9ab,
    0x5be0cd19,
  );
  readonly #schedule = new Int32Array(64);
  /** The bytes behind the last whole block. */
  readonly #rest = new Uint8Array(64);
  #length = 0;

  update(bytes: Uint8Array): void {
    const held = this.#length % 64;
    this.#length += bytes.length;
    let from = 0;
    if (held > 0) {
      from = Math.min(64 - held, bytes.length);
      this.#rest.set(bytes.subarray(0, from), held);
      if (held + from < 64) return;
      compress(this.#state, this.#schedule, this.#rest, 64);
    }
    const whole = bytes.length - from - ((bytes.length - from) % 64);
    compress(this.#state, this.#schedule, bytes.subarray(from), whole);
    this.#rest.set(bytes.subarray(from + whole));
  }

  /** @returns 64 lower-case hex digits; nothing may follow */
  digest(): string {
    // Padding (section 5.1.1): a one bit, zeros, the length in bits as 64 bits.
    const rest = this.#length % 64;
    const tail = new Uint8Array(rest < 56 ? 64 : 128);
    tail.set(this.#rest.subarray(0, rest));
    tail[rest] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(this.#length / 2 ** 29));
    view.setUint32(tail.length - 4, (this.#length * 8) >>> 0);
    compress(this.#state, this.#schedule, tail, tail.length);
    const digest = new Uint8Array(32);
    const out = new DataView(digest.buffer);
    this.#state.forEach((word, i) => {
      out.setInt32(i * 4, word);
    });
    return toHex(digest);
  }
}

/** Section 6.2.2 over the first `length` bytes, blocks of 64. */
function compress(state: Int32Array, w: Int32Array, bytes: Uint8Array, length: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < length; at += 64) {
    for (let t = 0; t < 16; t++) w[t] = view.getInt32(at + t * 4);
    for (let t = 16; t < 64; t++) {
      const early = w[t - 15] as number;
      const late = w[t - 2] as number;
      const s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
      const s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
      w[t] = ((w[t - 16] as number) + s0 + (w[t - 7] as number) + s1) | 0;
    }
    let a = state[0] as number;
    let b = state[1] as number;
    let c = state[2] as number;
    let d = state[3] as number;
    let e = state[4] as number;
    let f = state[5] as number;
    let g = state[6] as number;
    let h = state[7] as number;
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
    state[0] = (state[0] as number) + a;
    state[1] = (state[1] as number) + b;
    state[2] = (state[2] as number) + c;
    state[3] = (state[3] as number) + d;
    state[4] = (state[4] as number) + e;
    state[5] = (state[5] as number) + f;
    state[6] = (state[6] as number) + g;
    state[7] = (state[7] as number) + h;
  }
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The first 32 fractional bits of the cube roots of the first 64 primes (section 4.2.2), exactly, with integers. */
function makeRoundConstants(): Int32Array {
  const constants = new Int32Array(64);
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
