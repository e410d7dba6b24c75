// What several answers at once bring over one: total tokens a second of a decoder, while all are being decoded, and over
// whole requests from the question to the last token. Called through the lab page (`lab.concurrent`), by `npm run bench --
// tabs` and by hand. At temperature 0, on arbitrary tokens; turns alternate, and of each kind the best run counts, since a
// busy machine only ever makes one slower.

import { greedyOptions } from '../../engine/decoders/choose.js';
import type { Decoder } from '../../engine/decoders/decoder.js';

export interface ConcurrentRequest {
  /** Answers at once; 8 when absent. */
  readonly answers?: number;
  /** Tokens of each prompt; 32 when absent. */
  readonly prompt?: number;
  /** Tokens of each answer; 96 when absent. */
  readonly tokens?: number;
  /** Default 4. */
  readonly runs?: number;
}

/** Tokens a second of all answers together. */
export interface Rate {
  /** From when the last one has its first token to when the first one has its last. */
  readonly decoding: number;
  /** From the question to the last token of all: prompts included. */
  readonly requests: number;
}

export interface ConcurrentRate {
  readonly answers: number;
  /** What the decoder says is worth it (`info.concurrency`). */
  readonly concurrency: number;
  readonly one: Rate;
  readonly together: Rate;
  /** `together` over `one`. */
  readonly ratio: Rate;
  /** Milliseconds between two tokens of an answer while all are under way, prompts of newcomers included. */
  readonly gapP50: number;
  readonly gapP99: number;
  /** Whether each answer said with the others what it said alone. */
  readonly same: boolean;
}

interface Answer {
  readonly ids: readonly number[];
  /** When each came. */
  readonly times: readonly number[];
}

async function answer(decoder: Decoder, seed: number, prompt: number, limit: number): Promise<Answer> {
  const vocabulary = decoder.info.vocabularySize;
  const tokens = Array.from({ length: prompt }, (_, i) => (i * 7919 + 13 + seed * 101) % vocabulary);
  const sequence = decoder.openSequence();
  const ids: number[] = [];
  const times: number[] = [];
  try {
    for await (const { id } of sequence.decode({ tokens, choose: greedyOptions, limit, endIds: new Set() })) {
      ids.push(id);
      times.push(performance.now());
    }
  } finally {
    sequence.release();
  }
  return { ids, times };
}

function rateOf(answers: readonly Answer[], asked: number): Rate {
  const begin = Math.max(...answers.map(({ times }) => times[0] ?? NaN));
  const end = Math.min(...answers.map(({ times }) => times.at(-1) ?? NaN));
  const all = answers.flatMap(({ times }) => times);
  const within = all.filter((time) => time > begin && time <= end).length;
  return { decoding: (within / (end - begin)) * 1000, requests: (all.length / (Math.max(...all) - asked)) * 1000 };
}

const better = (a: Rate, b: Rate): Rate => ({
  decoding: Math.max(a.decoding, b.decoding),
  requests: Math.max(a.requests, b.requests),
});

export async function concurrentRate(
  decoder: Decoder,
  { answers = 8, prompt = 32, tokens = 96, runs = 4 }: ConcurrentRequest = {},
): Promise<ConcurrentRate> {
  const together = (count: number): Promise<Answer[]> =>
    Promise.all(Array.from({ length: count }, (_, seed) => answer(decoder, seed, prompt, tokens)));
  // What several rows need is compiled when they are first there: that is not what is measured.
  await together(2);
  await new Promise((later) => setTimeout(later, 3_000));
  const alone: Answer[] = [];
  for (let seed = 0; seed < answers; seed++) alone.push(await answer(decoder, seed, prompt, tokens));
  const none: Rate = { decoding: 0, requests: 0 };
  let [one, all] = [none, none];
  let same = true;
  const gaps: number[] = [];
  for (let run = 0; run < runs; run++) {
    for (const count of [1, answers]) {
      const asked = performance.now();
      const said = await together(count);
      const rate = rateOf(said, asked);
      if (count === 1) one = better(one, rate);
      else {
        all = better(all, rate);
        for (const { times } of said) gaps.push(...times.slice(1).map((time, i) => time - (times[i] ?? 0)));
      }
      same &&= said.every(({ ids }, i) => ids.join() === alone[i]?.ids.join());
    }
  }
  gaps.sort((a, b) => a - b);
  const gapAt = (share: number): number => gaps[Math.floor((gaps.length - 1) * share)] ?? NaN;
  return {
    answers,
    concurrency: decoder.info.concurrency ?? 1,
    one,
    together: all,
    ratio: { decoding: all.decoding / one.decoding, requests: all.requests / one.requests },
    gapP50: gapAt(0.5),
    gapP99: gapAt(0.99),
    same,
  };
}
