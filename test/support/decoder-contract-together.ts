// The decoder contract's third part: several texts at once. Whatever a decoder does with texts that are decoded at the same
// time (share one pass over the weights, take turns), each says to the bit what it says alone, and none notices
// that another ends, is stopped, fails or stands still. See decoder-contract.ts.

import type { Choice, ChooseOptions, DecodeRequest, Decoder } from '../../engine/decoders/decoder.js';
import { check, codeOf, collect, equal, greedy, text, type CaseBody } from './decoder-contract-tools.js';

const never: ReadonlySet<number> = new Set();

const allowed = new Uint32Array(4).fill(0x5555_5555);
const drawn: ChooseOptions = { ...greedy, temperature: 0.9, topK: 30, topP: 0.95, seed: 11, logprobs: 3 };

/** Eight texts of different lengths, each with options of its own; over page boundaries, so that pages close. */
const requests: readonly DecodeRequest[] = [
  { tokens: text.slice(0, 5), choose: greedy },
  { tokens: text.slice(10, 38), choose: drawn },
  { tokens: text.slice(3, 9), choose: { ...drawn, seed: 12, frequencyPenalty: 0.7, repetitionPenalty: 1.2 } },
  { tokens: text.slice(20, 21), choose: { ...greedy, allowed } },
  { tokens: text.slice(30, 90), choose: { ...greedy, logprobs: -1 } },
  { tokens: text.slice(40, 47), choose: { ...greedy, logitBias: new Map([[7, 3]]), presencePenalty: 1.5 } },
  // More alternatives than a GPU's record holds: chosen on the processor, between the steps of the others.
  { tokens: text.slice(50, 53), choose: { ...greedy, logprobs: 30 } },
  { tokens: text.slice(60, 80), choose: { ...drawn, seed: 5, minP: 0.1, logprobs: 0 } },
].map((request, i) => ({ ...request, limit: 24 + i, endIds: never }));

const requestOf = (i: number): DecodeRequest => requests[i] as DecodeRequest;

const limited = (i: number, limit: number): DecodeRequest => ({ ...requestOf(i), limit });

async function alone(decoder: Decoder, request: DecodeRequest): Promise<Choice[]> {
  const sequence = decoder.openSequence();
  const choices = await collect(sequence.decode(request));
  sequence.release();
  return choices;
}

export const togetherCases: readonly (readonly [name: string, body: CaseBody])[] = [
  [
    'says for eight texts at once, to the bit, what it says for each alone',
    async ({ decoder }) => {
      const expected: Choice[][] = [];
      for (const request of requests) expected.push(await alone(decoder, request));
      const { concurrency = 1 } = decoder.info;
      check(Number.isInteger(concurrency) && concurrency >= 1, `concurrency ${concurrency}`);
      // Twice: what several rows need may be compiled while the first time goes on.
      for (const time of ['first', 'second']) {
        const sequences = requests.map(() => decoder.openSequence());
        const said = await Promise.all(sequences.map((sequence, i) => collect(sequence.decode(requestOf(i)))));
        said.forEach((choices, i) => equal(choices, expected[i], `text ${i}, the ${time} time`));
        sequences.forEach(({ length }, i) => {
          const { tokens, limit } = requestOf(i);
          equal(length, tokens.length + limit - 1, `length of text ${i}`);
        });
        for (const sequence of sequences) sequence.release();
      }
      equal(decoder.holding, { tokens: 0, kvBytes: 0 }, 'held afterwards');
    },
  ],
  [
    'lets texts come late, be stopped, be released and end early without the others noticing',
    async ({ decoder }) => {
      const expected: Choice[][] = [];
      for (const i of [0, 1, 2, 3, 5]) expected[i] = await alone(decoder, limited(i, 30));
      const open = (i: number) => ({
        sequence: decoder.openSequence(),
        request: limited(i, 30),
        expected: expected[i] ?? [],
      });
      const [steady, late, stopped, left, ended] = [open(0), open(1), open(2), open(3), open(5)];
      const stop = new AbortController();
      let arrive = (): void => undefined;
      const arrived = new Promise<void>((resolve) => (arrive = resolve));
      const outcomes = await Promise.all([
        (async () => {
          const choices: Choice[] = [];
          for await (const choice of steady.sequence.decode(steady.request)) {
            choices.push(choice);
            if (choices.length === 6) arrive();
            if (choices.length === 12) stop.abort();
            if (choices.length === 15) left.sequence.release();
          }
          return choices;
        })(),
        arrived.then(() => collect(late.sequence.decode(late.request))),
        codeOf(() => collect(stopped.sequence.decode({ ...stopped.request, signal: stop.signal }))),
        codeOf(() => collect(left.sequence.decode(left.request))),
        (async () => {
          const choices: Choice[] = [];
          for await (const choice of ended.sequence.decode(ended.request)) if (choices.push(choice) === 9) break;
          return choices;
        })(),
      ]);
      equal(outcomes[0], steady.expected, 'the text that went through');
      equal(outcomes[1], late.expected, 'the text that came late');
      // How far the others were by then is the decoder's affair; a fast one was done.
      check(['aborted', 'none'].includes(outcomes[2]), `the text that was stopped: ${outcomes[2]}`);
      check(['aborted', 'invalid-request', 'none'].includes(outcomes[3]), `the text that was released: ${outcomes[3]}`);
      equal(outcomes[4], ended.expected.slice(0, 9), 'the text that was left');
      equal(ended.sequence.length, ended.request.tokens.length + 8, 'its length');
      // A text that was stopped goes on, with others, as if nothing had been.
      const { length } = stopped.sequence;
      stopped.sequence.truncate(0);
      const again = await Promise.all([
        collect(stopped.sequence.decode(stopped.request)),
        collect(decoder.openSequence().decode(limited(0, 30))),
      ]);
      equal(again, [stopped.expected, steady.expected], `again, after it was stopped at ${length}`);
    },
  ],
  [
    'goes on with the others while nobody reads one of them, or reads it slowly',
    async ({ decoder }) => {
      const expected = [await alone(decoder, requestOf(0)), await alone(decoder, requestOf(1))];
      const idle = decoder.openSequence().decode(requestOf(2));
      const first = await idle.next();
      check(first.done !== true, 'a first choice');
      const slow = async (): Promise<Choice[]> => {
        const choices: Choice[] = [];
        for await (const choice of decoder.openSequence().decode(requestOf(1))) {
          choices.push(choice);
          if (choices.length % 8 === 0) await new Promise((later) => setTimeout(later, 20));
        }
        return choices;
      };
      const said = await Promise.all([collect(decoder.openSequence().decode(requestOf(0))), slow()]);
      equal(said, expected, 'both texts');
      const rest = await collect(idle);
      equal([first.value, ...rest], await alone(decoder, requestOf(2)), 'the one that stood still');
    },
  ],
  [
    'reads a long prompt while another text is being decoded, and refuses one that is too long alone',
    async ({ decoder }) => {
      const expected = [await alone(decoder, limited(0, 60)), await alone(decoder, limited(4, 20))];
      const full = decoder.openSequence();
      await full.append({ tokens: text, at: 'none' });
      const said = await Promise.all([
        collect(decoder.openSequence().decode(limited(0, 60))),
        collect(decoder.openSequence().decode(limited(4, 20))),
        codeOf(() => collect(full.decode(requestOf(3)))),
      ]);
      equal(said, [...expected, 'prompt-too-long'], 'all three');
      equal(full.length, 128, 'length of the full one');
    },
  ],
];
