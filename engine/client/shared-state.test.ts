// Every tab shows the same truth: three connections to one host, one of which comes late, see the load and its progress,
// who is answered and who waits, what is being mended, consent and preferences - each from a snapshot or from broadcasts,
// and the very same state in the end.

import { expect } from '@esm-bundle/chai';
import { ask, read, Tabs, until } from '../../test/support/tabs.js';
import type { Engine } from './index.js';

let tabs = new Tabs();
const cloudUrl = 'https://cloud.example/v1';
const tab = (tabId: string): Promise<Engine> => tabs.open(tabId, { cloudUrl });

/** All of them have the newest state, and it is one and the same. */
async function agree(engines: readonly Engine[]): Promise<void> {
  const newest = Math.max(...engines.map(({ state }) => state.sequence));
  const states = await Promise.all(engines.map((engine) => until(engine, ({ sequence }) => sequence >= newest)));
  const facts = states.map(({ sequence, metrics, ...rest }) => ({
    ...rest,
    requests: metrics.requests,
    known: sequence > 0,
  }));
  for (const other of facts) expect(other).to.deep.equal(facts[0]);
}

describe('The state in every tab', () => {
  beforeEach(() => {
    tabs = new Tabs();
  });

  afterEach(() => tabs.close());

  it('tells of a load and its progress, also to a tab that comes in the middle of it', async () => {
    const [one, two] = [await tab('a'), await tab('b')];
    const loading = one.load('slow');
    const seen = await until(two, ({ status }) => status.kind === 'loading' && status.loadedBytes > 0);
    const late = await tab('c');
    expect(late.state.status).to.include({ kind: 'loading', modelId: 'slow', totalBytes: 1000 });
    expect(late.state.tabs).to.equal(3);
    expect(seen.hostId).to.equal(late.state.hostId);
    await loading;
    const all = [one, two, late];
    await Promise.all(all.map((engine) => until(engine, ({ status }) => status.kind === 'ready')));
    await agree(all);
  });

  it('tells who is answered and who waits in line, and that it is over', async () => {
    const [one, two] = [await tab('a'), await tab('b')];
    await one.load('default');
    const first = ask(one, 'slow 40 a b c d e f g h i j').then(read);
    await until(two, ({ generating }) => generating.some(({ tabId }) => tabId === 'a'));
    const second = ask(two, 'say x').then(read);
    await until(one, ({ waiting, generating }) => waiting.includes('b') || generating.length > 1);
    const late = await tab('c');
    expect(late.state.generating.map(({ tabId }) => tabId)).to.include('a');
    await Promise.all([first, second]);
    const all = [one, two, late];
    const idle = { generating: 0, waiting: 0 };
    await Promise.all(
      all.map((engine) =>
        until(engine, (now) => now.generating.length === idle.generating && now.waiting.length === idle.waiting),
      ),
    );
    await agree(all);
  });

  it('tells what is being mended, also to a tab that comes meanwhile', async () => {
    const [one, two] = [await tab('a'), await tab('b')];
    await one.load('slow');
    const answer = ask(one, 'fail device-lost a b c').then(read);
    await until(two, ({ recovering }) => recovering !== null);
    const late = await tab('c');
    expect(late.state.recovering).to.include({ cause: 'device-lost', action: 'reloading', attempt: 1 });
    expect(await answer).to.equal('a b c ');
    const all = [one, two, late];
    await Promise.all(all.map((engine) => until(engine, ({ recovering }) => recovering === null)));
    await agree(all);
  });

  it('tells of consent and of preferences the moment that they change', async () => {
    const all = [await tab('a'), await tab('b'), await tab('c')];
    const [one, two] = all as [Engine, Engine, Engine];
    await one.cloud.allow(true);
    await Promise.all(all.map((engine) => until(engine, ({ cloud }) => cloud.allowed)));
    await two.setPreferences({ temperature: 0.25 });
    await Promise.all(all.map((engine) => until(engine, ({ preferences }) => preferences.temperature === 0.25)));
    const late = await tab('d');
    expect([late.state.cloud.allowed, late.state.preferences.temperature]).to.deep.equal([true, 0.25]);
    await two.cloud.allow(false);
    await two.setPreferences({ temperature: null });
    await Promise.all([...all, late].map((engine) => until(engine, ({ cloud }) => !cloud.allowed)));
    await agree([...all, late]);
  });
});
