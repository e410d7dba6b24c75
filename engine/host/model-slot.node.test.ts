// The one loaded model over a scripted opener: what the switch for the cloud decides while a load takes its time, and
// what becomes of a model that cannot be freed. Joined loads and the ladder as tabs see them:
// engine/client/engine.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import type { Backend } from '../backends/backend.js';
import type { DecoderDevice } from '../decoders/decoder.js';
import { KitFileError } from '../decoders/kit-file.js';
import type { OpenOptions, RunningModel } from '../routing/runner.js';
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
const listings = ['one', 'two', 'three'].map((id) => ({
  id,
  name: id,
  url: `https://site.example/${id}/`,
  byteLength: 10,
}));
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
  readonly signedBy?: string;
  /** What is downloaded before a model takes another one's place. */
  readonly download?: (options: OpenOptions) => Promise<void>;
  readonly site?: Partial<EngineSettings>;
}

function slotOf({ start, dispose, probe, signedBy, download, site: own }: Script) {
  const site = { cloudAllowed: true };
  const notes: string[] = [];
  const closed: string[] = [];
  const opened: OpenOptions[] = [];
  const turnstile = new Turnstile();
  const slot = new ModelSlot({
    openModel: async (url, options) => ({
      name: (opened.push(options), url),
      signedBy: signedBy ?? null,
      ...(download === undefined ? {} : { downloaded: () => download(options) }),
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
    turnstile,
    settings: () => ({ ...settings, ...own }),
    cloudAllowed: () => site.cloudAllowed,
    changed: () => undefined,
    note: (text) => void notes.push(text),
  });
  return { slot, site, notes, closed, opened, turnstile };
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

describe('ModelSlot and what a tab demands of models', () => {
  const [ours, theirs] = ['a'.repeat(64), 'b'.repeat(64)];
  const pins = (...trustedKeys: string[]) => ({ trustedKeys, maxDownload: null });
  const refused = { code: 'model-invalid' };

  test('a model that another tab loaded unsigned, or signed by a stranger, never answers a tab that pins keys', async () => {
    for (const signedBy of [undefined, theirs]) {
      const { slot } = slotOf(signedBy === undefined ? {} : { signedBy });
      await slot.load('one', 'auto', never());
      await slot.ensure('one', never());
      await assert.rejects(slot.ensure('one', never(), pins(ours)), refused);
      await assert.rejects(slot.ensure(undefined, never(), pins(ours)), refused);
      await assert.rejects(slot.load('one', 'auto', never(), { rules: pins(ours) }), refused);
      await slot.ensure('one', never()); // the others are none the worse for it
    }
  });

  test('one that is signed by its key does, whoever loaded it', async () => {
    const { slot, opened } = slotOf({ signedBy: ours });
    await slot.load('one', 'auto', never());
    await slot.ensure('one', never(), pins(theirs, ours));
    assert.deepEqual(opened[0]?.trustedKeys, []);
    await slot.load('two', 'auto', never(), { rules: { trustedKeys: [ours], maxDownload: 7 } });
    assert.deepEqual([opened[1]?.trustedKeys, opened[1]?.maxDownload], [[ours], 7]);
  });

  test('the rules of the site hold besides: the smaller download, and keys that both trust', async () => {
    const { slot, opened } = slotOf({ signedBy: ours, site: { trustedKeys: [ours, theirs], maxDownload: 5 } });
    await slot.load('one', 'auto', never(), { rules: { trustedKeys: [ours], maxDownload: 7 } });
    assert.deepEqual([opened[0]?.trustedKeys, opened[0]?.maxDownload], [[ours], 5]);
    await assert.rejects(slot.load('two', 'auto', never(), { rules: pins('c'.repeat(64)) }), refused);
  });
});

describe('ModelSlot and a download beside a model that answers', () => {
  const wait = (): Promise<void> => new Promise((resume) => setTimeout(resume, 10));

  test('answers of the loaded model go on while the next one is downloaded, or its download is paused', async () => {
    let finish: (() => void) | null = null;
    let paused = false;
    const { slot, turnstile } = slotOf({
      download: ({ control }) => {
        control.subscribe(() => (paused = control.paused));
        return new Promise((resolve) => (finish = resolve));
      },
    });
    await slot.load('one', 'auto', never());
    const next = slot.load('two', 'auto', never());
    while (finish === null) await wait();
    slot.pause(true);
    assert.ok(paused);
    assert.equal(slot.status.kind === 'loading' && slot.status.phase, 'paused');
    const share = await turnstile.share(AbortSignal.timeout(1_000));
    assert.equal((await slot.ensure('one', never())).provenance.model, 'one');
    assert.equal(slot.status.kind === 'loading' && slot.status.phase, 'paused', 'it can still be seen and resumed');
    share.leave();
    slot.pause(false);
    assert.ok(!paused);
    (finish as () => void)();
    assert.equal((await next).id, 'two');
    assert.equal(slot.status.kind === 'ready' && slot.status.model.id, 'two');
  });

  test('an answer that wants the model now does not wait for the download to end first', async () => {
    const { slot } = slotOf({ download: () => new Promise(() => undefined) });
    await slot.load('one', 'auto', never());
    const next = slot.load('two', 'auto', never());
    await wait();
    assert.equal((await slot.ensure('two', never())).provenance.model, 'two');
    assert.equal((await next).id, 'two');
  });

  test('two tabs that choose different models: both are downloaded, paused and closed, and the last one answers', async () => {
    const finish = new Map<string, () => void>();
    const { slot, opened, closed } = slotOf({
      download: ({ onProgress }) => {
        onProgress({ loadedBytes: opened.length, totalBytes: 100 });
        return new Promise((resolve) => finish.set(`${opened.length}`, resolve));
      },
    });
    const shown = () => (slot.status.kind === 'loading' ? [slot.status.modelId, slot.status.phase] : slot.status.kind);
    await slot.load('one', 'auto', never());
    const two = slot.load('two', 'auto', never());
    while (finish.size < 1) await wait();
    const three = slot.load('three', 'auto', never());
    while (finish.size < 2) await wait();
    assert.deepEqual(shown(), ['three', 'downloading']);
    slot.pause(true);
    assert.deepEqual([opened[1]?.control.paused, opened[2]?.control.paused], [true, true]);
    slot.pause(false);
    finish.get('3')?.();
    assert.equal((await three).id, 'three');
    assert.deepEqual(shown(), ['two', 'downloading'], 'the other one is still to be seen');
    assert.equal((await slot.ensure('three', never())).provenance.model, 'three');
    finish.get('2')?.();
    assert.equal((await two).id, 'two');
    await slot.unload();
    assert.equal(slot.status.kind, 'idle');
    const urls = ['one', 'three', 'two'].map((id) => `https://site.example/${id}/`);
    assert.deepEqual([opened.length, closed], [3, urls], 'each was opened once, and closed');
  });

  test('deleting one that is being downloaded stops that download only', async () => {
    const { slot, opened, closed } = slotOf({ download: () => new Promise(() => undefined) });
    await slot.load('one', 'auto', never());
    const two = slot.load('two', 'auto', never());
    const three = slot.load('three', 'auto', never());
    while (opened.length < 3) await wait();
    await slot.release('https://site.example/two/manifest.json');
    await assert.rejects(two, { code: 'aborted' });
    await wait();
    assert.deepEqual([slot.status.kind === 'loading' && slot.status.modelId, closed.length], ['three', 1]);
    slot.stop();
    await assert.rejects(three, { code: 'aborted' });
  });

  test('a download that fails, or is stopped, leaves the loaded model where it was', async () => {
    const broken = new EngineError('network', 'The line is dead.');
    const { slot } = slotOf({ download: () => Promise.reject(broken) });
    await slot.load('one', 'auto', never());
    await assert.rejects(slot.load('two', 'auto', never()), { code: 'network' });
    assert.equal(slot.status.kind === 'ready' && slot.status.model.id, 'one', 'as all tabs see it');
    assert.equal((await slot.ensure('one', never())).provenance.model, 'one');

    const other = slotOf({ download: () => new Promise(() => undefined) });
    await other.slot.load('one', 'auto', never());
    const next = other.slot.load('two', 'auto', never());
    await wait();
    other.slot.stop();
    await assert.rejects(next, { code: 'aborted' });
    await wait();
    assert.equal(other.slot.status.kind === 'ready' && other.slot.status.model.id, 'one');
  });
});

test('a pause before the model is opened is obeyed when it is', async () => {
  let go: () => void = () => undefined;
  const { slot, opened } = slotOf({ probe: () => new Promise((resolve) => (go = resolve)) });
  const load = slot.load('one', 'auto', never());
  while (slot.status.kind !== 'loading') await new Promise((resume) => setTimeout(resume, 1));
  slot.pause(true);
  go();
  await load;
  assert.equal(opened[0]?.control.paused, true);
  assert.equal(slot.status.kind, 'ready');
});

test('a file of the kit that is missing costs the device that needs it; the network of the model ends the load', async () => {
  const fails = (error: EngineError) => (device: DecoderDevice) => {
    if (device === 'webgpu') throw error;
  };
  const hint = 'Serve it.';
  const missing = slotOf({ start: fails(new KitFileError('The kernel file x could not be fetched.', { hint })) });
  assert.equal((await missing.slot.load('one', 'auto', never())).device, 'wasm');
  assert.match(missing.notes.join(), /kernel file x/);
  const away = slotOf({ start: fails(new EngineError('network', 'The line is dead.', { hint })) });
  await assert.rejects(away.slot.load('one', 'auto', never()), { code: 'network' });
});
