// The parts of the elements that need no DOM: sentences for the voice, numbers, the store.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ScriptedEngine } from '../../test/support/scripted-engine.js';
import { EngineError } from '../../engine/protocol/errors.js';
import { EngineStore } from './engine-store.js';
import { formatBytes, formatNumber } from './format.js';
import { formatDuration, formatParameters, formatRate } from './more-formats.js';
import { MarkdownStream } from './markdown/stream.js';
import { SentenceReader } from './sentences.js';

describe('sentences for a screen reader', () => {
  it('gives each finished sentence once and holds back the newest', () => {
    const reader = new SentenceReader('Code');
    const stream = new MarkdownStream();
    const heard: string[] = [];
    const text = 'First one. Second **one** here. Third\n\n```js\nlet x;\n```\n\nLast.';
    for (let end = 1; end <= text.length; end++) {
      stream.update(text.slice(0, end));
      const said = reader.next(stream.blocks, false);
      if (said !== '') heard.push(said);
    }
    heard.push(reader.next(stream.blocks, true));
    assert.deepEqual(heard, ['First one.', 'Second one here.', 'Third', 'Code', 'Last.']);
    assert.equal(reader.next(stream.blocks, true), '');
  });

  it('reads a long list by its items, each once, and takes apart only what is new', () => {
    const reader = new SentenceReader('Code');
    const stream = new MarkdownStream();
    const heard: string[] = [];
    const text = '- One. Two.\n- Three\n  - four\n\n| a | b |\n|--|--|\n| c | d |\n\n> Five. Six';
    for (let end = 1; end <= text.length; end++) {
      stream.update(text.slice(0, end), end < text.length);
      const said = reader.next(stream.blocks, end === text.length);
      if (said !== '') heard.push(said);
    }
    assert.deepEqual(heard, ['One.', 'Two.', 'Three', 'four', 'a, b', 'c, d', 'Five.', 'Six']);
  });
});

describe('numbers as people read them', () => {
  it('formats bytes, durations, rates and parameters', () => {
    assert.deepEqual([0, 999, 1_000, 3_900_000, 99_960_000, 2.5e12].map(formatBytes), [
      '0 bytes',
      '999 bytes',
      '1 kB',
      '3.9 MB',
      '100 MB',
      '2.5 TB',
    ]);
    assert.deepEqual([180.4, 999.4, 1_000, 12_345].map(formatDuration), ['180 ms', '999 ms', '1 s', '12.3 s']);
    assert.equal(formatRate(42.26), '42.3 tok/s');
    assert.equal(formatRate(142.26), '142 tok/s');
    assert.equal(formatParameters(5_400_000), '5.4 million');
    assert.equal(formatNumber(12_345), '12,345');
  });
});

describe('the engine store', () => {
  it('connects once for many, tells a failure as state, and tries again', async () => {
    let tries = 0;
    const store = new EngineStore(() => {
      tries += 1;
      return tries === 1
        ? Promise.reject(new EngineError('engine-lost', 'No worker.'))
        : Promise.resolve(new ScriptedEngine());
    });
    const seen: string[] = [];
    store.subscribe(() => seen.push(store.connection.kind));
    await Promise.all([
      assert.rejects(store.connect(), { code: 'engine-lost' }),
      assert.rejects(store.connect(), { code: 'engine-lost' }),
    ]);
    assert.equal(tries, 1);
    await store.connect();
    assert.equal(tries, 2);
    assert.deepEqual(seen, ['connecting', 'failed', 'connecting', 'connected']);
  });

  it('loads the default, and gives up when cancelled or when another is asked for', async () => {
    const engine = new ScriptedEngine({ loadTime: 500 });
    const store = new EngineStore(() => Promise.resolve(engine));
    const first = store.load();
    await sleep(50);
    assert.equal(store.loading, true);
    const second = store.load('larger');
    const outcomes = Promise.all([
      assert.rejects(first, { code: 'aborted' }),
      assert.rejects(second, { code: 'aborted' }),
    ]);
    await sleep(50);
    store.cancelLoad();
    await outcomes;
    assert.deepEqual(engine.loads, ['default', 'larger']);
    assert.equal(store.loading, false);
  });

  it('is held by the engine only while somebody listens, and misses nothing', async () => {
    let held = 0;
    class CountingEngine extends ScriptedEngine {
      override subscribe(listener: Parameters<ScriptedEngine['subscribe']>[0]): () => void {
        held += 1;
        const end = super.subscribe(listener);
        return () => {
          held -= 1;
          end();
        };
      }
    }
    const engine = new CountingEngine();
    const store = new EngineStore(() => Promise.resolve(engine));
    const leave = store.subscribe(() => undefined);
    await store.connect();
    const leaveToo = store.subscribe(() => undefined);
    leave();
    assert.equal(held, 1);
    leaveToo();
    assert.equal(held, 0);
    engine.update({ tabs: 5 });
    store.subscribe(() => undefined);
    assert.equal(held, 1);
    assert.equal(store.state?.tabs, 5);
  });

  it('hears nothing after it was closed', async () => {
    const engine = new ScriptedEngine();
    const store = new EngineStore(() => Promise.resolve(engine));
    await store.connect();
    let heard = 0;
    store.subscribe(() => heard++);
    store.close();
    engine.update({ tabs: 5 });
    assert.equal(heard, 0);
  });
});

describe('on a server', () => {
  it('every module can be imported', async () => {
    await import('../define/all.js');
    const { LlmChat } = await import('../index.js');
    assert.equal(typeof LlmChat, 'function');
  });
});
