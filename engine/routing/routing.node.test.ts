// Routing's decisions: the probes, the ladder, and the hand-over of an answer in the middle.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EngineError, type EngineErrorCode } from '../protocol/errors.js';
import type { ChatCompletionRequest } from '../protocol/chat.js';
import type { Backend, BackendEvent, BackendRequest } from '../backends/backend.js';
import { answer, type Route, type RoutedEvent } from './answer.js';
import { probeCapabilities, type Capabilities, type WebGpuCapability } from './capabilities.js';
import { planLadder, type DeviceSetting } from './ladder.js';

const gpu: WebGpuCapability = { available: true, name: 'gpu' };
const faster = { webgpu: 100, wasm: 10 };
const slower = { webgpu: 0.5, wasm: 10 };
const none: WebGpuCapability = { available: false, reason: 'this browser has no WebGPU' };

describe('planLadder', () => {
  const rungs = (webgpu: WebGpuCapability, wasmSimd: boolean, device: DeviceSetting, cloud = false) =>
    planLadder({ webgpu, wasmSimd, rates: null }, device, cloud).rungs.join();

  test('takes the GPU first, WebAssembly next, the cloud last', () => {
    assert.equal(rungs(gpu, true, 'auto'), 'webgpu,wasm');
    assert.equal(rungs(gpu, true, 'auto', true), 'webgpu,wasm,cloud');
    assert.equal(rungs(gpu, false, 'auto'), 'webgpu');
    assert.equal(rungs(none, true, 'auto'), 'wasm');
    assert.equal(rungs(none, false, 'auto', true), 'cloud');
  });

  test('prefers WebAssembly to a GPU that was measured slower, and says why', () => {
    const plan = planLadder({ webgpu: gpu, wasmSimd: true, rates: slower }, 'auto', false);
    assert.deepEqual(plan.rungs, ['wasm', 'webgpu']);
    assert.match(plan.notes.join(), /\(gpu\) was measured slower than WebAssembly here \(0\.50 against 10 billion/);
    const usual = planLadder({ webgpu: gpu, wasmSimd: true, rates: faster }, 'auto', false);
    assert.deepEqual(usual, { rungs: ['webgpu', 'wasm'], notes: [] });
    assert.deepEqual(planLadder({ webgpu: gpu, wasmSimd: true, rates: slower }, 'webgpu', false).rungs, ['webgpu']);
  });

  test('tries no other device than the pinned one', () => {
    assert.equal(rungs(gpu, true, 'webgpu'), 'webgpu');
    assert.equal(rungs(gpu, true, 'wasm'), 'wasm');
    assert.equal(rungs(gpu, true, 'wasm', true), 'wasm,cloud');
  });

  test('says what is missing when no rung is left', () => {
    assert.throws(() => rungs(none, true, 'webgpu'), { code: 'webgpu-unavailable' });
    assert.throws(() => rungs(gpu, false, 'wasm'), { code: 'wasm-unsupported' });
    assert.throws(() => rungs(none, false, 'auto'), { code: 'wasm-unsupported', message: /no WebGPU/ });
  });

  test('property: the cloud only where allowed and only last; a pin admits one device', () => {
    const webgpu = fc.constantFrom(gpu, none);
    const rates = fc.constantFrom(null, faster, slower);
    const device = fc.constantFrom<DeviceSetting>('auto', 'webgpu', 'wasm');
    fc.assert(
      fc.property(webgpu, fc.boolean(), rates, device, fc.boolean(), (gpu, wasmSimd, measured, pinned, cloud) => {
        const capabilities: Capabilities = { webgpu: gpu, wasmSimd, rates: measured };
        try {
          const { rungs } = planLadder(capabilities, pinned, cloud);
          assert.equal(rungs.includes('cloud'), cloud);
          if (cloud) assert.equal(rungs.at(-1), 'cloud');
          assert.equal(new Set(rungs).size, rungs.length);
          if (rungs.includes('webgpu')) assert.ok(gpu.available && pinned !== 'wasm');
          if (rungs.includes('wasm')) assert.ok(wasmSimd && pinned !== 'webgpu');
        } catch (error) {
          assert.ok(error instanceof EngineError);
          assert.equal(cloud, false);
        }
      }),
    );
  });
});

describe('probeCapabilities', () => {
  const validate = (bytes: Uint8Array<ArrayBuffer>): boolean => WebAssembly.validate(bytes);
  const gpuOf = (requestAdapter: () => Promise<unknown>): GPU => ({ requestAdapter }) as unknown as GPU;

  const patience = 1000;

  test('knows SIMD by a module that is valid only with it', async () => {
    assert.equal((await probeCapabilities(undefined, { gpu: undefined, validate, patience })).wasmSimd, true);
  });

  test('names why there is no WebGPU, whatever way it fails', async () => {
    const reasons = [];
    const refuse = async (): Promise<never> => {
      throw new Error('denied');
    };
    for (const gpu of [undefined, gpuOf(async () => null), gpuOf(refuse)]) {
      const { webgpu } = await probeCapabilities(undefined, { gpu, validate, patience });
      assert.equal(webgpu.available, false);
      if (!webgpu.available) reasons.push(webgpu.reason);
    }
    assert.match(reasons.join(' | '), /no WebGPU \| .*no graphics device.* \| .*denied/);
  });

  test('measures where there is a choice, and nowhere else; a measurement that fails decides nothing', async () => {
    const info = { vendor: 'google', architecture: 'swiftshader', description: '', isFallbackAdapter: true };
    const there = gpuOf(async () => ({ info }));
    let calls = 0;
    const measure = async () => {
      calls++;
      return slower;
    };
    assert.deepEqual(await probeCapabilities(measure, { gpu: there, validate, patience }), {
      webgpu: { available: true, name: 'swiftshader, google' },
      wasmSimd: true,
      rates: slower,
    });
    await probeCapabilities(measure, { gpu: undefined, validate, patience });
    await probeCapabilities(measure, { gpu: there, validate: () => false, patience });
    assert.equal(calls, 1);
    const fails = (): Promise<never> => Promise.reject(new Error('lost'));
    assert.equal((await probeCapabilities(fails, { gpu: there, validate, patience })).rates, null);
  });

  test('a graphics card that does not answer, or not in time, counts as none', async () => {
    const hangs = (): Promise<never> => new Promise(() => undefined);
    const info = { vendor: 'maker', architecture: 'card', description: '' };
    const soon = { validate, patience: 20 };
    const silent = await probeCapabilities(async () => slower, { gpu: gpuOf(hangs), ...soon });
    const stuck = await probeCapabilities(hangs, { gpu: gpuOf(async () => ({ info })), ...soon });
    for (const capabilities of [silent, stuck]) {
      assert.deepEqual(capabilities.webgpu, {
        available: false,
        reason: 'the graphics card did not answer within 0.02 seconds',
      });
      assert.deepEqual(planLadder(capabilities, 'auto', false).rungs, ['wasm']);
    }
  });
});

const completion: ChatCompletionRequest = { messages: [{ role: 'user', content: 'x' }] };

/** A route that plays `events` and then throws, and records what it was asked. */
function route(events: readonly BackendEvent[], fails?: EngineError) {
  const asked: BackendRequest[] = [];
  const backend: Backend = {
    info: { kind: 'local', modelId: 'm', modelName: 'm', leavesDevice: false },
    async *stream(request) {
      asked.push(request);
      yield* events;
      if (fails) throw fails;
    },
    dispose: async () => undefined,
  };
  const made: Route = { backend, device: 'wasm', provenance: { backend: 'local', model: 'm' } };
  return { route: made, asked };
}

const delta = (text: string): BackendEvent => ({ type: 'delta', text, tokens: 1 });
const prefilled: BackendEvent = { type: 'prefilled', promptTokens: 10, cachedTokens: 0 };
const end = (promptTokens: number, completionTokens: number): BackendEvent => ({
  type: 'end',
  finishReason: 'stop',
  promptTokens,
  completionTokens,
});
const failing = (code: EngineErrorCode): EngineError => new EngineError(code, 'as scripted');

async function play(
  first: Route,
  next: Route | null,
  request: ChatCompletionRequest = completion,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ events: RoutedEvent[]; error: EngineError | null }> {
  const events: RoutedEvent[] = [];
  try {
    for await (const event of answer(request, { first: async () => first, next: async () => next }, signal)) {
      events.push(event);
    }
    return { events, error: null };
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    return { events, error };
  }
}

const textOf = (events: readonly RoutedEvent[]): string =>
  events.map((event) => (event.type === 'delta' ? event.text : '')).join('');

describe('answer', () => {
  test('hands its text to the next route when the device fails, and counts tokens over both', async () => {
    const broken = route([prefilled, delta('a'), delta('b')], failing('device-lost'));
    const helper = route([{ ...prefilled, promptTokens: 12 }, delta('c'), end(12, 1)]);
    const { events, error } = await play(broken.route, helper.route, { ...completion, max_tokens: 5 });
    assert.equal(error, null);
    assert.equal(textOf(events), 'abc');
    assert.equal(helper.asked[0]?.partialAnswer, 'ab');
    assert.equal(helper.asked[0]?.completion.max_tokens, 3);
    assert.deepEqual(events.at(-1), { type: 'end', finishReason: 'stop', promptTokens: 10, completionTokens: 3 });
    assert.equal(events.filter((event) => event.type === 'route').length, 2);
  });

  test('hands the tokens on with the text, until a backend does not tell them', async () => {
    const said = (text: string, ids: readonly number[]): BackendEvent => ({ type: 'delta', text, tokens: 1, ids });
    const first = route([prefilled, said('a', [1]), said('', [2])], failing('device-lost'));
    const second = route([prefilled, said('b', [3])], failing('device-lost'));
    const cloud = route([delta('c')], failing('device-lost'));
    const last = route([end(1, 0)]);
    const following = [second.route, cloud.route, last.route];
    const next = async (): Promise<Route | null> => following.shift() ?? null;
    const text = [];
    for await (const event of answer(
      completion,
      { first: async () => first.route, next },
      new AbortController().signal,
    ))
      if (event.type === 'delta') text.push(event.text);
    assert.equal(text.join(''), 'abc');
    assert.deepEqual(second.asked[0]?.partialIds, [1, 2]);
    assert.deepEqual([cloud.asked[0]?.partialAnswer, cloud.asked[0]?.partialIds], ['ab', [1, 2, 3]]);
    assert.deepEqual([last.asked[0]?.partialAnswer, last.asked[0]?.partialIds], ['abc', undefined]);
  });

  test('a request brings the beginning of its answer: it is continued, and counts', async () => {
    const first = route([prefilled, delta('c'), end(10, 1)]);
    const resume = { text: 'ab', tokenIds: [7, 8] };
    const { events } = await play(first.route, null, { ...completion, max_tokens: 5, resume });
    assert.deepEqual([first.asked[0]?.partialAnswer, first.asked[0]?.partialIds], ['ab', [7, 8]]);
    assert.equal(first.asked[0]?.completion.max_tokens, 3);
    assert.deepEqual(events.at(-1), { type: 'end', finishReason: 'stop', promptTokens: 10, completionTokens: 3 });

    const over = route([]);
    const ended = await play(over.route, null, { ...completion, max_tokens: 2, resume });
    assert.equal(over.asked.length, 0);
    assert.deepEqual(
      ended.events.map(({ type }) => type),
      ['route', 'end'],
    );
  });

  test('tries as often as somebody can continue, and not for ever', async () => {
    const { events, error } = await play(
      route([delta('a')], failing('device-lost')).route,
      route([delta('b')], failing('out-of-memory')).route,
    );
    assert.equal(error?.code, 'out-of-memory');
    assert.equal(textOf(events), 'abbbbbbb');
  });

  test('does not hand over what another device cannot help', async () => {
    for (const code of ['prompt-too-long', 'invalid-request', 'model-invalid', 'network', 'cloud-failed'] as const) {
      const helper = route([end(1, 0)]);
      const { error } = await play(route([delta('a')], failing(code)).route, helper.route);
      assert.equal(error?.code, code);
      assert.equal(helper.asked.length, 0);
    }
  });

  test('reports the first failure when nobody can continue', async () => {
    assert.equal((await play(route([], failing('device-lost')).route, null)).error?.code, 'device-lost');
  });

  test('ends with "length" when the failure came after the last token it was to make', async () => {
    const broken = route([prefilled, delta('a'), delta('b')], failing('device-lost'));
    const helper = route([end(1, 1)]);
    const { events, error } = await play(broken.route, helper.route, { ...completion, max_tokens: 2 });
    assert.equal(error, null);
    assert.equal(helper.asked.length, 0);
    assert.deepEqual(events.at(-1), { type: 'end', finishReason: 'length', promptTokens: 10, completionTokens: 2 });
  });

  test('gives the reason of the stop, not what the stop broke, and hands nothing over', async () => {
    const controller = new AbortController();
    controller.abort(failing('consent-required'));
    const helper = route([end(1, 0)]);
    const { error } = await play(route([], failing('internal')).route, helper.route, completion, controller.signal);
    assert.equal(error?.code, 'consent-required');
    assert.equal(helper.asked.length, 0);
  });

  test('a backend that ends without saying so is a defect, told as such', async () => {
    assert.equal((await play(route([delta('a')]).route, null)).error?.code, 'internal');
  });
});
