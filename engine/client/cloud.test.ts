// The visitor's cloud switch, from the client through the real host to a scripted cloud: nothing goes there unless the
// site set an endpoint and the visitor allows it, and switching off acts at once.

import { expect } from '@esm-bundle/chai';
import { ask, failure, read, Tabs, until } from '../../test/support/tabs.js';
import type { Engine } from './index.js';

let tabs = new Tabs();
const cloudUrl = 'https://cloud.example/v1';
const tab = (tabId: string, url = cloudUrl): Promise<Engine> => tabs.open(tabId, { cloudUrl: url });

describe('The cloud switch', () => {
  beforeEach(() => {
    tabs = new Tabs();
  });

  afterEach(async () => {
    tabs.close();
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase('llm-elements-test');
      request.onsuccess = resolve;
      request.onerror = reject;
    });
  });

  it('is off by default: the cloud is refused, and the local model answers', async () => {
    const engine = await tab('a');
    expect(engine.state.cloud).to.deep.equal({ endpoint: 'cloud.example', allowed: false, active: false });
    expect((await failure(ask(engine, 'say x', { model: 'cloud' }))).code).to.equal('consent-required');
    expect((await failure(engine.load('cloud'))).code).to.equal('consent-required');
    expect(await read(await ask(engine, 'say x'))).to.equal('x ');
  });

  it('cannot be switched on where the site set no endpoint', async () => {
    const engine = await tabs.open('a');
    expect((await failure(engine.cloud.allow(true))).code).to.equal('invalid-request');
    expect((await failure(ask(engine, 'say x', { model: 'cloud' }))).code).to.equal('invalid-request');
  });

  it('lets the cloud answer when it is asked for, and marks every part of it', async () => {
    const engine = await tab('a');
    await engine.cloud.allow(true);
    await until(engine, (state) => state.cloud.allowed);
    let text = '';
    for await (const chunk of await ask(engine, 'slow 50 a b c', { model: 'cloud' })) {
      expect(chunk.llm).to.deep.equal({ backend: 'cloud', model: 'cloud' });
      text += chunk.choices[0].delta.content ?? '';
      if (text === 'A ') expect((await until(engine, (state) => state.cloud.active)).cloud.active).to.equal(true);
    }
    expect(text).to.equal('A B C ');
    await until(engine, (state) => !state.cloud.active);
    expect(await read(await ask(engine, 'say local'))).to.equal('local ');
  });

  it('acts at once when it is switched off in another tab: the answer breaks off', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('b')]);
    await one.cloud.allow(true);
    const stream = await ask(one, `slow 50 ${'w '.repeat(200)}`, { model: 'cloud' });
    await stream.next();
    await stream.next();
    await two.cloud.allow(false);
    expect((await failure(read(stream))).code).to.equal('consent-required');
    expect((await until(one, (state) => !state.cloud.allowed)).cloud.active).to.equal(false);
    expect(await read(await ask(one, 'say local'))).to.equal('local ');
  });

  it('is remembered for this endpoint and for no other', async () => {
    const first = await tab('a');
    await first.cloud.allow(true);
    tabs.close();
    tabs = new Tabs(); // another name: a new host, as after a restart of the browser
    expect((await tab('a')).state.cloud.allowed).to.equal(true);
    tabs.close();
    tabs = new Tabs();
    expect((await tab('a', 'https://elsewhere.example/v1')).state.cloud.allowed).to.equal(false);
  });

  it('lets the cloud continue an answer when no device is left, and says so', async () => {
    const engine = await tab('a');
    await engine.cloud.allow(true);
    expect((await engine.load('no-gpu')).device).to.equal('wasm');
    const seen = new Set<string>();
    let text = '';
    for await (const chunk of await ask(engine, 'fail internal a b c')) {
      text += chunk.choices[0].delta.content ?? '';
      seen.add(chunk.llm.backend);
    }
    expect(text).to.equal('a b C ');
    expect([...seen]).to.deep.equal(['local', 'cloud']);
    const state = await until(engine, (now) => now.notes.length > 1);
    expect(state.notes.at(-1)).to.contain('the cloud continues, as you allowed');
    expect(state.status).to.have.nested.property('model.device', 'cloud');
  });

  it('never lets the cloud continue while the switch is off', async () => {
    const engine = await tab('a');
    await engine.load('no-gpu');
    const stream = await ask(engine, 'fail internal a b c');
    expect((await failure(read(stream))).code).to.equal('internal');
    expect(await read(await ask(engine, 'say again'))).to.equal('again ');
  });
});
