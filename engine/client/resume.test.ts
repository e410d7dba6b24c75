// Answers that outlive their engine: the worker dies in mid-answer, and whoever reads sees one answer. The client and the
// real host in real SharedWorkers, a scripted model at the edge. What the tokens do for it: generate/continue.node.test.ts;
// with a real model and every other fault: test/e2e/faults*.e2e.ts.

import { expect } from '@esm-bundle/chai';
import { ask, failure, read, Tabs, until } from '../../test/support/tabs.js';

let tabs = new Tabs();
const tab = (tabId: string) => tabs.open(tabId);

describe('An answer under which the engine dies', () => {
  beforeEach(() => {
    tabs = new Tabs();
  });

  afterEach(() => tabs.close());

  it('goes on in the next engine: one iterator, one beginning, one id, every word once', async () => {
    const engine = await tab('a');
    await engine.load('other');
    const { hostId } = engine.state;
    const chunks = [];
    for await (const chunk of await ask(engine, 'perish 2 a b c d')) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('')).to.equal('a b c d ');
    expect(new Set(chunks.map(({ id }) => id)).size).to.equal(1);
    expect(chunks.filter((chunk) => chunk.choices[0].delta.role !== undefined)).to.have.length(1);
    expect(chunks.at(-1)?.choices[0].finish_reason).to.equal('stop');
    expect(new Set(chunks.map(({ model }) => model))).to.deep.equal(new Set(['other']), 'by the model that began it');
    expect(engine.state.hostId).not.to.equal(hostId);
  });

  it('comes whole without stream, within its token limit', async () => {
    const engine = await tab('a');
    const messages = [{ role: 'user' as const, content: 'perish 2 a b c d e f' }];
    const answer = await engine.chat.completions.create({ messages, max_tokens: 4 });
    expect(answer.choices[0].message.content).to.equal('a b c d ');
    expect(answer.usage.completion_tokens).to.equal(4);
    expect(answer.llm).to.deep.equal({ backend: 'local', model: 'default' });
  });

  it('goes on for every tab that had one, or had one waiting', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('b')]);
    await one.load('default');
    const dying = ask(one, 'perish 2 a b c d').then(read);
    const waiting = ask(two, 'say x y').then(read);
    const more = ask(one, 'say z').then(read);
    expect(await Promise.all([dying, waiting, more])).to.deep.equal(['a b c d ', 'x y ', 'z ']);
    expect(one.state.hostId).to.equal(two.state.hostId);
  });

  it('says what happens while it does, in every tab, and nothing of it when it is over', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('b')]);
    await one.load('slow');
    const told = until(two, (state) => state.recovering !== null);
    const answer = ask(one, 'perish 1 a b').then(read);
    const { recovering, status } = await told;
    expect(recovering).to.include({ cause: 'engine-lost', action: 'reloading', attempt: 1 });
    expect(recovering?.message).to.contain('engine stopped');
    expect(status.kind).not.to.equal('failed');
    expect(await answer).to.equal('a b ');
    await until(two, (state) => state.recovering === null && state.status.kind === 'ready');
    await until(one, (state) => state.recovering === null);
  });

  it('ends when it kills one engine after the other, and the next request works', async () => {
    const engine = await tab('a');
    expect((await failure(ask(engine, 'die').then(read))).code).to.equal('engine-lost');
    expect(await read(await ask(engine, 'say again'))).to.equal('again ');
  });

  it('can be stopped while the next engine starts', async () => {
    const engine = await tab('a');
    await engine.load('slow');
    const stop = new AbortController();
    const stream = await ask(engine, 'perish 1 a b c', { signal: stop.signal });
    const { hostId } = engine.state;
    const died = until(engine, (state) => state.recovering !== null || state.hostId !== hostId);
    const reading = failure(read(stream));
    await died;
    stop.abort();
    expect((await reading).code).to.equal('aborted');
    expect(await read(await ask(engine, 'say next'))).to.equal('next ');
    await until(engine, (state) => state.generating.length === 0 && state.waiting.length === 0);
  });
});
