// Everything that computes may die: the engine's worker, the tab that started it, the GPU process, the device itself. The
// answer under way goes on from its tokens and is, word for word, what it would have been; nothing kept is lost; the next
// request works. Storage and network: faults-storage.e2e.ts, faults-network.e2e.ts. The table: docs/faults.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdAnswers, SharedEngine, tabEngine, trackDevices } from './engine-worker.js';
import { begin, kept, longAnswer, outcome, undisturbed } from './faults-support.js';
import { answer, clientPage, stateOf, until, withKit } from './support.js';

test('the engine dies in mid-answer, greedy and sampled: word for word the answer that it would have been', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const watching = await clientPage(kit);
    for (const request of [longAnswer(800), { ...longAnswer(800), temperature: 0.9, top_p: 0.95, seed: 7 }]) {
      const whole = await undisturbed(page, request);
      const before = await kept(page);
      const { hostId } = await stateOf(page);
      const engine = await SharedEngine.of(kit);
      const hold = await holdAnswers(engine, 20);
      await begin(page, request);
      await hold.held();
      await engine.kill();
      const { text, code, told } = await outcome(page);
      assert.equal(code, null, 'the reader sees no error');
      assert.equal(text, whole);
      assert.deepEqual([told[0]?.cause, told[0]?.action], ['engine-lost', 'reloading']);
      assert.match(told[0]?.message ?? '', /The engine stopped/);
      await until(
        watching,
        (state) => state.hostId !== hostId && state.recovering === null,
        'it is mended in every tab',
      );
      assert.deepEqual(await kept(page), before);
    }
    assert.notEqual((await answer(watching, 'Hello')).trim(), '');
  });
});

test('an answer held to stop strings and tools holds to them across the death of its engine', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const whole = await undisturbed(page, longAnswer(800));
    const words = whole.split(' ');
    // A pair of words near the answer's end, and nowhere before: it must not be over when the engine is ended.
    const at = words.findLastIndex(
      (word, index) => index < words.length - 5 && whole.split(`${word} ${words[index + 1]}`).length === 2,
    );
    assert.ok(at > words.length / 2, whole);
    const stop = `${words[at]} ${words[at + 1]}`;
    const engine = await SharedEngine.of(kit);
    const hold = await holdAnswers(engine, 20);
    await begin(page, { ...longAnswer(800), stop });
    await hold.held();
    await engine.kill();
    const { text, code, told } = await outcome(page);
    assert.equal(told.length > 0, true, 'it was not over before');
    assert.equal(code, null);
    assert.equal(text, whole.slice(0, whole.indexOf(stop)));
  });
});

test('the tab that started the engine crashes and takes it along: another tab’s answer goes on', async () => {
  await withKit({}, async (kit) => {
    const starter = await clientPage(kit);
    const page = await clientPage(kit);
    const whole = await undisturbed(page, longAnswer(800));
    const session = await kit.context.newCDPSession(starter);
    const hold = await holdAnswers(await SharedEngine.of(kit), 20);
    await begin(page, longAnswer(800));
    await hold.held();
    const gone = new Promise((done) => starter.once('crash', done));
    void session.send('Page.crash').catch(() => undefined); // the reply dies with the page
    await gone;
    hold.letGo().catch(() => undefined); // if it lives in another process after all; a dead one does not answer
    const { text, code } = await outcome(page);
    assert.equal(code, null);
    assert.equal(text, whole);
    await until(page, ({ tabs, recovering }) => tabs === 1 && recovering === null, 'the crashed tab is gone');
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
  });
});

test('the GPU process crashes under two answers: the model is loaded once more on WebGPU, and both go on', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit, { device: 'webgpu' });
    const other = await clientPage(kit, { device: 'webgpu' });
    const engine = await SharedEngine.of(kit);
    const devices = await trackDevices(engine);
    const hold = await holdAnswers(engine, Infinity);
    await page.evaluate(() => window.engine.load('default'));
    const session = await kit.browser.newBrowserCDPSession();
    const { hostId } = await stateOf(page);
    await hold.letGo({ until: 12 });
    await Promise.all([page, other].map((tab) => begin(tab, longAnswer(40))));
    await hold.held();
    await until(page, ({ generating }) => generating.length === 2, 'both are answered');
    await session.send('Browser.crashGpuProcess');
    await devices.lost();
    await hold.letGo();
    const { text, code, told } = await outcome(page);
    assert.equal(code, null);
    assert.deepEqual(
      told.map(({ cause, action }) => [cause, action]),
      [['device-lost', 'reloading']],
    );
    const { text: beside, code: also } = await outcome(other);
    assert.deepEqual([beside, also], [text, null]);
    const after = await until(page, ({ status }) => status.kind === 'ready', 'it is loaded again');
    assert.equal(after.hostId, hostId, 'the engine itself lived on');
    assert.equal(after.status.kind === 'ready' && after.status.model.device, 'webgpu');
    assert.notEqual((await answer(page, 'Hello', { max_tokens: 8 })).trim(), '');
    assert.equal(text, await undisturbed(page, longAnswer(40)), 'word for word');
  });
});

test('a device that is lost again and again is given up in words, and the next request works', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit, { device: 'auto', host: 'tab' });
    const engine = tabEngine(page);
    const devices = await trackDevices(engine);
    const hold = await holdAnswers(engine, Infinity);
    await page.evaluate(async () => void (await window.engine.load('default', { device: 'webgpu' })));
    const before = await kept(page);
    await hold.letGo({ until: 6 });
    await begin(page, longAnswer(400));
    for (let losses = 1; losses <= 3; losses++) {
      await hold.held();
      await devices.lose();
      // On the next device, since what the last one had computed is a few tokens at most.
      await hold.letGo(losses < 3 ? { until: 16 } : {});
    }
    const { text, code, told } = await outcome(page);
    // This load was for WebGPU and nothing else: there is no next rung (host/mending.node.test.ts has the ladder).
    assert.equal(code, 'device-lost');
    assert.deepEqual(
      told.filter(({ action }) => action !== 'gave-up').map(({ action, attempt }) => [action, attempt]),
      [
        ['reloading', 1],
        ['reloading', 2],
      ],
    );
    const lost = await until(page, ({ recovering }) => recovering?.action === 'gave-up', 'every tab is told');
    assert.match(lost.recovering?.message ?? '', /The next request tries anew/);
    assert.ok(text.length > 20, 'what came stands');
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    await until(page, ({ recovering }) => recovering === null, 'nothing is mended any more');
    assert.deepEqual(await kept(page), before);
  });
});
