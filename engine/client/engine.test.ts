// The client against the real host in a real SharedWorker, with a scripted model at the edge
// (test/support/scripted-worker.ts). A "tab" here is a connection of its own: its own id, port and lock.

import { expect } from '@esm-bundle/chai';
import { engineScope } from '../protocol/scope.js';
import { ask, failure, read, scriptedModels, scriptedWorker, Tabs, until } from '../../test/support/tabs.js';
import { connect } from './index.js';

let tabs = new Tabs();
const tab = (tabId: string) => tabs.open(tabId);

describe('Engine', () => {
  beforeEach(() => {
    tabs = new Tabs();
  });

  afterEach(() => {
    tabs.close();
  });

  it('streams an answer of the default model, with role, text, finish reason and usage', async () => {
    const engine = await tab('a');
    const chunks = [];
    for await (const chunk of await ask(engine, 'say one two three')) chunks.push(chunk);
    expect(chunks[0]?.choices[0].delta).to.deep.equal({ role: 'assistant', content: '' });
    expect(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('')).to.equal('one two three ');
    const last = chunks.at(-1);
    expect(last?.choices[0].finish_reason).to.equal('stop');
    expect(last?.usage).to.deep.equal({ prompt_tokens: 17, completion_tokens: 3, total_tokens: 20 });
    expect(last?.llm).to.deep.equal({ backend: 'local', model: 'default' });
  });

  it('gives the whole answer without stream', async () => {
    const engine = await tab('a');
    const answer = await engine.chat.completions.create({ messages: [{ role: 'user', content: 'say hello' }] });
    expect(answer.choices[0].message).to.deep.equal({ role: 'assistant', content: 'hello ' });
    expect(answer.choices[0].finish_reason).to.equal('stop');
    expect(answer.usage.completion_tokens).to.equal(1);
  });

  it('connects anew when the page changes its settings, which hold where no other tab is', async () => {
    const options = {
      workerUrl: scriptedWorker,
      catalogueUrl: scriptedModels,
      name: `changes-${Date.now()}`,
      tabId: 'a',
    };
    const engine = await connect({ ...options, defaultModel: 'default' });
    await engine.load('default');
    const { hostId } = engine.state;
    expect(await connect({ ...options, defaultModel: 'slow', reconfigure: true })).to.equal(engine);
    expect(engine.settings.defaultModel).to.equal('slow');
    await until(engine, ({ status }) => status.kind === 'idle');
    expect(await read(await ask(engine, 'say again'))).to.equal('again ');
    const { status, recovering, tabs: count } = await until(engine, ({ status: now }) => now.kind === 'ready');
    expect(status.kind === 'ready' && status.model.id).to.equal('slow');
    expect([engine.state.hostId, recovering, count], 'the same engine, and no death').to.deep.equal([hostId, null, 1]);

    const other = await connect({ ...options, tabId: 'b', defaultModel: 'slow' });
    await connect({ ...options, defaultModel: 'default', reconfigure: true });
    expect(engine.settings.defaultModel, 'another tab holds them').to.equal('slow');
    expect(await read(await ask(engine, 'say still'))).to.equal('still ');
    other.close();
    engine.close();
  });

  it('gives the same engine to every caller of one page', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('a')]);
    expect(one).to.equal(two);
  });

  it('lets two tabs share one load, joined while it runs and seen by both', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('b')]);
    const [first, second] = await Promise.all([one.load('slow'), two.load('slow')]);
    expect(second).to.deep.equal(first);
    await two.load('slow');
    const state = await until(two, (now) => now.status.kind === 'ready');
    expect(state.loads).to.equal(1);
    expect(state.tabs).to.equal(2);
    expect(await read(await ask(two, 'say shared'))).to.equal('shared ');
    expect((await until(one, (now) => now.metrics.requests === 1)).loads).to.equal(1);
  });

  it('stops within a token and frees the slot for the next', async () => {
    const engine = await tab('a');
    const controller = new AbortController();
    const stream = await ask(engine, `slow 20 ${'word '.repeat(500)}`, { signal: controller.signal });
    await stream.next();
    await stream.next();
    controller.abort();
    expect((await failure(read(stream))).code).to.equal('aborted');
    expect(await read(await ask(engine, 'say next'))).to.equal('next ');
  });

  it('stops the answer when the loop is left', async () => {
    const engine = await tab('a');
    for await (const chunk of await ask(engine, `slow 20 ${'word '.repeat(500)}`)) {
      if (chunk.choices[0].delta.content) break;
    }
    await until(engine, (state) => state.generating.length === 0, 1_000);
  });

  it('serves tabs in turn and tells their place in line', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('b')]);
    await one.load('default');
    const order: string[] = [];
    const places: number[] = [];
    const note = async (name: string, stream: Promise<AsyncIterable<never>>): Promise<void> => {
      await read(await stream);
      order.push(name);
    };
    const running = ask(one, 'slow 100 a b c d e f g h');
    await running;
    const second = note('a2', ask(one, 'slow 50 x') as Promise<AsyncIterable<never>>);
    const third = note('a3', ask(one, 'slow 50 x') as Promise<AsyncIterable<never>>);
    const other = two.chat.completions.create(
      { messages: [{ role: 'user', content: 'slow 50 y' }], stream: true },
      { onPlace: (place) => places.push(place) },
    );
    await Promise.all([second, third, note('b1', other as unknown as Promise<AsyncIterable<never>>)]);
    expect(order).to.deep.equal(['b1', 'a2', 'a3']);
    expect(places).to.deep.equal([1, 0]);
  });

  it('frees the slot of a tab that goes away in mid-answer, within a second', async () => {
    const [leaving, staying] = await Promise.all([tab('a'), tab('b')]);
    const stream = await ask(leaving, `slow 50 ${'word '.repeat(500)}`);
    await stream.next();
    const began = performance.now();
    leaving.close();
    expect(await read(await ask(staying, 'say free'))).to.equal('free ');
    expect(performance.now() - began).to.be.below(1_000);
    await until(staying, (state) => state.tabs === 1);
  });

  it('frees the slot of a frame that is torn away without a word', async () => {
    const staying = await tab('b');
    const frame = document.createElement('iframe');
    frame.src = new URL(
      `../../test/support/scripted-tab.html?name=${tabs.name}&ask=${encodeURIComponent(`slow 50 ${'w '.repeat(500)}`)}`,
      import.meta.url,
    ).href;
    document.body.append(frame);
    await until(staying, (state) => state.generating.some(({ tabId }) => tabId !== 'b'));
    const began = performance.now();
    frame.remove();
    expect(await read(await ask(staying, 'say free'))).to.equal('free ');
    expect(performance.now() - began).to.be.below(1_000);
  });

  it('says busy when one tab has too many waiting', async () => {
    const engine = await tab('a');
    const running = await ask(engine, `slow 50 ${'word '.repeat(100)}`);
    const waiting = await Promise.all(Array.from({ length: 8 }, () => ask(engine, 'say x')));
    expect((await failure(ask(engine, 'say x'))).code).to.equal('busy');
    for (const stream of [running, ...waiting]) stream.abort();
    expect(await read(await ask(engine, 'say next'))).to.equal('next ');
  });

  it('notices the death of the worker, fails what was pending, and answers the next request', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('b')]);
    await one.load('other');
    const { hostId } = one.state;
    const stream = await ask(one, 'die');
    const began = performance.now();
    expect((await failure(read(stream))).code).to.equal('engine-lost');
    expect(performance.now() - began).to.be.below(2_000);
    const answer = await one.chat.completions.create({ messages: [{ role: 'user', content: 'say again' }] });
    expect(answer.choices[0].message.content).to.equal('again ');
    expect(answer.model).to.equal('other');
    expect(one.state.hostId).not.to.equal(hostId);
    expect(await read(await ask(two, 'say too'))).to.equal('too ');
    expect(two.state.hostId).to.equal(one.state.hostId);
  });

  it('counts a host that no longer answers as dead, and works again when it answers', async () => {
    const engine = await tabs.open('a', { heartbeatTimeout: 1_000 });
    await engine.load('default');
    const began = performance.now();
    expect((await failure(ask(engine, 'hang 4000 a').then(read))).code).to.equal('engine-lost');
    expect(performance.now() - began).to.be.below(3_500);
    expect(await read(await ask(engine, 'say again'))).to.equal('again ');
  });

  it('gives a typed error when the worker never answers', async () => {
    const workerUrl = new URL('../../test/support/silent-worker.js', import.meta.url);
    const error = await failure(connect({ workerUrl, tabId: 'a', name: tabs.name, startTimeout: 300 }));
    expect(error.code).to.equal('engine-lost');
    expect(error.message).to.contain('did not answer');
  });

  it('takes no state from strangers on the channel', async () => {
    const engine = await tab('a');
    await engine.load('default');
    const { hostId, sequence } = engine.state;
    const scope = engineScope(scriptedWorker.href, tabs.name);
    const stranger = new BroadcastChannel(scope);
    const forged = { ...engine.state, sequence: sequence + 1000, notes: ['forged'] };
    stranger.postMessage('state');
    stranger.postMessage({ type: 'state', state: { ...forged, notes: 'forged' } });
    stranger.postMessage({ type: 'state', state: { ...forged, status: { kind: 'ready' } } });
    stranger.postMessage({ type: 'state', state: { ...forged, models: Array(2_000).fill(engine.state.models[0]) } });
    stranger.postMessage({ type: 'state', state: { ...forged, hostId: 'another' } });
    expect(await read(await ask(engine, 'say fine'))).to.equal('fine ');
    expect(engine.state.hostId).to.equal(hostId);
    expect(engine.state.notes).to.deep.equal([]);
    stranger.close();
  });

  it('takes the settings of the first tab, and tells the others', async () => {
    const one = await tabs.open('a', { defaultModel: 'other' });
    const warned: unknown[] = [];
    const page = globalThis.console;
    const { warn } = page;
    page.warn = (...words: unknown[]): void => void warned.push(...words);
    try {
      const two = await tabs.open('b', { defaultModel: 'default' });
      expect(two.settings).to.deep.equal(one.settings);
      expect(warned.join()).to.contain('defaultModel');
      const { model } = await two.chat.completions.create({ messages: [{ role: 'user', content: 'say x' }] });
      expect(model).to.equal('other');
    } finally {
      page.warn = warn;
    }
  });

  it('takes new settings when all tabs had left', async () => {
    const before = await tabs.open('a', { defaultModel: 'other' });
    await before.load('other');
    before.close();
    const after = await tabs.open('b', { defaultModel: 'default' }); // the page still holds the worker itself
    expect(after.state.hostId).to.equal(before.state.hostId);
    expect(after.settings.defaultModel).to.equal('default');
    const { model } = await after.chat.completions.create({ messages: [{ role: 'user', content: 'say x' }] });
    expect(model).to.equal('default');
  });

  it('gives a typed error when the worker script is not there', async () => {
    const missing = new URL('../../test/support/no-such-worker.js', import.meta.url);
    const error = await failure(connect({ workerUrl: missing, tabId: 'a', name: tabs.name }));
    expect(error.code).to.equal('engine-lost');
    expect(error.hint).not.to.equal('');
  });

  it('gives a typed error when the worker script fails as it starts', async () => {
    const workerUrl = new URL('../../test/support/failing-worker.js', import.meta.url);
    const error = await failure(connect({ workerUrl, tabId: 'a', name: tabs.name, startTimeout: 5_000 }));
    expect(error.code).to.equal('engine-lost');
  });

  it('gives a typed error for a worker of another origin', async () => {
    const error = await failure(connect({ workerUrl: 'https://elsewhere.example/w.js', tabId: 'a' }));
    expect(error.code).to.equal('engine-lost');
  });

  it('lists the models of the catalogue', async () => {
    const { data } = await (await tab('a')).models.list();
    expect(data.map((model) => model.id)).to.deep.equal(['default', 'other', 'slow', 'broken', 'no-gpu']);
    expect(data[0]?.url).to.equal(new URL('a.scripted', scriptedModels).href);
  });

  it('refuses a bad request by its field and goes on', async () => {
    const engine = await tab('a');
    const error = await failure(
      engine.chat.completions.create({ messages: [{ role: 'user', content: 'x' }], temperature: 9 }),
    );
    expect(error.code).to.equal('invalid-request');
    expect(error.message).to.contain('temperature');
    expect((await failure(ask(engine, 'say x', { model: 'nowhere' }).then(read))).code).to.equal('model-not-found');
    expect(await read(await ask(engine, 'say next'))).to.equal('next ');
  });

  it('takes a request as a framework holds it, and sends what was asked for at the time', async () => {
    const engine = await tab('a');
    const message = { role: 'user' as const, content: 'say held', from: () => 'a function cannot be sent' };
    const answer = engine.chat.completions.create({ messages: new Proxy([message], {}), stream: true });
    message.content = 'say changed';
    expect(await read(await answer)).to.equal('held ');
    const error = await failure(ask(engine, 1n as unknown as string));
    expect(error.code).to.equal('invalid-request');
    const circle: unknown[] = [() => 1];
    circle.push(circle);
    expect((await failure(ask(engine, circle as unknown as string))).code).to.equal('invalid-request');
  });

  it('takes no chat without messages for a text to go on with', async () => {
    const engine = await tab('a');
    const request = { prompt: 'say no' } as unknown as Parameters<typeof engine.chat.completions.create>[0];
    const error = await failure(engine.chat.completions.create(request));
    expect(error.code).to.equal('invalid-request');
    expect(error.message).to.contain('messages');
    const text = await engine.chat.completions.continueText({ prompt: 'say yes', messages: undefined } as {
      prompt: string;
    });
    for await (const chunk of text) expect(chunk.object).to.equal('chat.completion.chunk');
  });

  it('shows a model that cannot be loaded as failed, and answers with the next', async () => {
    const engine = await tab('a');
    expect((await failure(engine.load('broken'))).code).to.equal('model-invalid');
    const state = await until(engine, (now) => now.status.kind === 'failed');
    expect(state.status).to.have.nested.property('error.code', 'model-invalid');
    expect(await read(await ask(engine, 'say well'))).to.equal('well ');
    await until(engine, (now) => now.status.kind === 'ready');
  });

  it('breaks a load off when nobody wants it any more, and keeps it when another tab does', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('b')]);
    const controller = new AbortController();
    const first = failure(one.load('slow', { signal: controller.signal }));
    await until(one, (state) => state.status.kind === 'loading');
    controller.abort();
    expect((await first).code).to.equal('aborted');
    await until(one, (state) => state.status.kind === 'idle');

    const again = new AbortController();
    const leaving = failure(one.load('slow', { signal: again.signal }));
    const staying = two.load('slow');
    await until(two, (state) => state.status.kind === 'loading' && state.status.loadedBytes > 0);
    again.abort();
    expect((await leaving).code).to.equal('aborted');
    expect((await staying).id).to.equal('slow');
  });

  it('loads another model only after the answer that runs', async () => {
    const [one, two] = await Promise.all([tab('a'), tab('b')]);
    const stream = await ask(one, 'slow 50 a b c d');
    await stream.next();
    const [text, loaded] = await Promise.all([read(stream), two.load('other')]);
    expect(text).to.equal('a b c d ');
    expect(loaded.id).to.equal('other');
    expect((await until(one, (state) => state.loads === 2)).status).to.have.nested.property('model.id', 'other');
  });

  it('steps down to the next device with a reason when the first fails at load', async () => {
    const engine = await tab('a');
    const loaded = await engine.load('no-gpu');
    expect(loaded.device).to.equal('wasm');
    expect((await until(engine, (state) => state.notes.length > 0)).notes.join()).to.contain('WebGPU failed');
  });

  it('continues an answer on the next device when the first fails in the middle', async () => {
    const engine = await tab('a');
    const answer = await engine.chat.completions.create({
      messages: [{ role: 'user', content: 'fail internal a b c' }],
    });
    expect(answer.choices[0].message.content).to.equal('a b c ');
    expect(answer.usage.completion_tokens).to.equal(3);
    const state = await until(engine, (now) => now.status.kind === 'ready' && now.status.model.device === 'wasm');
    expect(state.notes.at(-1)).to.contain('continues on WebAssembly');
  });

  it('continues an answer on the same device, loaded again, when that was lost in the middle', async () => {
    const [engine, other] = await Promise.all([tab('a'), tab('b')]);
    await engine.load('slow');
    const told = until(other, (state) => state.recovering !== null);
    const answer = ask(engine, 'fail device-lost a b c').then(read);
    expect((await told).recovering).to.include({ cause: 'device-lost', action: 'reloading', attempt: 1 });
    expect(await answer).to.equal('a b c ');
    const state = await until(other, (now) => now.recovering === null);
    expect(state.status).to.have.nested.property('model.device', 'webgpu');
    expect(state.notes.at(-1)).to.contain('loaded again on WebGPU');
  });

  it('knows all that its worker fetched, also when a model came in hundreds of pieces', async () => {
    const engine = await tab('a');
    await engine.load(new URL('a.scripted?fetch=300', scriptedModels).href);
    const fetched = await engine.fetched();
    expect(fetched).to.include(new URL('scripted-models.json?n=0', scriptedModels).href);
    expect(fetched).to.include(new URL('scripted-models.json?n=299', scriptedModels).href);
  });

  it('frees the model on request', async () => {
    const engine = await tab('a');
    await engine.load('default');
    await engine.unload();
    await until(engine, (state) => state.status.kind === 'idle');
  });

  it('keeps a page that goes into the back/forward cache detached, and connects it again', async () => {
    const [page, other] = await Promise.all([tab('a'), tab('b')]);
    globalThis.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    globalThis.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    expect(await read(await ask(page, 'say back'))).to.equal('back ');
    await until(other, (state) => state.tabs === 2);
  });
});
