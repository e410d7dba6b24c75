// What the two halves of the decoder contract's cases share: the text, checks that need no test library, small calls.

import { greedyOptions } from '../../engine/decoders/choose.js';
import type { Choice, ChooseOptions, Decoder, Sequence } from '../../engine/decoders/decoder.js';
import { EngineError } from '../../engine/protocol/errors.js';
import type { Model } from '../../engine/weights/model.js';
import type { TensorKind } from '../../engine/weights/tensor-layout.js';

export interface DecoderContractOptions {
  /** Opens the decoder under test; each case opens and disposes of its own. */
  readonly createDecoder: (model: Model) => Promise<Decoder>;
  /** Of the model's matrices. Default q4. */
  readonly kind?: TensorKind;
  /** Tokens that one call may append and still compute, to the bit, what single steps compute; 1 asks for no such thing. */
  readonly exactUpTo: number;
  /** Normalised mean squared error that logits may have against plain JavaScript. */
  readonly error: number;
  /** Logits nearer than this are a tie: either token may be chosen. */
  readonly tie: number;
}

/** What a case gets. */
export interface CaseTools {
  readonly decoder: Decoder;
  readonly options: DecoderContractOptions;
  /** The oracle's logits after token `position` of `text`; tokens beyond 60 may see rounded keys, so none are asked for. */
  readonly expected: (position: number) => Float32Array;
  /** Fails unless `id` is the likeliest after token `position` of `text`, but for a tie. */
  readonly checkLikeliest: (id: number | undefined, position: number) => void;
}

export type CaseBody = (tools: CaseTools) => Promise<void>;

/** As many tokens as the context holds. */
export const text: readonly number[] = Array.from({ length: 128 }, (_, i) => (i * i * 7 + 13 * i + 5) % 101);

export const greedy: ChooseOptions = { ...greedyOptions, logprobs: 0 };

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(a === b, `${what}: ${a}, not ${b}`);
}

export const codeOf = async (call: () => unknown): Promise<string> => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return EngineError.from(error).code;
  }
};

export async function collect(choices: AsyncIterable<Choice>): Promise<Choice[]> {
  const all: Choice[] = [];
  for await (const choice of choices) all.push(choice);
  return all;
}

export async function appendOne(sequence: Sequence, tokens: readonly number[], choose = greedy): Promise<Choice> {
  const choices = await sequence.append({ tokens, at: 'last', choose });
  equal(choices.length, 1, 'choices of `last`');
  return choices[0] as Choice;
}
