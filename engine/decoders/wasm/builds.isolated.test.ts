// All eight files of the kernels compute a model, in a cross-origin isolated page: relaxed SIMD and SIMD128, alone and with
// threads, with addresses of 32 and of 64 bits. The same bits come out of all of them.

import { expect } from '@esm-bundle/chai';
import { kernelAssets } from '../../../kernels/wasm/kernel-assets.js';
import { type KernelFile, largeMemorySupported, supportedBuild } from '../../../kernels/wasm/kernels.js';
import { errorAgainst, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { startThreads } from './thread-pool.js';
import { createWasmDecoder, type WasmDecoderOptions } from './wasm-decoder.js';
import { fetchedKernels } from './wasm-kernels.js';

const script = new URL('/test/fixtures/wasm-helper.ts', location.href);
const newWorker = (): Worker => new Worker(script, { type: 'module' });

const [best, large] = [supportedBuild(), largeMemorySupported()];
const all = (Object.keys(kernelAssets) as KernelFile[]).filter(
  (file) => (best === 'relaxed' || file.startsWith('simd')) && (large || !file.includes('-large')),
);

it('every file of the kernels that this browser runs computes the same bits', async () => {
  expect(crossOriginIsolated).to.equal(true);
  const chosen = (await fixtures()).filter(({ name }) => name === 'gemma3-q4' || name === 'qwen2-q8');
  expect(chosen).to.have.length(2);
  for (const fixture of chosen) {
    const tokens = Array.from({ length: 100 }, (_, i) => (i * 37 + 11) % fixture.spec.vocabularySize);
    const found = new Map<string, number[]>();
    for (const file of all) {
      const asked: string[] = [];
      const source = fetchedKernels('/');
      const threads = { pool: startThreads, count: 2, fromBytes: 0, start: newWorker };
      const decoder = await createWasmDecoder({
        model: fixtureModel(fixture),
        kernels: (name) => {
          asked.push(name);
          return source(name);
        },
        build: file.startsWith('relaxed') ? 'relaxed' : 'simd',
        large: file.includes('-large'),
        kvPrecision: 'int8', // pages close, and are read by threads
        ...(file.includes('-threads') && { threads }),
      });
      expect(asked).to.deep.equal([file]);
      const count = file.includes('-threads') ? '2 threads' : '1 thread';
      expect(decoder.info.deviceName).to.match(new RegExp(`${count}$`));
      found.set(file, [...new Uint32Array((await decoder.logits(tokens)).slice().buffer)]);
      await decoder.dispose();
    }
    const [[, expected] = ['', []]] = found;
    expect(expected).to.have.length(tokens.length * fixture.spec.vocabularySize);
    for (const [file, bits] of found) expect(bits, `${fixture.name} by ${file}`).to.deep.equal(expected);
  }
});

it('the best file is taken that the browser runs, with threads where they are worth it', async () => {
  const [fixture] = await fixtures();
  if (fixture === undefined) throw new Error('no fixture');
  const asked = async (threads: Partial<WasmDecoderOptions>): Promise<string[]> => {
    const files: string[] = [];
    const source = (file: string): Promise<never> => {
      files.push(file);
      return Promise.reject(new Error('far enough'));
    };
    await createWasmDecoder({ model: fixtureModel(fixture), kernels: source, ...threads }).then(
      () => expect.fail('it opened'),
      () => undefined,
    );
    return files;
  };
  const shared = { threads: { pool: startThreads, count: 2, fromBytes: 0, start: newWorker } };
  expect(await asked({})).to.deep.equal([`${best}.wasm`]);
  expect(await asked(shared)).to.deep.equal([`${best}-threads.wasm`]);
  expect(await asked({ threads: { pool: startThreads, count: 2, start: newWorker } }), 'a small model').to.deep.equal([
    `${best}.wasm`,
  ]);
  const validate = WebAssembly.validate.bind(WebAssembly);
  // A module with i16x8.relaxed_dot_i8x16_i7x16_s is the question; only a browser without relaxed SIMD says no to it.
  const isRelaxed = (bytes: Uint8Array): boolean => bytes.some((byte, i) => byte === 0x92 && bytes[i - 1] === 0xfd);
  WebAssembly.validate = (bytes) => !isRelaxed(bytes as Uint8Array) && validate(bytes);
  try {
    expect(await asked({})).to.deep.equal(['simd.wasm']);
    expect(await asked(shared)).to.deep.equal(['simd-threads.wasm']);
  } finally {
    WebAssembly.validate = validate;
  }
});

it('threads compute with room for texts beyond 4 GiB, too', async function () {
  if (!large) return this.skip();
  const [fixture] = (await fixtures()).filter(({ name }) => name === 'qwen3-q4');
  if (fixture === undefined) throw new Error('no qwen3-q4 fixture');
  const { layers, kvHeads, headSize } = fixture.spec;
  // Addresses are reserved for sixteen texts as long as the model's context.
  const contextLength = Math.ceil((5 * 2 ** 30) / (16 * layers * kvHeads * headSize * 8));
  const decoder = await createWasmDecoder({
    model: fixtureModel({ ...fixture, spec: { ...fixture.spec, contextLength } }),
    kernels: '/',
    large,
    threads: { pool: startThreads, count: 2, fromBytes: 0, start: newWorker },
  });
  expect(decoder.info.deviceName).to.match(/2 threads$/);
  const logits = await decoder.logits(fixture.tokens);
  expect(errorAgainst(fixture, logits)).to.be.lessThan(1e-4);
  await decoder.dispose();
});

it('a load that fails ends the threads that it had started', async () => {
  const [fixture] = (await fixtures()).filter(({ name }) => name === 'qwen3-q4');
  if (fixture === undefined) throw new Error('no qwen3-q4 fixture');
  const model = fixtureModel(fixture);
  let [started, ended] = [0, 0];
  const start = (): Worker => {
    const worker = newWorker();
    const { terminate } = worker;
    started += 1;
    worker.terminate = () => {
      ended += 1;
      terminate.call(worker);
    };
    return worker;
  };
  const failure: unknown = await createWasmDecoder({
    model: {
      ...model,
      readTensor: (name, signal) =>
        name.startsWith('layers.1') ? Promise.reject(new Error('unreadable')) : model.readTensor(name, signal),
    },
    kernels: '/',
    threads: { pool: startThreads, count: 3, fromBytes: 0, start },
  }).catch((error: unknown) => error);
  expect(failure).to.have.property('code', 'internal');
  expect([started, ended]).to.deep.equal([2, 2]);
});
