// The one loaded model over a scripted opener: what the switch for the cloud decides while a load takes its time, and
// what becomes of a model that cannot be freed. Joined loads and the ladder as tabs see them:
// engine/client/engine.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
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
  cloudUrl: 'https://cloud.example/v1',
  cloudModel: null,
};
const listings = ['one', 'two'].map((id) => ({ id, name: id, url: `https://site.example/${id}/`, byteLength: 10 }));
const never = (): AbortSignal => new AbortController().signal;

const backendOf = (kind: 'local' | 'cloud', dispose: () => Promise<void> = async () => undefined): Backend => ({
  info: { kind, modelId: kind, modelName: kind, leavesDevice: kind === 'cloud' },
  stream: () => {
    throw new Error('nobody asks here');
  },
  dispose,
});

interface Script {
  readonly start?: (device: DecoderDevice) => Promise<void> | void;
  readonly dispose?: (device: DecoderDevice) => Promise<void>;
  readonly probe?: () => Promise<void>;
}

function slotOf({ start, dispose, probe }: Script) {
  const site = { cloudAllowed: true };
  const notes: string[] = [];
  const closed: string[] = [];
  const slot = new ModelSlot({
    openModel: async (url) => ({
      name: url,
      close: () => void closed.push(url),
      start: async (device): Promise<RunningModel> => {
        await start?.(device);
        return {
          backend: backendOf('local', () => dispose?.(device) ?? Promise.resolve()),
          decoder: {
            kind: 'onnx',
            device,
            deviceName: 'scripted',
            contextLength: 8,
            vocabularySize: 8,
            weightBytes: 8,
          },
          kvBytes: () => 0,
        };
      },
    }),
    createCloud: () => backendOf('cloud'),
    probe: async () => {
      await probe?.();
      return { webgpu: { available: true, name: 'gpu' }, wasmSimd: true, rates: null };
    },
    now: () => 0,
    pauses: [0, 1, 1],
    catalogue: new Catalogue(
      () => settings.catalogueUrl,
      async () => Response.json(listings),
      () => undefined,
    ),
    turnstile: new Turnstile(),
    settings: () => settings,
    cloudAllowed: () => site.cloudAllowed,
    changed: () => undefined,
    note: (text) => void notes.push(text),
  });
  return { slot, site, notes, closed };
}

const lost = (): never => {
  throw new EngineError('device-lost', 'The device is gone.');
};

describe('ModelSlot and the switch for the cloud', () => {
  test('a load that ends on the cloud is refused when the switch went off meanwhile', async () => {
    const { slot, site } = slotOf({
      start: (device) => {
        if (device === 'wasm') site.cloudAllowed = false; // the visitor, while the last device is tried
        lost();
      },
    });
    await assert.rejects(slot.load('one', 'auto', never()), { code: 'device-lost' });
    assert.equal(slot.status.kind, 'failed');
  });

  test('the same in mid-answer', async () => {
    let breaks = false;
    const { slot, site } = slotOf({
      start: () => {
        if (!breaks) return;
        site.cloudAllowed = false;
        lost();
      },
    });
    await slot.load('one', 'auto', never());
    breaks = true;
    const { backend } = await slot.ensure('one', never());
    await assert.rejects(slot.recover(backend, new EngineError('device-lost', 'gone'), never()), {
      code: 'device-lost',
    });
    assert.equal(slot.status.kind, 'failed');
  });

  test('the cloud asked for by name waits for its turn, and is refused when the switch is off by then', async () => {
    const { slot, site } = slotOf({});
    const load = slot.load('cloud', 'auto', never());
    site.cloudAllowed = false;
    await assert.rejects(load, { code: 'consent-required' });
  });

  test('with the switch on, the cloud is the last rung', async () => {
    const { slot } = slotOf({ start: lost });
    assert.equal((await slot.load('one', 'auto', never())).device, 'cloud');
  });
});

describe('ModelSlot and a model that cannot be freed', () => {
  const broken = () => Promise.reject(new Error('the session is already released'));

  test('the next device takes over all the same, and a note says it', async () => {
    const { slot, notes } = slotOf({ dispose: (device) => (device === 'webgpu' ? broken() : Promise.resolve()) });
    await slot.load('one', 'auto', never());
    const { backend } = await slot.ensure('one', never());
    const route = await slot.recover(backend, new EngineError('internal', 'gone'), never());
    assert.equal(route?.provenance.backend, 'local');
    assert.equal(slot.status.kind === 'ready' && slot.status.model.device, 'wasm');
    assert.match(notes.join(), /already released/);
  });

  test('another model is loaded, and unloading ends idle', async () => {
    const { slot, closed } = slotOf({ dispose: broken });
    await slot.load('one', 'auto', never());
    assert.equal((await slot.load('two', 'auto', never())).id, 'two');
    assert.deepEqual(closed, ['https://site.example/one/']);
    await slot.unload();
    assert.equal(slot.status.kind, 'idle');
    assert.deepEqual(closed, ['https://site.example/one/', 'https://site.example/two/']);
  });
});

test('a device that is being looked at for ever holds up nobody but those who want to wait', async () => {
  let hangs = true;
  const { slot } = slotOf({ probe: () => (hangs ? new Promise(() => undefined) : Promise.resolve()) });
  const controller = new AbortController();
  const load = slot.load('one', 'auto', controller.signal);
  setTimeout(() => controller.abort(new EngineError('aborted', 'The visitor went on.')), 5);
  await assert.rejects(load, { code: 'aborted' });
  hangs = false;
  assert.equal((await slot.load('two', 'auto', AbortSignal.timeout(1000))).id, 'two');
});

describe('ModelSlot and a model that is deleted', () => {
  const pack = 'https://other.example/pack';
  for (const [url, source] of [
    [pack, `${pack}/manifest.json`],
    [`${pack}/`, `${pack}/manifest.json`],
    [`${pack}/manifest.json`, `${pack}/manifest.json`],
    [`${pack}.gguf`, `${pack}.gguf`],
    [pack, `${pack}/`],
    ['https://huggingface.co/owner/name', 'https://huggingface.co/owner/name/resolve/main/'],
    ['one', 'https://site.example/one/manifest.json'],
  ] as const) {
    test(`${url} is let go of when ${source} is deleted, loading or loaded`, async () => {
      const { slot, closed } = slotOf({ start: () => (slot.loads > 1 ? new Promise(() => undefined) : undefined) });
      await slot.load(url, 'auto', never());
      await slot.release('https://other.example/another.gguf');
      assert.equal(slot.status.kind, 'ready');
      await slot.release(source);
      assert.equal(slot.status.kind, 'idle');
      assert.equal(closed.length, 1);
      const loading = slot.load(url, 'auto', never());
      while (slot.loads < 2) await new Promise((resume) => setTimeout(resume, 1));
      await slot.release(source);
      await assert.rejects(loading, { code: 'aborted' });
    });
  }
});
