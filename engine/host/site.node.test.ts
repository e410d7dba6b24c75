import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import { JoinedLoads } from './joined-loads.js';
import { Site } from './site.js';

const settings = (cloudUrl: string | null = null): EngineSettings => ({
  catalogueUrl: 'https://site.example/models.json',
  defaultModel: 'default',
  device: 'auto',
  cloudUrl,
  cloudModel: null,
});

/** A store whose answers come when the test says so. */
function store(allowed: readonly string[] = []) {
  const written: [string, boolean][] = [];
  return {
    written,
    read: async (endpoint: string) => allowed.includes(endpoint),
    write: async (endpoint: string, value: boolean) => void written.push([endpoint, value]),
  };
}

const cloud = 'https://cloud.example/v1';

describe('Site', () => {
  test('the first settings hold while anyone uses them; when nobody does, the next ones do', async () => {
    const site = new Site(store());
    assert.throws(() => site.settings, { code: 'internal' });
    assert.equal(await site.adopt(settings(), false), 'first');
    assert.equal(await site.adopt(settings(cloud), true), 'kept');
    assert.equal(site.endpoint, null);
    assert.equal(await site.adopt(settings(), false), 'kept');
    assert.equal(await site.adopt(settings(cloud), false), 'replaced');
    assert.equal(site.endpoint, 'cloud.example');
  });

  test('a consent holds for its endpoint only', async () => {
    const site = new Site(store([cloud]));
    await site.adopt(settings(cloud), false);
    assert.equal(site.cloudAllowed, true);
    await site.adopt(settings('https://elsewhere.example/v1'), false);
    assert.equal(site.cloudAllowed, false);
  });

  test('the switch acts at once, even where it cannot be stored', async () => {
    const failing = {
      ...store(),
      write: async () => {
        throw new EngineError('storage', 'no room');
      },
    };
    const site = new Site(failing);
    await site.adopt(settings(cloud), false);
    const stored = site.allowCloud(true);
    assert.equal(site.cloudAllowed, true);
    await assert.rejects(stored, { code: 'storage' });
    assert.equal(site.cloudAllowed, true);
  });

  test('without an endpoint there is nothing to allow', async () => {
    const kept = store();
    const site = new Site(kept);
    await site.adopt(settings(), false);
    await assert.rejects(site.allowCloud(true), { code: 'invalid-request' });
    await site.allowCloud(false);
    assert.equal(site.cloudAllowed, false);
    assert.deepEqual(kept.written, []);
  });
});

describe('JoinedLoads', () => {
  test('does the work once for all who want the same', async () => {
    const loads = new JoinedLoads<number>();
    let done = 0;
    const work = async (): Promise<number> => ++done;
    const one = loads.join('k', new AbortController().signal, work);
    const two = loads.join('k', new AbortController().signal, work);
    assert.equal(one, two);
    assert.deepEqual(await Promise.all([one.begin(), two.begin(), two.result]), [1, 1, 1]);
    assert.notEqual(loads.join('k', new AbortController().signal, work), one);
  });

  test('breaks the work off only when the last who waited has left, and forgets it', () => {
    const loads = new JoinedLoads<number>();
    const [first, second] = [new AbortController(), new AbortController()];
    const load = loads.join('k', first.signal, async () => 1);
    loads.join('k', second.signal, async () => 1);
    first.abort();
    assert.equal(load.signal.aborted, false);
    second.abort();
    assert.equal(load.signal.aborted, true);
    assert.notEqual(
      loads.join('k', new AbortController().signal, async () => 2),
      load,
    );
  });

  test('a failure reaches everyone and is not kept for the next', async () => {
    const loads = new JoinedLoads<number>();
    const signal = new AbortController().signal;
    const load = loads.join('k', signal, async () => {
      throw new EngineError('network', 'down');
    });
    await assert.rejects(load.begin(), { code: 'network' });
    await assert.rejects(load.result, { code: 'network' });
    assert.equal(await loads.join('k', signal, async () => 5).begin(), 5);
  });
});
