// What a visitor chose, asked of a whole host over ports: it acts on loads and answers of every tab, outlives the host
// through its store, is erased with everything else; and a store that fails is told and costs nothing else.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostPage, startHost } from '../../test/support/host-page.js';
import type { BackendRequest } from '../backends/backend.js';
import { ConversationStore } from '../conversations/conversation-store.js';
import { MemoryMedium } from '../conversations/medium.js';
import { EngineError } from '../protocol/errors.js';
import type { Reply } from '../protocol/host-api.js';
import type { KeptKind } from '../protocol/kept-data.js';
import { parseReply } from '../protocol/page-messages.js';
import { allReplies } from '../protocol/rare-replies.js';
import { noPreferences, type VisitorPreferences } from '../protocol/preferences.js';
import type { EngineState } from '../protocol/state.js';
import type { PreferencesStore } from '../routing/preferences-store.js';
import type { OpenModel, RunningModel } from '../routing/runner.js';
import type { EngineParts } from './engine-host.js';
import type { KeptPlace } from './kept-data.js';

class MemoryPreferences implements PreferencesStore {
  kept: VisitorPreferences = noPreferences;
  fails = false;

  async read(): Promise<VisitorPreferences> {
    return this.kept;
  }

  async write(preferences: VisitorPreferences): Promise<void> {
    if (this.fails) throw new EngineError('storage', 'no room');
    this.kept = preferences;
  }
}

/** A model that answers "yes", records what it was asked, and waits where the prompt says "wait". */
function scripted(more: Partial<RunningModel> = {}) {
  const asked: BackendRequest['completion'][] = [];
  const opened: string[] = [];
  const devices: string[] = [];
  const openModel: OpenModel = async (url) => {
    opened.push(url);
    return {
      name: url,
      close: () => undefined,
      start: async (device) => {
        devices.push(device);
        return {
          backend: {
            info: { kind: 'local', modelId: url, modelName: url, leavesDevice: false },
            async *stream({ completion, signal }) {
              asked.push(completion);
              yield { type: 'prefilled', promptTokens: 4, cachedTokens: 3 };
              if (JSON.stringify(completion).includes('wait')) {
                await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
              }
              yield { type: 'delta', text: 'yes', tokens: 1 };
              yield { type: 'end', finishReason: 'stop', promptTokens: 4, completionTokens: 1 };
            },
            dispose: async () => undefined,
          },
          decoder: {
            kind: device,
            device,
            deviceName: 'a script',
            contextLength: 100,
            vocabularySize: 10,
            weightBytes: 1_000,
          },
          kvBytes: () => 50,
          ...more,
        };
      },
    };
  };
  return { asked, opened, devices, openModel };
}

/** A host, and its page that has said hello. */
async function begin(parts: Partial<EngineParts> = {}) {
  const { host, grant } = startHost({
    probe: async () => ({ webgpu: { available: true, name: 'gpu' }, wasmSimd: true, rates: null }),
    ...parts,
  });
  grant();
  const page = new HostPage(host);
  assert.ok((await page.hello('a')).ok);
  const end = async (): Promise<void> => {
    page.port.close();
    await host.close();
  };
  return { host, page, end };
}

const stateOf = async (page: HostPage): Promise<EngineState> => {
  const reply = parseReply(allReplies.state, await page.call('state'));
  assert.ok(reply.ok);
  return reply.value;
};

/** Asks, and waits for the end of the answer. @returns its last message */
function ask(page: HostPage, request: object): Promise<{ type: string; error?: { code: string } }> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }: MessageEvent<{ type: string; error?: { code: string } }>): void => {
      if (data.type !== 'done' && data.type !== 'error') return;
      resolve(data);
      port1.close();
    };
    void page.call('complete', { messages: [{ role: 'user', content: 'Hello' }], stream: true, ...request }, port2);
  });
}

const failed = (reply: unknown): string => {
  const { ok, error } = reply as Reply<never> & { error?: { code: string } };
  return ok ? '' : (error?.code ?? '?');
};

describe('what the visitor chose', () => {
  test('is in the state of all tabs at once and outlives the engine', async () => {
    const preferences = new MemoryPreferences();
    const first = await begin({ preferences });
    await first.page.call('setPreferences', { temperature: 0.5, device: 'wasm' });
    const other = new HostPage(first.host);
    const hello = await other.hello('b');
    assert.ok(hello.ok);
    assert.deepEqual(hello.value.state.preferences, { ...noPreferences, temperature: 0.5, device: 'wasm' });
    other.port.close();
    await first.end();
    const second = await begin({ preferences });
    assert.equal((await stateOf(second.page)).preferences.temperature, 0.5);
    await second.end();
  });

  test('holds where a load and a request say nothing, and only there', async () => {
    const model = scripted();
    const { page, end } = await begin({ openModel: model.openModel });
    await page.call('setPreferences', { device: 'wasm', maxTokens: 7, temperature: 0.25 });
    assert.equal((await ask(page, {})).type, 'done');
    assert.deepEqual(model.devices, ['wasm']);
    await ask(page, { max_tokens: 3, temperature: 1 });
    await ask(page, { max_completion_tokens: 4 });
    assert.deepEqual(
      model.asked.map(({ max_tokens, max_completion_tokens, temperature }) => [
        max_tokens ?? max_completion_tokens,
        temperature,
      ]),
      [
        [7, 0.25],
        [3, 1],
        [4, 0.25],
      ],
    );
    await page.call('load', { model: 'one', device: 'webgpu', loadId: 'l' });
    assert.deepEqual(model.devices, ['wasm', 'webgpu']);
    await end();
  });

  test('decides which model answers when nobody names one', async () => {
    const model = scripted();
    const list = [
      { id: 'one', name: 'one', url: 'https://site.example/one/', byteLength: 10 },
      { id: 'two', name: 'two', url: 'https://site.example/two/', byteLength: 10 },
    ];
    const { page, end } = await begin({ openModel: model.openModel, fetch: async () => Response.json(list) });
    await page.call('setPreferences', { model: 'two' });
    assert.equal((await ask(page, {})).type, 'done');
    assert.deepEqual(model.opened, ['https://site.example/two/']);
    await end();
  });

  test('that cannot be stored acts all the same, and says so', async () => {
    const preferences = new MemoryPreferences();
    preferences.fails = true;
    const { page, end } = await begin({ preferences });
    assert.equal(failed(await page.call('setPreferences', { maxTokens: 9 })), 'storage');
    assert.equal((await stateOf(page)).preferences.maxTokens, 9);
    await end();
  });

  test('that makes no sense is refused and changes nothing', async () => {
    const { page, end } = await begin();
    for (const bad of [null, { maxTokens: 0 }, { temperature: 3 }, { device: 'npu' }, { unknown: 1 }, { model: '' }]) {
      assert.equal(failed(await page.call('setPreferences', bad)), 'invalid-request', JSON.stringify(bad));
    }
    assert.deepEqual((await stateOf(page)).preferences, noPreferences);
    await end();
  });
});

/** A place that holds `items` until it is erased, unless it refuses. */
function place(kind: KeptKind, items: number, refuses: 'nothing' | 'to erase' | 'to be read' = 'nothing'): KeptPlace {
  let here = items;
  return {
    kind,
    look: async () => {
      if (refuses === 'to be read') throw new Error('closed');
      return { items: here, bytes: here * 100 };
    },
    erase: async () => {
      if (refuses === 'nothing') here = 0;
    },
  };
}

describe('erasing everything', () => {
  test('ends the answer that runs, frees the model, forgets the choices, and tells what is left', async () => {
    const model = scripted();
    const places = [place('models', 2), place('conversations', 3, 'to erase'), place('tuning', 1, 'to be read')];
    const { page, end } = await begin({ openModel: model.openModel, places });
    await page.call('setPreferences', { maxTokens: 9 });
    const answer = ask(page, { messages: [{ role: 'user', content: 'wait' }] });
    while (model.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const before = await stateOf(page);
    const reply = parseReply(allReplies.eraseAll, await page.call('eraseAll'));
    assert.ok(reply.ok);
    assert.deepEqual(reply.value.erased, ['models']);
    assert.deepEqual(
      reply.value.left.map(({ kind, error }) => [kind, error.code]),
      [
        ['conversations', 'storage'],
        ['tuning', 'internal'],
      ],
    );
    assert.equal((await answer).error?.code, 'aborted');
    const state = await stateOf(page);
    assert.equal(state.status.kind, 'idle');
    assert.deepEqual(state.preferences, noPreferences);
    assert.ok(state.changes.storage > before.changes.storage);
    assert.ok(state.changes.conversations > before.changes.conversations);
    assert.equal((await ask(page, {})).type, 'done', 'the next request works');
    await end();
  });

  test('what a page wrote before it heard of it is not kept, what it says afterwards is', async () => {
    const store = new ConversationStore(new MemoryMedium());
    const places = [
      { ...place('conversations', 0), erase: () => store.clear(), look: async () => ({ items: 0, bytes: 0 }) },
    ];
    const { page, end } = await begin({ places, conversations: async () => store });
    const said = { id: 'q', parent: null, created: 1, message: { role: 'user', content: 'A secret.' } };
    const conversation = { id: 'one', title: '', created: 1, updated: 1, nodes: [said], leaf: 'q' };
    const write = async (erased: number) => {
      const reply = parseReply(
        allReplies.writeConversation,
        await page.call('writeConversation', { conversation, erased }),
      );
      return reply.ok ? reply.value.id : reply.error.code;
    };
    const { erased } = (await stateOf(page)).changes;
    assert.equal(await write(erased), 'one');
    await page.call('eraseAll');
    assert.equal(await write(erased), 'aborted');
    assert.equal((await store.list()).total, 0);
    assert.equal(await write((await stateOf(page)).changes.erased), 'one');
    await end();
  });

  test('what is kept is told by kind, also where a place cannot be read', async () => {
    const places = [place('models', 2), place('tuning', 1, 'to be read')];
    const { page, end } = await begin({ places, estimate: async () => ({ usage: 5, quota: 50 }) });
    const reply = parseReply(allReplies.kept, await page.call('kept'));
    assert.deepEqual(reply.ok && reply.value, {
      parts: [{ kind: 'models', items: 2, bytes: 200 }],
      unreadable: ['tuning'],
      usage: 5,
      quota: 50,
    });
    await end();
  });
});

test('the state counts what changed on the device: a load that ended, a model deleted', async () => {
  const model = scripted();
  const kept = {
    report: async () => ({ kind: 'memory' as const, usage: null, quota: null, models: [] }),
    delete: async () => true,
  };
  const { page, end } = await begin({ openModel: model.openModel, kept });
  const before = (await stateOf(page)).changes.storage;
  await page.call('load', { model: 'one', loadId: 'l' });
  const loaded = (await stateOf(page)).changes.storage;
  assert.ok(loaded > before);
  await page.call('deleteModel', 'https://elsewhere.example/');
  assert.ok((await stateOf(page)).changes.storage > loaded);
  await end();
});

test('figures: what the graphics card holds, what was found in the cache', async () => {
  const model = scripted();
  const { page, end } = await begin({ openModel: model.openModel });
  await ask(page, {});
  const { metrics } = await stateOf(page);
  assert.equal(metrics.gpuBytes, 1_050);
  assert.equal(metrics.kvHotBytes, 50);
  assert.deepEqual([metrics.totalPromptTokens, metrics.cachedPromptTokens], [4, 3]);
  assert.ok(metrics.energyJoules !== null);
  await end();
});

describe('the profile', () => {
  const kernels = [{ label: 'matvec', dispatches: 3, milliseconds: 0.5 }];

  test('says why there is none', async () => {
    const { page, end } = await begin({ openModel: scripted().openModel });
    const report = async (running?: boolean) => {
      const reply = parseReply(allReplies.profile, await page.call('profile', running));
      return reply.ok && reply.value;
    };
    assert.deepEqual(await report(), { kind: 'none', reason: 'no-model' });
    await page.call('load', { model: 'one', loadId: 'l' });
    assert.deepEqual(await report(true), { kind: 'none', reason: 'decoder' });
    await end();
  });

  test('is begun, told and ended', async () => {
    const switched: boolean[] = [];
    const profiler = {
      profile: (on: boolean) => switched.push(on) > 0,
      kernelTimes: async () => kernels,
    };
    const { page, end } = await begin({ openModel: scripted({ profiler }).openModel });
    await page.call('load', { model: 'one', loadId: 'l' });
    const report = async (running?: boolean) => {
      const reply = parseReply(allReplies.profile, await page.call('profile', running));
      return reply.ok && reply.value;
    };
    assert.deepEqual(await report(true), { kind: 'kernels', running: true, kernels });
    assert.deepEqual(await report(), { kind: 'kernels', running: true, kernels });
    assert.deepEqual(await report(false), { kind: 'kernels', running: false, kernels });
    assert.deepEqual(switched, [true, false]);
    assert.equal(failed(await page.call('profile', 'yes')), 'invalid-request');
    await end();
  });
});
