// Everything that computes may die: the engine's worker, the tab that started it, the GPU process, the device itself. The
// answer under way goes on from its tokens and is, word for word, what it would have been; nothing kept is lost; the next
// request works. Storage and network: faults-storage.e2e.ts, faults-network.e2e.ts. The table: docs/faults.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { begin, engineKiller, kept, longAnswer, outcome, reach, undisturbed } from './faults-support.js';
import { answer, clientPage, stateOf, until, withKit } from './support.js';

test('the engine dies in mid-answer, greedy and sampled: word for word the answer that it would have been', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const watching = await clientPage(kit);
    for (const request of [longAnswer(800), { ...longAnswer(800), temperature: 0.9, top_p: 0.95, seed: 7 }]) {
      const whole = await undisturbed(page, request);
      const before = await kept(page);
      const { hostId } = await stateOf(page);
      const kill = await engineKiller(kit);
      await begin(page, request);
      await reach(page, 20);
      await kill();
      const { text, code, told } = await outcome(page);
      assert.equal(code, null, 'the reader sees no error');
      assert.equal(text, whole);
      assert.deepEqual([told[0]?.cause, told[0]?.action], ['engine-lost', 'reloading']);
      assert.match(told[0]?.message ?? '', /The engine stopped/);
      const after = await until(watching, ({ recovering }) => recovering === null, 'it is mended in every tab');
      assert.notEqual(after.hostId, hostId);
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
    const kill = await engineKiller(kit);
    await begin(page, { ...longAnswer(800), stop });
    await reach(page, 20);
    await kill();
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
    await begin(page, longAnswer(800));
    await reach(page, 20);
    void session.send('Page.crash').catch(() => undefined); // the reply dies with the page
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
    await page.evaluate(() => window.engine.load('default'));
    const session = await kit.browser.newBrowserCDPSession();
    const { hostId } = await stateOf(page);
    await Promise.all([page, other].map((tab) => begin(tab, longAnswer(40))));
    await Promise.all([page, other].map((tab) => reach(tab, 6)));
    await session.send('Browser.crashGpuProcess');
    const { text, code, told } = await outcome(page);
    assert.equal(code, null);
    assert.deepEqual(
      told.map(({ cause, action }) => [cause, action]),
      [['device-lost', 'reloading']],
    );
    const { text: beside, code: also } = await outcome(other);
    assert.deepEqual([beside, also], [text, null]);
    const after = await stateOf(page);
    assert.equal(after.hostId, hostId, 'the engine itself lived on');
    assert.equal(after.status.kind === 'ready' && after.status.model.device, 'webgpu');
    assert.notEqual((await answer(page, 'Hello', { max_tokens: 8 })).trim(), '');
    assert.equal(text, await undisturbed(page, longAnswer(40)), 'word for word');
  });
});

test('a device that is lost again and again is given up in words, and the next request works', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit, { device: 'auto', host: 'tab' });
    const [worker] = page.workers();
    assert.ok(worker, 'the engine runs in a worker of this tab');
    // As text, because a function that is sent must not have functions with names in it.
    await worker.evaluate(`{
      const devices = [];
      const { requestDevice } = GPUAdapter.prototype;
      GPUAdapter.prototype.requestDevice = async function (...wanted) {
        devices.push(await requestDevice.apply(this, wanted));
        return devices.at(-1);
      };
      globalThis.loseDevices = () => devices.splice(0).forEach((device) => device.destroy());
    }`);
    await page.evaluate(async () => void (await window.engine.load('default', { device: 'webgpu' })));
    const before = await kept(page);
    await begin(page, longAnswer(60));
    for (const chunks of [6, 10, 14]) {
      await reach(page, chunks);
      await worker.evaluate('loseDevices()');
    }
    const { text, code, told } = await outcome(page);
    // This load was for WebGPU and nothing else: there is no next rung (host/mending.node.test.ts has the ladder).
    assert.equal(code, 'device-lost');
    assert.deepEqual(
      told.map(({ action, attempt }) => [action, attempt]),
      [
        ['reloading', 1],
        ['reloading', 2],
      ],
    );
    const lost = await until(page, ({ recovering }) => recovering?.action === 'gave-up', 'every tab is told');
    assert.match(lost.recovering?.message ?? '', /The next request tries anew/);
    assert.ok(text.length > 20, 'what came stands');
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    assert.equal((await stateOf(page)).recovering, null);
    assert.deepEqual(await kept(page), before);
  });
});
