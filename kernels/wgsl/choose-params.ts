// What choosing a token is told and what it tells: the uniform of a request's options, and the record of a choice. Called by
// decoders (pack, read) and by choose-scan.ts and choose-pick.ts, which together choose. The meaning of every option is
// that of engine/decoders/choose.ts, which the tests hold the kernels against; here are only its bytes.
//
// Record, `recordWords` u32 a choice:
//   0  id of the token
//   1  flags: 1 a logit is not a number, 2 one is +Infinity, 4 no token has a finite logit: a defect, the id means nothing;
//      8 not covered: this kernel cannot tell the choice (see choose-pick.ts), the id means nothing; logits must be
//      read back and chosen from on the CPU
//   2  log-probability of the token, f32
//   3  number n of alternatives
//   4  n times (id, log-probability)

/** Alternatives at most (OpenAI's `top_logprobs` ends there, too). */
export const maxAlternatives = 20;
export const recordWords = 4 + 2 * maxAlternatives;

export const choiceFlags = { notANumber: 1, infinite: 2, noneFinite: 4, notCovered: 8 } as const;

/** Options as in engine/decoders/decoder.ts, without lists. */
export interface ChooseNumbers {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly repetitionPenalty: number;
  /** Integer in [0, 2^53). */
  readonly seed: number;
  /** Alternatives wanted, at most `maxAlternatives`; -1: no log-probabilities at all. */
  readonly logprobs: number;
  /** Count the chosen token of the dispatch's first row among the penalised ones (decoding, where the next step sees it). */
  readonly learns: boolean;
}

export const chooseBytes = 48;

/** Where the uniform says which of the step's rows is the dispatch's first one; u32. */
export const chooseFirstRowAt = 44;

/** @param out chooseBytes long */
export function packChoose(options: ChooseNumbers, out: ArrayBuffer): void {
  if (options.logprobs > maxAlternatives) throw new RangeError(`${options.logprobs} alternatives were asked for`);
  const floats = new Float32Array(out);
  const words = new Uint32Array(out);
  const samples = options.temperature > 0;
  // Held back so that products stay numbers; so cold a draw is greedy anyway.
  floats[0] = samples ? Math.min(1 / options.temperature, 1e8) : 0;
  floats[1] = options.topP;
  floats[2] = options.minP;
  floats[3] = options.presencePenalty;
  floats[4] = options.frequencyPenalty;
  floats[5] = options.repetitionPenalty;
  words[6] = options.topK;
  words[7] = options.seed >>> 0;
  words[8] = Math.floor(options.seed / 2 ** 32) >>> 0;
  words[9] = Math.max(0, options.logprobs);
  words[11] = 0;
  words[10] = (samples ? 1 : 0) | (options.logprobs >= 0 ? 2 : 0) | (options.learns ? 4 : 0);
}

/** WGSL of the uniform `choose`. */
export const chooseStruct = /* wgsl */ `
struct Choose {
  inverse_temperature: f32,
  top_p: f32,
  min_p: f32,
  presence: f32,
  frequency: f32,
  repetition: f32,
  top_k: u32,
  seed_low: u32,
  seed_high: u32,
  alternatives: u32,
  flags: u32,
  // Of the step's rows, the one that the dispatch begins with.
  first_row: u32,
}
const samples = 1u;
const wants_logprobs = 2u;
const learns = 4u;
// Below any score that counts: what forbidden tokens get. -Infinity is below it, too.
const never = -3.3e38;
fn is_nan(value: f32) -> bool { return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u; }
fn is_infinite(value: f32) -> bool { return bitcast<u32>(value) == 0x7f800000u; }
`;

export interface ChoiceRecord {
  readonly id: number;
  /** Of `choiceFlags`; 0: the choice holds. */
  readonly flags: number;
  readonly logprob: number;
  readonly alternatives: readonly { readonly id: number; readonly logprob: number }[];
}

/** @param words at least `recordWords` from `at` on */
export function readChoice(words: Uint32Array, at = 0): ChoiceRecord {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const count = Math.min(words[at + 3] ?? 0, maxAlternatives);
  return {
    id: words[at] ?? 0,
    flags: words[at + 1] ?? 0,
    logprob: floats[at + 2] ?? NaN,
    alternatives: Array.from({ length: count }, (_, i) => ({
      id: words[at + 4 + 2 * i] ?? 0,
      logprob: floats[at + 5 + 2 * i] ?? NaN,
    })),
  };
}

/**
 * WGSL: `uniform_at(position)`, the draw of engine/decoders/philox.ts: Philox4x32-10 (Salmon et al. 2011), a multiple of
 * 2^-24 in [0, 1). Needs `choose`.
 */
export const drawFunction = /* wgsl */ `
fn multiply_high(a: u32, b: u32) -> u32 {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let middle = a_high * b_low + ((a_low * b_low) >> 16u);
  return a_high * b_high + (middle >> 16u) + ((a_low * b_high + (middle & 0xffffu)) >> 16u);
}
fn uniform_at(position: u32) -> f32 {
  var c = vec4<u32>(position, 0u, 0u, 0u);
  var k = vec2<u32>(choose.seed_low, choose.seed_high);
  for (var round = 0; round < 10; round++) {
    c = vec4<u32>(
      multiply_high(0xcd9e8d57u, c.z) ^ c.y ^ k.x,
      0xcd9e8d57u * c.z,
      multiply_high(0xd2511f53u, c.x) ^ c.w ^ k.y,
      0xd2511f53u * c.x,
    );
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return f32(c.x >> 8u) * ${2 ** -24};
}
`;
