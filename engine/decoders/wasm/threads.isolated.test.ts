// The WebAssembly decoder with threads, in a cross-origin isolated page: in place, and in a worker that a tab lent, driven
// over a port. The same bits as with one thread; the contract; what happens when threads cannot start or the worker goes.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { begin } from '../../../test/fixtures/wasm-helper.js';
import { decoderContract } from '../../../test/support/decoder-contract.js';
import { EngineError } from '../../protocol/errors.js';
import type { Model } from '../../weights/model.js';
import { greedyOptions } from '../choose.js';
import type { Decoder } from '../decoder.js';
import { createLentDecoder } from './lent-decoder.js';
import type { Balancing } from './balance.js';
import type { Pacing } from './pace.js';
import { controlBytes } from './team.js';
import { startThreads } from './thread-pool.js';
import { createWasmDecoder, type WasmDecoderOptions } from './wasm-decoder.js';
import type { ThreadOrder } from './wasm-thread.js';

const script = new URL('/test/fixtures/wasm-helper.ts', location.href);
const kernels = new URL('/', location.href).href;
const newWorker = (): Worker => new Worker(script, { type: 'module' });

const open = (model: Model, count: number, options: Partial<WasmDecoderOptions> = {}): Promise<Decoder> =>
  createWasmDecoder({
    model,
    kernels,
    threads: { pool: startThreads, count, fromBytes: 0, start: newWorker },
    ...options,
  });

interface Lent {
  readonly decoder: Decoder;
  readonly worker: Worker;
  readonly gone: AbortController;
}

async function lend(model: Model, threads: number, kvPrecision: 'f32' | 'int8' = 'f32'): Promise<Lent> {
  const worker = newWorker();
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(begin, [port2]);
  const gone = new AbortController();
  const decoder = await createLentDecoder({
    port: port1,
    gone: gone.signal,
    threads,
    threadsFrom: 0,
    model,
    kernels,
    kvPrecision,
  });
  return { decoder, worker, gone };
}

const bits = (values: Float32Array): number[] => [...new Uint32Array(values.slice().buffer)];

describe('the WebAssembly decoder with threads', () => {
  let all: readonly DecoderFixture[] = [];
  const named = (name: string): DecoderFixture => {
    const found = all.find((fixture) => fixture.name === name);
    if (found === undefined) throw new Error(`there is no fixture ${name}`);
    return found;
  };

  before(async () => {
    expect(crossOriginIsolated).to.equal(true);
    all = await fixtures();
  });

  for (const kvPrecision of ['f32', 'int8'] as const) {
    it(`computes the same bits as one thread, ${kvPrecision} pages`, async () => {
      for (const fixture of ['qwen3-q4', 'gemma3-softcap-q8', 'mistral-window', 'phi4-mini-partial-q4'].map(named)) {
        const alone = await open(fixtureModel(fixture), 1, { kvPrecision });
        const expected = bits(await alone.logits(fixture.tokens));
        expect(alone.info.deviceName).to.match(/1 thread$/);
        await alone.dispose();
        for (const count of fixture.kind === 'q8' ? [2, 3] : [2]) {
          const several = await open(fixtureModel(fixture), count, { kvPrecision });
          expect(several.info.deviceName).to.match(new RegExp(`${count} threads$`));
          expect(bits(await several.logits(fixture.tokens)), fixture.name).to.deep.equal(expected);
          await several.dispose();
        }
      }
    });
  }

  it('computes the same bits while one thread takes turns with all', async () => {
    const fixture = named('gemma3-softcap-q8');
    const ways = new Set<boolean>();
    /** One pass by all, one by one, two by all, one by one, ... */
    const pace = (): Pacing => {
      let passes = 0;
      return {
        get together() {
          return passes % 5 !== 1 && passes % 5 !== 4;
        },
        took() {
          ways.add(this.together);
          passes += 1;
        },
      };
    };
    const threads = { pool: startThreads, count: 3, fromBytes: 0, start: newWorker, pace };
    const chosen = async (decoder: Decoder): Promise<unknown[]> => {
      const sequence = decoder.openSequence();
      const choose = { ...greedyOptions, logprobs: 3 };
      const choices: unknown[] = [];
      for (let i = 0; i < 12; i++) {
        choices.push(...(await sequence.append({ tokens: [fixture.tokens[i] as number], at: 'last', choose })));
      }
      await decoder.dispose();
      return choices;
    };
    const expected = await chosen(await open(fixtureModel(fixture), 1));
    expect(await chosen(await open(fixtureModel(fixture), 3, { threads }))).to.deep.equal(expected);
    expect([...ways]).to.have.members([true, false]);
  });

  it('computes the same bits whatever share of the work each thread has, and moves the shares', async () => {
    const shares = [
      [1, 1, 1],
      [1, 6, 1],
      [5, 2, 9],
      [1, 1, 30],
    ];
    const told: (readonly number[])[] = [];
    const balance: Balancing = {
      get shares() {
        return shares[told.length % shares.length] as number[];
      },
      took(milliseconds, waited) {
        expect(milliseconds).to.be.greaterThan(0);
        expect(waited).to.have.lengthOf(3);
        told.push(waited);
      },
    };
    for (const name of ['gemma3-softcap-q8', 'qwen3-q4']) {
      const fixture = named(name);
      const chosen = async (decoder: Decoder): Promise<unknown[]> => {
        const sequence = decoder.openSequence();
        const choose = { ...greedyOptions, logprobs: 3 };
        const choices: unknown[] = [];
        for (let i = 0; i < 12; i++) {
          const tokens = i === 5 ? fixture.tokens : [fixture.tokens[i % fixture.tokens.length] as number];
          choices.push(...(await sequence.append({ tokens, at: 'last', choose })));
        }
        await decoder.dispose();
        return choices;
      };
      const together = (): Pacing => ({ together: true, took: () => undefined });
      const threads = { pool: startThreads, count: 3, fromBytes: 0, start: newWorker, pace: together, balance };
      const expected = await chosen(await open(fixtureModel(fixture), 1));
      expect(await chosen(await open(fixtureModel(fixture), 3, { threads })), name).to.deep.equal(expected);
    }
    expect(told.length).to.be.greaterThan(12);
    expect(told.flat().every((waited) => waited >= 0)).to.equal(true);
  });

  for (const kvPrecision of ['f32', 'int8'] as const) {
    it(`computes the same bits after a long text, ${kvPrecision} pages`, async () => {
      for (const name of ['gemma3-softcap-q8', 'qwen3-q4', 'mistral-window']) {
        const fixture = named(name);
        const longer = { ...fixture, spec: { ...fixture.spec, contextLength: 512 } };
        const { vocabularySize } = fixture.spec;
        const chosen = async (threads: number): Promise<unknown[]> => {
          const decoder = await open(fixtureModel(longer), threads, { kvPrecision });
          const sequence = decoder.openSequence();
          const tokens = Array.from({ length: 120 }, (_, i) => (i * 31 + 7) % vocabularySize);
          await sequence.append({ tokens, at: 'none' });
          const choices: unknown[] = [];
          for (let i = 0; i < 80; i++) {
            const choose = { ...greedyOptions, logprobs: 3 };
            choices.push(...(await sequence.append({ tokens: [(i * 13) % vocabularySize], at: 'last', choose })));
          }
          await decoder.dispose();
          return choices;
        };
        const expected = await chosen(1);
        for (const threads of [2, 3]) expect(await chosen(threads), name).to.deep.equal(expected);
      }
    });
  }

  it('takes up the next pass after one that was aborted', async () => {
    const fixture = named('qwen3-q4');
    const decoder = await open(fixtureModel({ ...fixture, spec: { ...fixture.spec, contextLength: 1024 } }), 2);
    const tokens = Array.from({ length: 900 }, (_, i) => i % fixture.spec.vocabularySize);
    const sequence = decoder.openSequence();
    let aborted = 0;
    for (let round = 0; round < 6; round++) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), round);
      await sequence.append({ tokens, at: 'none', signal: controller.signal }).catch((error: unknown) => {
        expect(EngineError.from(error).code).to.equal('aborted');
        aborted += 1;
      });
      sequence.truncate(0);
    }
    expect(aborted).to.be.greaterThan(0);
    const other = decoder.openSequence();
    const choose = { ...greedyOptions, logprobs: 3 };
    const [choice] = await other.append({ tokens: fixture.tokens, at: 'last', choose });
    const alone = await open(fixtureModel({ ...fixture, spec: { ...fixture.spec, contextLength: 1024 } }), 1);
    const [expected] = await alone.openSequence().append({ tokens: fixture.tokens, at: 'last', choose });
    expect(choice).to.deep.equal(expected);
    await decoder.dispose();
    await alone.dispose();
  });

  it('sleeps between answers: every thread but the leader waits without computing', async () => {
    const orders: ThreadOrder[] = [];
    const start = (): Worker => {
      const worker = newWorker();
      const post = worker.postMessage.bind(worker) as (order: ThreadOrder) => void;
      worker.postMessage = (order: ThreadOrder) => {
        orders.push(order);
        post(order);
      };
      return worker;
    };
    const decoder = await open(fixtureModel(named('qwen3-q4')), 3, {
      threads: { pool: startThreads, count: 3, fromBytes: 0, start },
    });
    await decoder.logits([1, 2, 3]);
    const [order] = orders;
    if (order === undefined) throw new Error('no thread was started');
    const words = new Int32Array(order.memory.buffer, order.plan.scratch.control, controlBytes(3) / 4);
    /** Wakes whoever sleeps, which looks around and goes to sleep again. @returns how many slept */
    const asleep = (): number => words.reduce((sum, _, i) => sum + Atomics.notify(words, i), 0);
    while (asleep() !== 2) await new Promise((later) => setTimeout(later, 20)); // else the test's time runs out
    await decoder.logits([4, 5]);
    await decoder.dispose();
  });

  it('computes alone where threads do not start, and for models that are too small to share', async () => {
    const model = (): Model => fixtureModel(named('qwen3-q4'));
    const nowhere = (): Worker => new Worker('/nowhere.js', { type: 'module' });
    const refused = (): Worker => {
      throw new DOMException('worker-src', 'SecurityError');
    };
    for (const start of [nowhere, refused]) {
      const decoder = await open(model(), 2, { threads: { pool: startThreads, count: 2, fromBytes: 0, start } });
      expect(decoder.info.deviceName).to.match(/1 thread$/);
      await decoder.dispose();
    }
    const small = await open(model(), 2, { threads: { pool: startThreads, count: 2, start: newWorker } });
    expect(small.info.deviceName).to.match(/1 thread$/);
    await small.dispose();
  });

  it('fails with a typed error when a thread does not come, now and ever after', async () => {
    const idle = URL.createObjectURL(new Blob([`onmessage = () => postMessage('ready')`], { type: 'text/javascript' }));
    const decoder = await open(fixtureModel(named('qwen3-q4')), 2, {
      threads: { pool: startThreads, count: 2, fromBytes: 0, start: () => new Worker(idle), patience: 100 },
    });
    const sequence = decoder.openSequence();
    for (let i = 0; i < 2; i++) {
      const failure = await sequence.append({ tokens: [4], at: 'none' }).then(
        () => null,
        (error: unknown) => error,
      );
      expect(failure).to.be.instanceOf(EngineError);
      expect((failure as EngineError).code).to.equal('internal');
      expect((failure as EngineError).message).to.match(/thread/);
    }
    expect(sequence.length).to.equal(0);
    await decoder.dispose();
  });

  describe('in a lent worker', () => {
    const workers: Worker[] = [];
    afterEach(() => workers.splice(0).forEach((worker) => worker.terminate()));

    const contract = decoderContract({
      createDecoder: async (model) => {
        const { decoder, worker } = await lend(model, 1, 'int8');
        workers.push(worker);
        return decoder;
      },
      kind: 'q4',
      exactUpTo: 8,
      error: 1e-4,
      tie: 0.05,
    });
    for (const { name, run } of contract) it(name, run);

    it('has threads there, and says what one thread says here', async () => {
      const fixture = named('gemma3-q4');
      const { decoder, worker } = await lend(fixtureModel(fixture), 2);
      workers.push(worker);
      expect(decoder.info.deviceName).to.match(/2 threads$/);
      const alone = await open(fixtureModel(fixture), 1);
      expect(bits(await decoder.logits(fixture.tokens))).to.deep.equal(bits(await alone.logits(fixture.tokens)));
      await decoder.dispose();
      await alone.dispose();
    });

    it('ends with the worker: calls that run, and all later ones', async () => {
      const { decoder, worker, gone } = await lend(fixtureModel(named('qwen3-q4')), 1);
      workers.push(worker);
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: [1, 2, 3], at: 'none' });
      worker.terminate();
      const running = sequence.append({ tokens: [4], at: 'none' });
      gone.abort(new EngineError('device-lost', 'The tab has gone.'));
      const later = (): Promise<unknown> => sequence.append({ tokens: [4], at: 'none' });
      for (const call of [() => running, later, () => decoder.logits([1])]) {
        const failure = await call().then(
          () => null,
          (error: unknown) => error as EngineError,
        );
        expect(failure?.message).to.equal('The tab has gone.');
      }
      expect(sequence.length).to.equal(3);
      await decoder.dispose();
    });

    it('tells why it cannot be opened', async () => {
      const model = fixtureModel(named('qwen3-q4'));
      const broken: Model = {
        ...model,
        readTensor: (name) =>
          name.includes('layers.1.')
            ? Promise.reject(new EngineError('network', 'The connection broke.'))
            : model.readTensor(name),
      };
      const failure = await lend(broken, 1).then(
        () => null,
        (error: unknown) => error as EngineError,
      );
      expect(failure?.code).to.equal('network');
      const tensors = new Map(model.tensors);
      tensors.delete('finalNorm');
      const lacking = await lend({ ...model, tensors }, 1).then(
        () => null,
        (error: unknown) => error as EngineError,
      );
      expect(lacking?.code).to.equal('model-invalid');
    });
  });
});
