// Taking a newer build over, with a service worker played by the test: one that dies while answers run, one that is
// replaced by a still newer build. Whatever becomes of it, `apply` ends. In a browser: test/e2e/update.e2e.ts.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Updates, type UpdateState } from './updates.js';

type Heard = (message: { readonly type: string }, port: MessagePort | undefined) => void;

class FakeWorker extends EventTarget {
  state: ServiceWorkerState = 'installed';
  readonly asked: string[] = [];

  constructor(private readonly hear: Heard = () => undefined) {
    super();
  }

  postMessage(message: { readonly type: string }, ports: MessagePort[] = []): void {
    this.asked.push(message.type);
    this.hear(message, ports[0]);
  }

  become(state: ServiceWorkerState): void {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

class FakeRegistration extends EventTarget {
  installing: FakeWorker | null = null;
  waiting: FakeWorker | null = null;
  active: FakeWorker | null = new FakeWorker((_message, port) => port?.postMessage({ running: 0 }));
}

const container = Object.assign(new EventTarget(), { controller: null });
Object.defineProperty(globalThis, 'navigator', { value: { serviceWorker: container }, configurable: true });

let updates: Updates | null = null;
afterEach(() => updates?.close());

function follow(registration: FakeRegistration): { readonly states: UpdateState[]; readonly updates: Updates } {
  const timing = { reply: 300, again: 100 };
  updates = new Updates(registration as unknown as ServiceWorkerRegistration, undefined, timing);
  const states: UpdateState[] = [];
  updates.addEventListener('llm-update', () => updates && states.push(updates.state));
  return { states, updates };
}

const soon = { timeout: 5_000 };

test(
  'the worker that holds is asked again, so that one that died with its answers is not waited for',
  soon,
  async () => {
    const registration = new FakeRegistration();
    let running = 2;
    registration.active = new FakeWorker((_message, port) => {
      port?.postMessage({ running });
      running = 0; // it was killed, and says nothing of it; what is started for the next question has no answers
    });
    const waiting = new FakeWorker((message) => message.type === 'activate' && waiting.become('activated'));
    registration.waiting = waiting;
    const { updates, states } = follow(registration);
    let reloads = 0;
    await updates.apply({ reload: () => reloads++ });
    assert.equal(reloads, 1);
    assert.ok(states.some((state) => state.kind === 'finishing' && state.answers === 2));
    assert.deepEqual(waiting.asked, ['activate']);
  },
);

test('a worker that is replaced by a still newer one while it takes over hands on to that one', soon, async () => {
  const registration = new FakeRegistration();
  const newest = new FakeWorker((message) => message.type === 'activate' && newest.become('activated'));
  const waiting = new FakeWorker((message) => {
    if (message.type !== 'activate') return;
    registration.waiting = newest;
    waiting.become('redundant');
  });
  registration.waiting = waiting;
  const { updates } = follow(registration);
  let reloads = 0;
  await updates.apply({ reload: () => reloads++ });
  assert.equal(reloads, 1);
  assert.deepEqual(newest.asked, ['activate']);
});

test('stopped while the new one takes its time, the build stays ready', soon, async () => {
  const registration = new FakeRegistration();
  const stop = new AbortController();
  registration.waiting = new FakeWorker(() => setTimeout(() => stop.abort(new Error('stopped')), 10));
  const { updates } = follow(registration);
  await assert.rejects(updates.apply({ signal: stop.signal, reload: () => assert.fail('reloaded') }), /stopped/);
  assert.deepEqual(updates.state, { kind: 'ready' });
});
