// Several answers at once, as tabs see them: as many as the model computes together, each for itself; what changes the
// model waits for all of them; a device that fails is mended once for all. The model is scripted: an answer says one word
// each time the test lets it, by its prompt.

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { HostPage, startHost } from '../../test/support/host-page.js';
import type { Backend, BackendEvent, BackendRequest } from '../backends/backend.js';
import { EngineError } from '../protocol/errors.js';
import type { StreamMessage } from '../protocol/host-api.js';
import { parseReply, parseStreamMessage } from '../protocol/page-messages.js';
import { allReplies } from '../protocol/rare-replies.js';
import type { EngineState } from '../protocol/state.js';
import type { EngineHost } from './engine-host.js';

const listings = ['one', 'two'].map((id) => ({ id, name: id, url: `https://site.example/${id}/`, byteLength: 10 }));

const idOf = (url: string): string => new URL(url).pathname.replaceAll('/', '');

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** What the answers wait for, by their prompts. */
class Script {
  /** Models opened on a device, in order. */
  readonly started: string[] = [];
  readonly disposed: string[] = [];
  /** What is downloaded before a model can take another one's place. */
  download: (id: string, signal: AbortSignal) => Promise<void> = async () => undefined;
  readonly closed: string[] = [];
  /** What each prompt's answer does next. */
  readonly #orders = new Map<string, { readonly orders: unknown[]; wake: () => void }>();

  order(prompt: string, ...orders: ('say' | 'end' | EngineError)[]): void {
    const of = this.#of(prompt);
    of.orders.push(...orders);
    of.wake();
  }

  #of(prompt: string) {
    const of = this.#orders.get(prompt) ?? { orders: [] as unknown[], wake: () => undefined };
    this.#orders.set(prompt, of);
    return of;
  }

  async *play({ completion, partialAnswer, signal }: BackendRequest): AsyncGenerator<BackendEvent> {
    const prompt = String(completion.messages?.at(-1)?.content);
    const of = this.#of(prompt);
    let word = partialAnswer.split(' ').filter(Boolean).length;
    yield { type: 'prefilled', promptTokens: 1, cachedTokens: 0 };
    for (;;) {
      while (of.orders.length === 0) {
        await new Promise<void>((resolve, reject) => {
          of.wake = resolve;
          const stop = (): void => reject(EngineError.from(signal.reason));
          if (signal.aborted) stop();
          signal.addEventListener('abort', stop, { once: true });
        });
      }
      const order = of.orders.shift();
      if (order instanceof EngineError) throw order;
      if (order === 'end') {
        yield { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: word };
        return;
      }
      yield { type: 'delta', text: `${prompt}${word++} `, tokens: 1, ids: [word] };
    }
  }
}

/** One request of a page. */
class Asked {
  readonly messages: StreamMessage[] = [];
  readonly #port: MessagePort;

  constructor(page: HostPage, prompt: string, more: Record<string, unknown> = {}) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }) => this.messages.push(parseStreamMessage(data));
    void page.call('complete', { messages: [{ role: 'user', content: prompt }], ...more }, port2);
  }

  get text(): string {
    return this.messages.map((m) => (m.type === 'chunk' ? (m.chunk.choices[0].delta.content ?? '') : '')).join('');
  }

  get runs(): boolean {
    return this.messages.some(({ type }) => type === 'started');
  }

  get over(): string | null {
    const last = this.messages.at(-1);
    return last?.type === 'error' ? last.error.code : last?.type === 'done' ? 'done' : null;
  }

  get place(): number {
    return this.messages.reduce((place, m) => (m.type === 'queued' ? m.place : m.type === 'started' ? 0 : place), -1);
  }

  stop(): void {
    this.#port.postMessage({ type: 'abort' });
  }

  close(): void {
    this.#port.close();
  }
}

describe('several answers at once', () => {
  const pages: HostPage[] = [];
  const asked: Asked[] = [];
  let host: EngineHost | null = null;
  let script = new Script();

  afterEach(async () => {
    for (const each of asked.splice(0)) each.close();
    for (const page of pages.splice(0)) page.port.close();
    await host?.close();
  });

  async function start(concurrency: number | null): Promise<void> {
    script = new Script();
    const own = script;
    const backend = (id: string): Backend => ({
      info: { kind: 'local', modelId: id, modelName: id, leavesDevice: false },
      stream: (request) => own.play(request),
      dispose: async () => void own.disposed.push(id),
    });
    const started = startHost({
      fetch: async () => Response.json(listings),
      openModel: async (url) => ({
        name: url,
        downloaded: (signal) => own.download(idOf(url), signal),
        close: () => void own.closed.push(idOf(url)),
        start: async (device) => {
          const id = idOf(url);
          own.started.push(id);
          const decoder = {
            kind: 'wasm',
            device,
            deviceName: 'a script',
            contextLength: 8,
            vocabularySize: 8,
          } as const;
          const together = concurrency === null ? {} : { concurrency };
          return { backend: backend(id), decoder: { ...decoder, weightBytes: 8, ...together }, kvBytes: () => 0 };
        },
      }),
    });
    host = started.host;
    started.grant();
  }

  async function page(tabId: string): Promise<HostPage> {
    const made = new HostPage(host as EngineHost);
    pages.push(made);
    assert.ok((await made.hello(tabId)).ok);
    return made;
  }

  const ask = (from: HostPage, prompt: string, more?: Record<string, unknown>): Asked => {
    const made = new Asked(from, prompt, more);
    asked.push(made);
    return made;
  };

  async function state(): Promise<EngineState> {
    const reply = parseReply(allReplies.state, await (pages[0] as HostPage).call('state'));
    assert.ok(reply.ok);
    return reply.value;
  }

  /** A model is loaded, and so many answers run. */
  async function running(from: HostPage, ...prompts: string[]): Promise<Asked[]> {
    const answers = prompts.map((prompt) => ask(from, prompt));
    await until(() => answers.every(({ runs }) => runs), 'all run');
    return answers;
  }

  test('run as many as the model computes together; the next one takes a place that is free', async () => {
    await start(3);
    const [a, b] = [await page('a'), await page('b')];
    const first = await running(a, 'p', 'q', 'r');
    const fourth = ask(b, 's');
    await until(() => fourth.place === 1, 'its place is told');
    const { generating, waiting } = await state();
    assert.deepEqual(
      generating.map(({ tabId }) => tabId),
      ['a', 'a', 'a'],
    );
    assert.equal(new Set(generating.map(({ requestId }) => requestId)).size, 3);
    assert.deepEqual(waiting, ['b']);
    assert.equal(fourth.runs, false);
    for (const prompt of ['p', 'q', 'r', 's']) script.order(prompt, 'say', 'say');
    await until(() => first.every(({ text }) => text.endsWith('1 ')), 'all speak');
    assert.equal(fourth.text, '');
    script.order('q', 'end');
    await until(() => fourth.text === 's0 s1 ', 'the fourth speaks');
    assert.equal(first[1]?.over, 'done');
    assert.deepEqual(
      (await state()).generating.map(({ tabId }) => tabId),
      ['a', 'a', 'b'],
    );
    assert.deepEqual(script.started, ['one']);
  });

  test('one at a time where the decoder does not say otherwise', async () => {
    await start(null);
    const a = await page('a');
    const [first] = await running(a, 'p');
    const second = ask(a, 'q');
    await until(() => second.place === 1, 'it waits');
    script.order('p', 'say', 'end');
    await until(() => second.runs, 'its turn');
    assert.equal(first?.over, 'done');
  });

  test('one that fails, one that is stopped and a tab that goes leave the others as they are', async () => {
    await start(4);
    const [a, b] = [await page('a'), await page('b')];
    const [steady, failing, stopped] = (await running(a, 'p', 'q', 'r')) as [Asked, Asked, Asked];
    const leaving = ask(b, 's');
    await until(() => leaving.runs, 'the fourth runs');
    script.order('p', 'say');
    script.order('q', 'say', new EngineError('prompt-too-long', 'No more.'));
    stopped.stop();
    b.port.close();
    await until(() => failing.over === 'prompt-too-long' && stopped.over === 'aborted', 'both are told');
    await until(async () => (await state()).generating.length === 1, 'one is left');
    script.order('p', 'say', 'end');
    await until(() => steady.over === 'done', 'the steady one ends');
    assert.equal(steady.text, 'p0 p1 ');
    assert.deepEqual(script.disposed, []);
  });

  test('another model waits for all of them, and those that come later wait for it', async () => {
    await start(4);
    const [a, b] = [await page('a'), await page('b')];
    await running(a, 'p', 'q');
    const other = ask(b, 'x', { model: 'two' });
    await until(() => other.runs, 'it has a turn');
    const later = ask(a, 'later');
    await until(() => later.place === 1, 'it waits');
    script.order('p', 'say', 'end');
    await until(async () => (await state()).generating.length === 2, 'one has ended');
    assert.deepEqual(script.started, ['one']);
    script.order('q', 'say', 'end');
    script.order('x', 'say');
    await until(() => other.text === 'x0 ', 'the other model speaks');
    assert.deepEqual([script.started, script.disposed], [['one', 'two'], ['one']]);
    await until(() => later.runs, 'the later one runs beside it');
    script.order('later', 'say');
    await until(() => later.text === 'later0 ', 'with the model that is loaded by then');
    assert.equal((await state()).generating.length, 2);
  });

  test('one whose model is not here yet is passed over while that is downloaded', async () => {
    await start(1);
    const [a, b] = [await page('a'), await page('b')];
    await running(a, 'p');
    let arrive: () => void = () => undefined;
    script.download = () => new Promise((resolve) => (arrive = resolve));
    const other = ask(b, 'x', { model: 'two' });
    await until(async () => (await state()).status.kind === 'loading', 'the download begins while another answers');
    assert.equal(other.place, 1);
    script.order('p', 'end');
    const later = ask(a, 'later');
    await until(() => later.runs, 'who came later does not wait for it');
    assert.deepEqual([other.runs, script.started], [false, ['one']]);
    arrive();
    script.order('x', 'say', 'end');
    script.order('later', 'say', 'end');
    await until(() => later.over === 'done' && other.over === 'done', 'both end');
    assert.deepEqual([other.text, script.started, script.closed], ['x0 ', ['one', 'two'], ['one']]);
  });

  test('a download that fails, or is no longer wanted, ends that answer only, and leaves nothing open', async () => {
    await start(1);
    const [a, b] = [await page('a'), await page('b')];
    const [steady] = (await running(a, 'p')) as [Asked];
    script.download = () => Promise.reject(new EngineError('network', 'The line is dead.'));
    const broken = ask(b, 'x', { model: 'two' });
    await until(() => broken.over === 'network', 'it is told');
    script.download = () => new Promise(() => undefined);
    const unwanted = ask(b, 'y', { model: 'two' });
    await until(async () => (await state()).status.kind === 'loading', 'it is downloaded');
    unwanted.stop();
    await until(() => unwanted.over === 'aborted', 'it is told');
    script.download = async () => undefined;
    const here = ask(b, 'z', { model: 'two' });
    await until(async () => here.place === 1 && (await state()).status.kind === 'loading', 'it is here and waits');
    here.stop();
    await until(() => script.closed.length === 3, 'all that was opened for them is closed');
    script.order('p', 'say', 'end');
    await until(() => steady.over === 'done', 'the first goes on');
    await running(a, 'next');
    assert.deepEqual([steady.text, script.started, script.disposed], ['p0 ', ['one'], []]);
    assert.equal((await state()).status.kind, 'ready');
  });

  test('unloading waits for all of them', async () => {
    await start(4);
    const a = await page('a');
    const answers = await running(a, 'p', 'q');
    const unloaded = a.call('unload');
    script.order('p', 'say', 'end');
    await until(() => answers[0]?.over === 'done', 'one is over');
    assert.deepEqual(script.disposed, []);
    script.order('q', 'say', 'end');
    await unloaded;
    await until(() => answers[1]?.over === 'done', 'the other is over');
    assert.deepEqual(script.disposed, ['one']);
  });

  test('a device that is lost fails all of them; it is mended once, and each goes on with its own text', async () => {
    await start(4);
    const a = await page('a');
    const answers = await running(a, 'p', 'q', 'r');
    for (const prompt of ['p', 'q', 'r']) script.order(prompt, 'say', new EngineError('device-lost', 'Gone.'));
    await until(() => script.started.length === 2, 'it is started again');
    for (const prompt of ['p', 'q', 'r']) script.order(prompt, 'say', 'end');
    await until(() => answers.every(({ over }) => over === 'done'), 'all end');
    assert.deepEqual(
      answers.map(({ text }) => text),
      ['p0 p1 ', 'q0 q1 ', 'r0 r1 '],
    );
    assert.deepEqual([script.started, script.disposed], [['one', 'one'], ['one']]);
  });

  test('memory that ran out for one is mended when the others have ended, not under them', async () => {
    await start(4);
    const a = await page('a');
    const [steady, full] = (await running(a, 'p', 'q')) as [Asked, Asked];
    script.order('p', 'say');
    script.order('q', 'say', new EngineError('out-of-memory', 'No room.'), 'say', 'end');
    await until(() => full.text === 'q0 ' && steady.text === 'p0 ', 'both have spoken');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(script.disposed, []);
    script.order('p', 'say', 'end');
    await until(() => full.over !== null, 'the full one ends');
    assert.deepEqual([steady.over, steady.text, full.over, full.text], ['done', 'p0 p1 ', 'done', 'q0 q1 ']);
    assert.deepEqual(script.disposed, ['one']);
  });

  test('one that is stopped while it waits for another model gives the turn back', async () => {
    await start(4);
    const a = await page('a');
    const [steady] = (await running(a, 'p')) as [Asked];
    const other = ask(a, 'x', { model: 'two' });
    await until(() => other.runs, 'it has a turn');
    const later = ask(a, 'later');
    other.stop();
    await until(() => other.over === 'aborted', 'it is told');
    await until(() => later.runs, 'the later one has a turn');
    script.order('later', 'say', 'end');
    script.order('p', 'say', 'end');
    await until(() => later.over === 'done' && steady.over === 'done', 'both end');
    assert.deepEqual(script.started, ['one']);
  });

  test('what somebody looks at comes first, the background last and never into the last place', async () => {
    await start(2);
    const [seen, hidden] = [await page('seen'), await page('hidden')];
    await running(seen, 'p', 'q');
    await hidden.call('setVisibility', false);
    const behind = ask(hidden, 'behind', { priority: 'background' });
    const unseen = ask(hidden, 'unseen');
    const wanted = ask(seen, 'wanted');
    await until(() => wanted.place === 1 && unseen.place === 2 && behind.place === 3, 'the order');
    await hidden.call('setVisibility', true);
    await seen.call('setVisibility', false);
    await until(() => unseen.place === 1 && wanted.place === 2, 'the order after the tabs changed');
    script.order('p', 'end');
    await until(() => unseen.runs, 'the first');
    script.order('unseen', 'end');
    await until(() => wanted.runs, 'the second');
    script.order('wanted', 'end');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([behind.runs, behind.place], [false, 1], 'one place stays free');
    script.order('q', 'end');
    await until(() => behind.runs, 'the background, when all are done');
    const now = ask(seen, 'now');
    await until(() => now.runs, 'who comes now need not wait for it');
  });
});
