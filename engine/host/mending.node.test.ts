// A model whose device fails in mid-answer, over a scripted opener: the same device again within bounds, a graphics card
// that needs a moment, several answers at once, a kept copy that is gone, and what tabs are told of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import type { RecoveryState } from '../protocol/state.js';
import type { Backend } from '../backends/backend.js';
import type { DecoderDevice } from '../decoders/decoder.js';
import type { RunningModel } from '../routing/runner.js';
import { Catalogue } from './catalogue.js';
import { ModelSlot } from './model-slot.js';
import { Turnstile } from './turnstile.js';

const settings: EngineSettings = {
  catalogueUrl: 'https://site.example/models.json',
  defaultModel: 'one',
  device: 'auto',
  cloudUrl: null,
  cloudModel: null,
};
const never = (): AbortSignal => new AbortController().signal;
const lost = new EngineError('device-lost', 'The graphics card was lost.');

/** @param start throws what starting on this device is to fail with */
function slotOf(start: (device: DecoderDevice, opening: number) => Promise<void> | void = () => undefined) {
  const started: string[] = [];
  const told: RecoveryState[] = [];
  const seen = { openings: 0, closed: 0, now: 0 };
  const slot: ModelSlot = new ModelSlot({
    openModel: async (url) => {
      const opening = ++seen.openings;
      return {
        name: url,
        close: () => void seen.closed++,
        start: async (device): Promise<RunningModel> => {
          started.push(device);
          await start(device, opening);
          const backend: Backend = {
            info: { kind: 'local', modelId: url, modelName: url, leavesDevice: false },
            stream: () => {
              throw new Error('nobody asks here');
            },
            dispose: async () => undefined,
          };
          const facts = { deviceName: 'scripted', contextLength: 8, vocabularySize: 8, weightBytes: 8 };
          return { backend, decoder: { kind: 'onnx', device, ...facts }, kvBytes: () => 0 };
        },
      };
    },
    createCloud: () => {
      throw new Error('there is no cloud');
    },
    probe: async () => ({ webgpu: { available: true, name: 'gpu' }, wasmSimd: true, rates: null }),
    now: () => seen.now,
    pauses: [0, 1, 1],
    catalogue: new Catalogue(
      () => settings.catalogueUrl,
      async () => Response.json([{ id: 'one', name: 'one', url: 'https://site.example/one/', byteLength: 10 }]),
      () => undefined,
    ),
    turnstile: new Turnstile(),
    settings: () => settings,
    cloudAllowed: () => false,
    changed: () => {
      if (slot.recovering !== null && told.at(-1) !== slot.recovering) told.push(slot.recovering);
    },
    note: () => undefined,
  });
  /** The running model fails. @returns the device that goes on */
  const fail = async (error = lost, signal = never()): Promise<string | null> => {
    const { backend } = await slot.ensure('one', never());
    return (await slot.recover(backend, error, signal))?.device ?? null;
  };
  return { slot, started, told, seen, fail };
}

describe('A device that fails in mid-answer', () => {
  test('is taken again twice in five minutes, then the next one', async () => {
    const { slot, told, seen, fail } = slotOf();
    assert.deepEqual([await fail(), await fail(), await fail()], ['webgpu', 'webgpu', 'wasm']);
    assert.deepEqual(
      told.map(({ cause, action, attempt, attemptsAllowed }) => [cause, action, attempt, attemptsAllowed]),
      [
        ['device-lost', 'reloading', 1, 2],
        ['device-lost', 'reloading', 2, 2],
        ['device-lost', 'stepping-down', 1, 1],
      ],
    );
    assert.match(told[0]?.message ?? '', /graphics card stopped working.*goes on where it was/);
    assert.equal(slot.recovering, null);
    assert.equal(seen.openings, 1, 'the file stayed open');
    const rarely = slotOf();
    for (let day = 0; day < 5; day++) {
      assert.equal(await rarely.fail(), 'webgpu');
      rarely.seen.now += 5 * 60_000 + 1;
    }
  });

  test('gives way sooner when memory ran out, and at once when it computes nonsense', async () => {
    const { fail, told } = slotOf();
    const full = new EngineError('out-of-memory', 'full');
    assert.deepEqual([await fail(full), await fail(full)], ['webgpu', 'wasm']);
    assert.equal(told[0]?.cause, 'out-of-memory');
    assert.equal(await slotOf().fail(new EngineError('internal', 'nonsense')), 'wasm');
  });

  test('may be away for a moment, as after a crash of the GPU process', async () => {
    const again = slotOf((device) => {
      if (device === 'webgpu' && again.started.length > 1 && again.started.length < 4) {
        throw new EngineError('webgpu-unavailable', 'away');
      }
    });
    assert.equal(await again.fail(), 'webgpu');
    assert.deepEqual(again.started, ['webgpu', 'webgpu', 'webgpu', 'webgpu']);
  });

  test('is left when it does not come back', async () => {
    const { fail, started } = slotOf((device) => {
      if (device === 'webgpu' && started.length > 1) throw new EngineError('webgpu-unavailable', 'away');
    });
    assert.equal(await fail(), 'wasm');
    assert.deepEqual(started, ['webgpu', 'webgpu', 'webgpu', 'webgpu', 'wasm']);
  });

  test('is mended once for all answers that it broke', async () => {
    const { slot, started, told } = slotOf(() => new Promise((resume) => setTimeout(resume, 5)));
    const { backend } = await slot.ensure('one', never());
    const routes = await Promise.all([1, 2, 3].map(() => slot.recover(backend, lost, never())));
    assert.equal(new Set(routes.map((route) => route?.backend)).size, 1);
    assert.notEqual(routes[0]?.backend, backend);
    assert.deepEqual(started, ['webgpu', 'webgpu']);
    assert.equal((await slot.recover(backend, lost, never()))?.backend, routes[0]?.backend, 'who comes late, too');
    assert.equal(told.length, 1);
  });
});

test('a kept copy that is gone is opened anew, once, and said', async () => {
  const { fail, seen, told } = slotOf((_device, opening) => {
    if (opening === 1 && seen.now === 1) throw new EngineError('storage', 'cleared');
  });
  await fail(); // loaded, and mended without trouble
  seen.now = 1;
  assert.equal(await fail(), 'webgpu');
  assert.deepEqual([seen.openings, seen.closed], [2, 1]);
  assert.equal(told.at(-1)?.cause, 'storage-lost');
});

test('with nothing left it is told so until the next request works', async () => {
  let broken = false;
  const { slot, fail, seen } = slotOf(() => {
    if (broken) throw lost;
  });
  await slot.ensure('one', never());
  broken = true;
  await assert.rejects(fail(), { code: 'device-lost' });
  assert.deepEqual([slot.status.kind, slot.recovering?.action], ['failed', 'gave-up']);
  assert.equal(seen.closed, 1);
  broken = false;
  assert.equal((await slot.ensure('one', never())).device, 'webgpu');
  assert.deepEqual([slot.status.kind, slot.recovering], ['ready', null]);
});

test('who stops an answer that is being mended leaves nothing behind, and another may still want it', async () => {
  const { slot, fail } = slotOf(() => new Promise((resume) => setTimeout(resume, 10)));
  await slot.ensure('one', never());
  const stop = new AbortController();
  setTimeout(() => stop.abort(new EngineError('aborted', 'stopped')), 2);
  await assert.rejects(fail(lost, stop.signal), { code: 'aborted' });
  assert.deepEqual([slot.status.kind, slot.recovering], ['idle', null]);
  assert.equal((await slot.ensure('one', never())).device, 'webgpu');
});
