// Bringing ONNX Runtime to a thread: what is missing is told, and can be tried again; runs never overlap.

import { expect } from '@esm-bundle/chai';
import { EngineError } from '../../protocol/errors.js';
import { asEngineError, loadOrt } from './ort-runtime.js';

const assetBase = '/node_modules/onnxruntime-web/dist/';

describe('ONNX Runtime on a thread', () => {
  it('says which file is missing, and starts when it is there', async () => {
    let failure: unknown;
    try {
      await loadOrt('wasm', { assetBase: '/nothing/here' });
    } catch (error) {
      failure = error;
    }
    if (!(failure instanceof EngineError)) throw new Error('it started without its files');
    expect(failure.code).to.equal('network');
    expect(failure.message).to.contain('ort-wasm-simd-threaded.wasm').and.contain('404');
    const runtime = await loadOrt('wasm', { assetBase, threads: 1 });
    expect(runtime.threads).to.equal(1);
    expect(await loadOrt('wasm', { assetBase: '/not/asked/again' })).to.equal(runtime);
  });

  it('runs one thing at a time, in order, whatever becomes of it', async () => {
    const runtime = await loadOrt('wasm', { assetBase });
    const seen: string[] = [];
    const work = (name: string, fails: boolean) => async (): Promise<string> => {
      seen.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      seen.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };
    const results = await Promise.allSettled([
      runtime.exclusive(work('a', false)),
      runtime.exclusive(work('b', true)),
      runtime.exclusive(work('c', false)),
    ]);
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).to.deep.equal(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('refuses a browser without WebAssembly SIMD', async () => {
    const { validate } = WebAssembly;
    WebAssembly.validate = () => false;
    try {
      await loadOrt('wasm', { assetBase });
      throw new Error('it started');
    } catch (error) {
      expect(EngineError.from(error).code).to.equal('wasm-unsupported');
    } finally {
      WebAssembly.validate = validate;
    }
  });

  it('gives failures a code', () => {
    const codes = [
      new Error('std::bad_alloc'),
      new RangeError('Array buffer allocation failed'),
      8_421_504,
      new Error("Can't create a session. failed to allocate a buffer of size 9."),
      new Error('no available backend found. ERR: [wasm] TypeError: Failed to fetch'),
      new Error('Non-zero status code returned while running Gather node.'),
      new EngineError('aborted', 'The request was stopped.'),
    ].map((thrown) => asEngineError(thrown, 'testing').code);
    expect(codes).to.deep.equal([
      'out-of-memory',
      'out-of-memory',
      'out-of-memory',
      'out-of-memory',
      'network',
      'internal',
      'aborted',
    ]);
  });
});
