// What every decoder must do, as cases that any test runner can run: `for (const { name, run } of decoderContract({...}))
// it(name, run)` in a browser, `test(name, run)` in Node. It asks the decoder contract (engine/decoders/decoder.ts) alone and
// compares with the reference decoder; how a decoder computes is not its affair. Choosing is in decoder-contract-choices.ts,
// several texts at once in decoder-contract-together.ts.
// Small on purpose: a model of two layers, texts of at most 128 tokens (four KV pages).

import type { Choice } from '../../engine/decoders/decoder.js';
import type { Model, ModelSpec } from '../../engine/weights/model.js';
import { fixtureModel } from '../fixtures/fixture-models.js';
import { choiceCases } from './decoder-contract-choices.js';
import { togetherCases } from './decoder-contract-together.js';
import {
  appendOne,
  check,
  codeOf,
  equal,
  greedy,
  text,
  type CaseBody,
  type DecoderContractOptions,
} from './decoder-contract-tools.js';
import { createReferenceDecoder } from './reference-decoder.js';

export interface ContractCase {
  readonly name: string;
  run(): Promise<void>;
}

/** The model of the cases: grouped heads, and a vocabulary that no power of two divides. */
const spec: ModelSpec = {
  architecture: 'llama',
  layers: 2,
  hiddenSize: 64,
  feedForwardSize: 96,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabularySize: 101,
  contextLength: 128,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: false,
};
export function decoderContract(options: DecoderContractOptions): readonly ContractCase[] {
  const model = (): Model => fixtureModel({ name: 'contract', kind: options.kind ?? 'q4', seed: 1001, spec });
  let oracle: Promise<Float32Array> | null = null;
  const oracleLogits = async (): Promise<Float32Array> =>
    (await createReferenceDecoder(model())).logits(text.slice(0, 60));
  return [...sequenceCases, ...choiceCases, ...togetherCases].map(([name, body]) => ({
    name,
    async run() {
      const all = await (oracle ??= oracleLogits());
      const size = spec.vocabularySize;
      const expected = (position: number): Float32Array => {
        check(position < 60, 'the oracle was asked beyond its text');
        return all.subarray(position * size, (position + 1) * size);
      };
      const checkLikeliest = (id: number | undefined, position: number): void => {
        const row = expected(position);
        const short = Math.max(...row) - (row[id ?? -1] ?? -Infinity);
        check(short <= options.tie, `after token ${position} it chose ${id}, ${short} below the likeliest`);
      };
      const decoder = await options.createDecoder(model());
      try {
        await body({ decoder, options, expected, checkLikeliest });
      } finally {
        await decoder.dispose();
      }
    },
  }));
}

/** The cases about several texts at once alone, which ask for nothing but a decoder. */
export const togetherContract = (options: DecoderContractOptions): readonly ContractCase[] => {
  const names = new Set(togetherCases.map(([name]) => name));
  return decoderContract(options).filter(({ name }) => names.has(name));
};

const sequenceCases: readonly (readonly [name: string, body: CaseBody])[] = [
  [
    'says what it is, and computes what plain JavaScript computes',
    async ({ decoder, options, expected }) => {
      const { contextLength, vocabularySize, weightBytes, deviceName } = decoder.info;
      equal([contextLength, vocabularySize], [spec.contextLength, spec.vocabularySize], 'its facts');
      check(weightBytes > 0 && deviceName !== '', 'weights and device are told');
      const logits = await decoder.logits(text.slice(0, 60));
      equal(logits.length, 60 * vocabularySize, 'logits');
      let [error, size] = [0, 0];
      for (let i = 0; i < logits.length; i++) {
        const wanted = expected(Math.floor(i / vocabularySize))[i % vocabularySize] as number;
        error += (wanted - (logits[i] as number)) ** 2;
        size += wanted ** 2;
      }
      check(error / size <= options.error, `normalised mean squared error ${error / size}`);
      equal(decoder.holding, { tokens: 0, kvBytes: 0 }, 'held afterwards');
    },
  ],
  [
    'chooses nothing, at the last position, or at every one, as asked, token by token and in one go',
    async ({ decoder, checkLikeliest }) => {
      const sequence = decoder.openSequence();
      equal(await sequence.append({ tokens: text.slice(0, 5), at: 'none' }), [], 'choices of `none`');
      checkLikeliest((await appendOne(sequence, text.slice(5, 9))).id, 8);
      const every = await sequence.append({ tokens: text.slice(9, 40), at: 'every', choose: greedy });
      equal(every.length, 31, 'choices of `every`');
      every.forEach(({ id }, i) => checkLikeliest(id, 9 + i));
      for (let i = 40; i < 46; i++) checkLikeliest((await appendOne(sequence, text.slice(i, i + 1))).id, i);
      equal([sequence.length, sequence.holding.tokens], [46, 46], 'length');
    },
  ],
  [
    'computes for a few tokens at once, to the bit, what it computes one by one',
    async ({ decoder, options: { exactUpTo } }) => {
      const singles: Choice[] = [];
      const one = decoder.openSequence();
      for (const token of text.slice(0, 100)) singles.push(await appendOne(one, [token]));
      for (let size = 2; size <= exactUpTo; size++) {
        const sequence = decoder.openSequence();
        // Over page boundaries, and into texts whose first pages are closed.
        for (const start of [0, 30, 62, 100 - size]) {
          sequence.truncate(Math.min(sequence.length, start));
          while (sequence.length < start) {
            const to = Math.min(start, sequence.length + exactUpTo);
            await sequence.append({ tokens: text.slice(sequence.length, to), at: 'none' });
          }
          const several = await sequence.append({
            tokens: text.slice(start, start + size),
            at: 'every',
            choose: greedy,
          });
          equal(several, singles.slice(start, start + size), `${size} tokens from ${start}`);
        }
        sequence.release();
      }
    },
  ],
  [
    'says after truncating what a fresh sequence says',
    async ({ decoder, checkLikeliest }) => {
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: text.slice(0, 40), at: 'none' });
      const first = await appendOne(sequence, text.slice(40, 41));
      await sequence.append({ tokens: new Array<number>(20).fill(7), at: 'none' });
      sequence.truncate(40);
      equal(await appendOne(sequence, text.slice(40, 41)), first, 'again after 21 other tokens');
      await sequence.append({ tokens: new Array<number>(87).fill(9), at: 'none' }); // pages close
      sequence.truncate(3);
      await sequence.append({ tokens: text.slice(3, 40), at: 'none' });
      checkLikeliest((await appendOne(sequence, text.slice(40, 41))).id, 40);
      sequence.truncate(0);
      checkLikeliest((await appendOne(sequence, text.slice(0, 1))).id, 0);
      for (const wrong of [2, -1, 0.5, NaN]) {
        equal(await codeOf(() => sequence.truncate(wrong)), 'invalid-request', `truncate(${wrong})`);
      }
      equal(sequence.length, 1, 'length');
    },
  ],
  [
    'does not mix two sequences that take turns',
    async ({ decoder, checkLikeliest }) => {
      const [one, other] = [decoder.openSequence(), decoder.openSequence()];
      await other.append({ tokens: text.slice(50, 90), at: 'none' });
      await Promise.all([
        (async () => {
          for (let i = 0; i < 10; i++) checkLikeliest((await appendOne(one, text.slice(i, i + 1))).id, i);
        })(),
        (async () => {
          for (let i = 0; i < 10; i++) await appendOne(other, [i]);
        })(),
      ]);
      other.truncate(0);
      checkLikeliest((await appendOne(other, text.slice(0, 3))).id, 2);
      checkLikeliest((await appendOne(one, text.slice(10, 20))).id, 19);
      equal(decoder.holding.tokens, 23, 'tokens of both');
    },
  ],
  [
    'holds after an abort what it held before',
    async ({ decoder, checkLikeliest }) => {
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: text.slice(0, 4), at: 'none' });
      const stopped = { signal: AbortSignal.abort() };
      equal(await codeOf(() => sequence.append({ tokens: [1], at: 'none', ...stopped })), 'aborted', 'stopped before');
      const stop = new AbortController();
      const long = { tokens: text.slice(4), at: 'last', choose: greedy, signal: stop.signal } as const;
      const running = codeOf(() => sequence.append(long));
      stop.abort();
      const outcome = await running;
      // A device may be done before it looks; then it is all there.
      check(outcome === 'aborted' || outcome === 'none', `outcome ${outcome}`);
      equal(sequence.length, outcome === 'aborted' ? 4 : 128, 'length');
      sequence.truncate(4);
      checkLikeliest((await appendOne(sequence, text.slice(4, 9))).id, 8);
      equal(await codeOf(() => decoder.logits(text, AbortSignal.abort())), 'aborted', 'logits');
    },
  ],
  [
    'refuses more than the context holds and appends nothing then',
    async ({ decoder, checkLikeliest }) => {
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: text.slice(0, 2), at: 'none' });
      const over = () => sequence.append({ tokens: [...text.slice(2), 1], at: 'none' });
      equal(await codeOf(over), 'prompt-too-long', '127 tokens more');
      checkLikeliest((await appendOne(sequence, text.slice(2, 3))).id, 2);
      await sequence.append({ tokens: text.slice(3), at: 'last', choose: greedy });
      equal(sequence.length, 128, 'length');
      equal(await codeOf(() => sequence.append({ tokens: [1], at: 'none' })), 'prompt-too-long', 'one more');
    },
  ],
  [
    'refuses wrong calls',
    async ({ decoder }) => {
      const sequence = decoder.openSequence();
      for (const wrong of [[], [-1], [101], [1.5], [NaN]]) {
        const code = await codeOf(() => sequence.append({ tokens: wrong, at: 'none' }));
        equal(code, 'invalid-request', `append ${JSON.stringify(wrong)}`);
      }
      const blind = () => sequence.append({ tokens: [1], at: 'last' });
      equal(await codeOf(blind), 'invalid-request', 'no `choose`');
      const running = sequence.append({ tokens: text.slice(0, 9), at: 'none' });
      equal(await codeOf(() => sequence.append({ tokens: [1], at: 'none' })), 'invalid-request', 'append while busy');
      equal(await codeOf(() => sequence.truncate(0)), 'invalid-request', 'truncate while busy');
      await running;
      equal(sequence.length, 9, 'length');
    },
  ],
  [
    'gives its memory back when released, also in the middle of a call, and when disposed of, twice',
    async ({ decoder }) => {
      const [one, other] = [decoder.openSequence(), decoder.openSequence()];
      await one.append({ tokens: text.slice(0, 40), at: 'none' });
      check(one.holding.kvBytes > 0, 'it holds something');
      const running = codeOf(() => other.append({ tokens: text.slice(0, 20), at: 'last', choose: greedy }));
      other.release();
      other.release();
      one.release();
      equal(await running, 'aborted', 'the call that ran');
      equal(decoder.holding, { tokens: 0, kvBytes: 0 }, 'held');
      equal(await codeOf(() => one.append({ tokens: [1], at: 'none' })), 'invalid-request', 'append');
      const last = decoder.openSequence();
      const late = codeOf(() => last.append({ tokens: text.slice(0, 50), at: 'last', choose: greedy }));
      await Promise.all([decoder.dispose(), decoder.dispose()]);
      check(['aborted', 'none'].includes(await late), `the call under dispose: ${await late}`);
      equal(await codeOf(() => decoder.openSequence()), 'invalid-request', 'openSequence');
    },
  ],
];
