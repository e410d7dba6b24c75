// The decoder contract's second half: which tokens are chosen, and decoding with choices fed back. See decoder-contract.ts.
// What the decoder chooses is compared with engine/decoders/choose.ts on the decoder's own logits, so that its arithmetic
// may differ from the oracle's, but not its rules.

import { chooseToken } from '../../engine/decoders/choose.js';
import type { Choice, ChooseOptions, DecodeRequest, Decoder, Sequence } from '../../engine/decoders/decoder.js';
import { appendOne, check, codeOf, collect, equal, greedy, text, type CaseBody } from './decoder-contract-tools.js';

const never: ReadonlySet<number> = new Set();
const prompt = text.slice(0, 6);

/** What `decode` promises, by `append`. */
async function byAppending(decoder: Decoder, request: DecodeRequest): Promise<{ choices: Choice[]; length: number }> {
  const sequence = decoder.openSequence();
  const penalised = [...request.choose.penalised];
  const choices: Choice[] = [];
  let tokens = request.tokens;
  while (choices.length < request.limit && sequence.length + tokens.length <= decoder.info.contextLength) {
    const choice = await appendOne(sequence, tokens, { ...request.choose, penalised });
    choices.push(choice);
    if (request.endIds.has(choice.id)) break;
    penalised.push(choice.id);
    tokens = [choice.id];
  }
  const { length } = sequence;
  sequence.release();
  return { choices, length };
}

/** Logits after the last of `tokens`. */
async function lastLogits(decoder: Decoder, tokens: readonly number[]): Promise<Float32Array> {
  const all = await decoder.logits(tokens);
  return all.subarray((tokens.length - 1) * decoder.info.vocabularySize);
}

/** A fresh sequence's choice after `tokens`. */
async function chosen(decoder: Decoder, tokens: readonly number[], choose: ChooseOptions): Promise<Choice> {
  const sequence = decoder.openSequence();
  const choice = await appendOne(sequence, tokens, choose);
  sequence.release();
  return choice;
}

const bitmap = (ids: readonly number[]): Uint32Array => {
  const words = new Uint32Array(4);
  for (const id of ids) words[id >>> 5] = (words[id >>> 5] ?? 0) | (1 << (id & 31));
  return words;
};

export const choiceCases: readonly (readonly [name: string, body: CaseBody])[] = [
  [
    'decodes, to the bit, what a loop of appends does: greedily, drawn, penalised, biased, masked',
    async ({ decoder }) => {
      const drawn: ChooseOptions = { ...greedy, temperature: 0.9, topK: 30, topP: 0.95, seed: 11, logprobs: 3 };
      const kinds: ChooseOptions[] = [
        greedy,
        drawn,
        { ...drawn, frequencyPenalty: 0.7, presencePenalty: 0.4, repetitionPenalty: 1.2, penalised: prompt },
        {
          ...greedy,
          repetitionPenalty: 1.5,
          logitBias: new Map([[5, 1]]),
          allowed: bitmap([1, 5, 31, 32, 64, 99, 100]),
        },
      ];
      for (const [i, choose] of kinds.entries()) {
        const request = { tokens: prompt, choose, limit: 24, endIds: never };
        const expected = await byAppending(decoder, request);
        const sequence = decoder.openSequence();
        equal(await collect(sequence.decode(request)), expected.choices, `choices of kind ${i}`);
        equal(sequence.length, expected.length, `length of kind ${i}`);
        sequence.release();
      }
    },
  ],
  [
    'ends decoding at the limit, at an end id and at the end of the context, and can go on',
    async ({ decoder }) => {
      const free = await byAppending(decoder, { tokens: prompt, choose: greedy, limit: 40, endIds: never });
      const end = free.choices[12]?.id ?? -1;
      for (const [limit, endIds] of [
        [1, never],
        [9, never],
        [40, new Set([end])],
      ] as const) {
        const request = { tokens: prompt, choose: greedy, limit, endIds };
        const expected = await byAppending(decoder, request);
        const sequence = decoder.openSequence();
        equal(await collect(sequence.decode(request)), expected.choices, `choices up to ${limit}`);
        equal(sequence.length, expected.length, `length up to ${limit}`);
        const last = expected.choices.at(-1)?.id ?? -1;
        equal(await appendOne(sequence, [last]), free.choices[expected.choices.length], 'the next one');
        sequence.release();
      }
      const full = decoder.openSequence();
      const tokens = text.slice(0, 120);
      const choices = await collect(full.decode({ tokens, choose: greedy, limit: 100, endIds: never }));
      equal([choices.length, full.length], [9, 128], 'choices and length at the end of the context');
      const more = () => collect(full.decode({ tokens: [1], choose: greedy, limit: 1, endIds: never }));
      equal(await codeOf(more), 'prompt-too-long', 'beyond the context');
      equal(full.length, 128, 'length afterwards');
    },
  ],
  [
    'holds, when decoding is left early or stopped, what was handed out but the last',
    async ({ decoder }) => {
      const request = { tokens: prompt, choose: greedy, limit: 60, endIds: never };
      const { choices: all } = await byAppending(decoder, request);
      const goesOn = async (sequence: Sequence, handed: number): Promise<void> => {
        equal(sequence.length, prompt.length + handed - 1, `length after ${handed} choices`);
        equal(await appendOne(sequence, [all[handed - 1]?.id ?? -1]), all[handed], `the choice after ${handed}`);
      };
      for (const handed of [1, 2, 7, 30]) {
        const left = decoder.openSequence();
        let seen = 0;
        for await (const choice of left.decode(request)) {
          equal(choice, all[seen], `choice ${seen}`);
          if (++seen === handed) break;
        }
        await goesOn(left, handed);
        left.release();

        const stop = new AbortController();
        const stopped = decoder.openSequence();
        let got = 0;
        const run = async (): Promise<void> => {
          for await (const choice of stopped.decode({ ...request, signal: stop.signal })) {
            equal(choice, all[got], `choice ${got} before the abort`);
            if (++got === handed) stop.abort();
          }
        };
        equal(await codeOf(run), 'aborted', 'an abort');
        check(got >= handed && got <= handed + 4, `${got} choices where the abort came after ${handed}`);
        await goesOn(stopped, got);
        stopped.release();
      }
      const before = decoder.openSequence();
      const stopped = { ...request, signal: AbortSignal.abort() };
      equal(await codeOf(() => collect(before.decode(stopped))), 'aborted', 'an abort before');
      equal(before.length, 0, 'length');
      for (const wrong of [[], [101]]) {
        const code = await codeOf(() => collect(before.decode({ ...request, tokens: wrong })));
        equal(code, 'invalid-request', `decode of ${JSON.stringify(wrong)}`);
      }
      const running = collect(before.decode(request)).then(
        () => 'none',
        () => 'ended',
      );
      before.release();
      equal(await running, 'ended', 'decoding a sequence that is released');
    },
  ],
  [
    'decodes two sequences at once without mixing them',
    async ({ decoder }) => {
      const requests = [prompt, text.slice(70, 110)].map((tokens) => ({
        tokens,
        choose: { ...greedy, temperature: 1, seed: tokens.length },
        limit: 15,
        endIds: never,
      }));
      const expected = [];
      for (const request of requests) expected.push((await byAppending(decoder, request)).choices);
      const together = requests.map((request) => collect(decoder.openSequence().decode(request)));
      equal(await Promise.all(together), expected, 'choices');
    },
  ],
  [
    'tells log-probabilities of the chosen token and of the likeliest ones',
    async ({ decoder, options }) => {
      const row = await lastLogits(decoder, prompt);
      const wanted = chooseToken(row, { ...greedy, logprobs: 5 }, prompt.length);
      for (const logprobs of [0, 5]) {
        const choice = await chosen(decoder, prompt, { ...greedy, logprobs });
        equal(choice.alternatives?.length, logprobs, 'alternatives');
        equal(choice.logprob?.id, choice.id, 'whose log-probability');
        const pairs = [
          [choice.logprob, wanted.logprob],
          ...(choice.alternatives ?? []).map((one, i) => [one, wanted.alternatives?.[i]]),
        ];
        for (const [ours, theirs] of pairs) {
          const apart = Math.abs((ours?.logprob ?? NaN) - (theirs?.logprob ?? NaN));
          check(apart <= options.tie + 1e-4, `log-probabilities ${apart} apart`);
        }
      }
      const silent = await chosen(decoder, prompt, { ...greedy, logprobs: -1 });
      equal(Object.keys(silent), ['id'], 'a choice without log-probabilities');
    },
  ],
  [
    'applies bias, penalties and mask, in this order',
    async ({ decoder, options }) => {
      const row = await lastLogits(decoder, prompt);
      const ids = [...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number));
      const [first = 0, second = 0, third = 0, fourth = 0] = ids;
      const kinds: Partial<ChooseOptions>[] = [
        { logitBias: new Map([[fourth, 50]]) },
        { logitBias: new Map([[first, -100]]) },
        { presencePenalty: 30, penalised: [first, second] },
        { frequencyPenalty: 10, penalised: [first, first, first, second] },
        { repetitionPenalty: 40, penalised: [first, second, first] },
        { allowed: bitmap([third, fourth]) },
        { allowed: bitmap([100]) },
        {
          allowed: bitmap([first, fourth]),
          logitBias: new Map([[third, 60]]),
          presencePenalty: 90,
          penalised: [first],
        },
      ];
      for (const [i, kind] of kinds.entries()) {
        const choose = { ...greedy, logprobs: 1, ...kind };
        const expected = chooseToken(row, choose, prompt.length);
        const actual = await chosen(decoder, prompt, choose);
        equal(actual.id, expected.id, `kind ${i}`);
        const apart = Math.abs((actual.logprob?.logprob ?? NaN) - (expected.logprob?.logprob ?? NaN));
        check(apart <= options.tie + 1e-4, `log-probabilities of kind ${i} are ${apart} apart`);
      }
    },
  ],
  [
    'draws what choose.ts draws for the same seed and position',
    async ({ decoder }) => {
      const row = await lastLogits(decoder, prompt);
      const kinds: Partial<ChooseOptions>[] = [
        { temperature: 1 },
        { temperature: 1.6, topK: 12 },
        { temperature: 1.3, topP: 0.8 },
        { temperature: 1.5, minP: 0.05 },
        { temperature: 1.8, topK: 40, topP: 0.9, minP: 0.01, frequencyPenalty: 1, penalised: text.slice(0, 9) },
      ];
      const sequence = decoder.openSequence();
      let [draws, apart] = [0, 0];
      const seen = new Set<number>();
      for (const kind of kinds) {
        for (let seed = 0; seed < 12; seed++) {
          const choose: ChooseOptions = { ...greedy, logprobs: -1, ...kind, seed: seed * 1_234_567_891_011 };
          sequence.truncate(0);
          const { id } = await appendOne(sequence, prompt, choose);
          const expected = chooseToken(row, choose, prompt.length).id;
          seen.add(id);
          draws += 1;
          if (id === expected) continue;
          // Sums in another order move a boundary by a hair, so a draw that falls on it may fall to the other side.
          apart += 1;
          const wider = { ...choose, topP: Math.min(1, choose.topP + 0.01), minP: choose.minP * 0.98 };
          const around = [...Array(400).keys()].map((s) => chooseToken(row, { ...wider, seed: s }, prompt.length).id);
          check(around.includes(id), `token ${id} may not be drawn by ${JSON.stringify(kind)}`);
        }
      }
      check(apart <= draws * 0.05, `${apart} of ${draws} draws differ`);
      check(seen.size > 8, `only ${seen.size} tokens were ever drawn`);
    },
  ],
];
