// The engine in an elected tab's worker, with a scripted model at the edge. A "tab" here is a connection of its own; the
// first one hosts, the others reach it by links. Real tabs, crashes and other origins are in test/e2e/hosts.e2e.ts.

import { expect } from '@esm-bundle/chai';
import { brokerChannelName, electedLockName } from '../protocol/brokering.js';
import { engineScope } from '../protocol/scope.js';
import { ask, failure, read, scriptedWorker, Tabs, until } from '../../test/support/tabs.js';
import { connect } from './index.js';

let tabs = new Tabs();
const tab = (tabId: string) => tabs.open(tabId, { host: 'tab' });
const scope = (): string => engineScope(scriptedWorker.href, tabs.name, '', 'tab');

/** Names of the locks of this scope, held and waited for. */
async function locks(): Promise<string[]> {
  const { held = [], pending = [] } = await navigator.locks.query();
  return [...held, ...pending].map(({ name }) => name ?? '').filter((name) => name.startsWith(scope()));
}

describe('ElectedTab', () => {
  beforeEach(() => {
    tabs = new Tabs();
  });

  afterEach(() => {
    tabs.close();
  });

  it('hosts the engine in the first tab, and the others share it', async () => {
    const [one, two] = [await tab('a'), await tab('b')];
    expect(one.state.host).to.equal('tab');
    expect(two.state.hostId).to.equal(one.state.hostId);
    await two.load('default');
    expect((await until(one, ({ status }) => status.kind === 'ready')).loads).to.equal(1);
    expect(await read(await ask(two, 'say over the link'))).to.equal('over the link ');
    expect(await read(await ask(one, 'say at home'))).to.equal('at home ');
    await until(one, (state) => state.tabs === 2 && state.metrics.requests === 2);
  });

  it('has one engine when many tabs open at once', async () => {
    const many = await Promise.all(Array.from({ length: 6 }, (_, n) => tab(`t${n}`)));
    expect(new Set(many.map(({ state }) => state.hostId)).size).to.equal(1);
    const said = await Promise.all(many.map(async (engine, n) => read(await ask(engine, `say ${n}`))));
    expect(said).to.deep.equal(many.map((_, n) => `${n} `));
  });

  it('stops an answer over the link within a token, from either side of it', async () => {
    const [, two] = [await tab('a'), await tab('b')];
    const controller = new AbortController();
    const stream = await ask(two, `slow 20 ${'word '.repeat(500)}`, { signal: controller.signal });
    await stream.next();
    controller.abort();
    expect((await failure(read(stream))).code).to.equal('aborted');
    for await (const chunk of await ask(two, `slow 20 ${'word '.repeat(500)}`)) {
      if (chunk.choices[0].delta.content) break;
    }
    await until(two, (state) => state.generating.length === 0, 1_000);
    expect((await failure(ask(two, 'say x', { model: 'nowhere' }).then(read))).code).to.equal('model-not-found');
    expect(await read(await ask(two, 'say next'))).to.equal('next ');
  });

  it('passes the engine on when the hosting tab leaves, with the model that was loaded', async () => {
    const [one, two, three] = [await tab('a'), await tab('b'), await tab('c')];
    await two.load('other');
    const { hostId } = one.state;
    const began = performance.now();
    one.close();
    await until(two, (state) => state.hostId !== hostId);
    await until(three, (state) => state.hostId !== hostId);
    expect(performance.now() - began).to.be.below(2_000);
    expect(three.state.hostId).to.equal(two.state.hostId);
    const answer = await three.chat.completions.create({ messages: [{ role: 'user', content: 'say on' }] });
    expect(answer.model).to.equal('other');
    expect(answer.choices[0].message.content).to.equal('on ');
  });

  it('starts the worker anew when it dies under its tab', async () => {
    const [one, two] = [await tab('a'), await tab('b')];
    const { hostId } = one.state;
    expect((await failure(ask(two, 'die').then(read))).code).to.equal('engine-lost');
    await until(one, (state) => state.hostId !== hostId);
    expect(await read(await ask(one, 'say again'))).to.equal('again ');
    expect(await read(await ask(two, 'say too'))).to.equal('too ');
  });

  it('hands over when the hosting page is put aside, and comes back as one of the others', async () => {
    // One page stands for both tabs here, so both are put aside; a lock that stays would be found.
    const one = await tab('a');
    const { hostId } = one.state;
    globalThis.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    await new Promise((resume) => setTimeout(resume, 100));
    expect(await locks()).to.deep.equal([]);
    globalThis.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    expect(await read(await ask(one, 'say back'))).to.equal('back ');
    expect(one.state.hostId).not.to.equal(hostId);
  });

  it('leaves no lock behind', async () => {
    const opened = [await tab('a'), await tab('b'), await tab('c')];
    expect(await locks()).to.include(electedLockName(scope()));
    for (const engine of opened) engine.close();
    await new Promise((resume) => setTimeout(resume, 100));
    expect(await locks()).to.deep.equal([]);
  });

  it('hears nothing of strangers on the broker’s channel', async () => {
    const [one, two] = [await tab('a'), await tab('b')];
    const stranger = new BroadcastChannel(brokerChannelName(scope()));
    for (const message of [
      'connect',
      null,
      { type: 'connect' },
      { type: 'connect', link: '../..' },
      { type: 'connect', link: 'x'.repeat(101) },
      { type: 'accepted', link: 'l', hostId: 'another' },
      { type: 'here', hostId: 'another' },
      { type: 'here', hostId: 'h', more: 1 },
    ])
      stranger.postMessage(message);
    const elsewhere = new BroadcastChannel(brokerChannelName(`${scope()}x`));
    elsewhere.postMessage({ type: 'connect', link: 'from-another-scope' });
    expect(await read(await ask(two, 'say fine'))).to.equal('fine ');
    expect(one.state.tabs).to.equal(2);
    stranger.close();
    elsewhere.close();
  });

  it('gives a typed error when the script is not there, and leaves the line', async () => {
    const missing = new URL('../../test/support/no-such-worker.js', import.meta.url);
    const error = await failure(connect({ workerUrl: missing, tabId: 'a', name: tabs.name, host: 'tab' }));
    expect(error.code).to.equal('engine-lost');
    expect(error.hint).not.to.equal('');
    const { held = [], pending = [] } = await navigator.locks.query();
    expect([...held, ...pending].some(({ name }) => name?.includes(`${tabs.name}~tab`))).to.equal(false);
  });

  it('gives a typed error when the worker never answers', async () => {
    const workerUrl = new URL('../../test/support/silent-worker.js', import.meta.url);
    const error = await failure(connect({ workerUrl, tabId: 'a', name: tabs.name, host: 'tab', startTimeout: 400 }));
    expect(error.code).to.equal('engine-lost');
  });
});
