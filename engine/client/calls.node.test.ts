// A page's end of the port: what it sends is what the host's guard lets through, and whatever comes back settles one call.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, test } from 'node:test';
import { MessageChannel as NodeChannel, MessagePort as NodePort } from 'node:worker_threads';
import { Calls } from './calls.js';

const open: NodePort[] = [];
afterEach(() => {
  for (const port of open.splice(0)) port.close();
});

interface Sent {
  readonly id: string;
  readonly argumentList: readonly { readonly type: string; readonly value: unknown }[];
}

function connected() {
  const { port1, port2 } = new NodeChannel();
  open.push(port1, port2);
  const next = async (): Promise<Sent> => ((await once(port2, 'message')) as [Sent])[0];
  return { calls: new Calls(port1 as unknown as MessagePort), host: port2, next };
}

test('A call is one method, its arguments and an id of its own', async () => {
  const { calls, next } = connected();
  void calls.send('load', [{ model: 'default' }]);
  const first = await next();
  assert.deepEqual(first, {
    id: first.id,
    type: 'APPLY',
    path: ['load'],
    argumentList: [{ type: 'RAW', value: { model: 'default' } }],
  });
  void calls.send('ping', []);
  assert.notEqual((await next()).id, first.id);
});

test('A port among the arguments is handed over', async () => {
  const { calls, next } = connected();
  const { port1, port2 } = new NodeChannel();
  open.push(port1);
  void calls.send('complete', [{}, port2], port2 as unknown as MessagePort);
  const handed = (await next()).argumentList[1]?.value;
  assert.ok(handed instanceof NodePort);
  handed.postMessage('here');
  assert.deepEqual(await once(port1, 'message'), ['here']);
  handed.close();
});

test('Replies settle their own call, in any order; strangers settle none', async () => {
  const { calls, host, next } = connected();
  const one = calls.send('ping', []);
  const { id: first } = await next();
  const two = calls.send('state', []);
  const { id: second } = await next();
  for (const stranger of [null, 'text', { value: 1 }, { id: 'other', value: 1 }, { id: '__proto__' }])
    host.postMessage(stranger);
  host.postMessage({ id: second, type: 'RAW', value: 'two' });
  assert.equal(await two, 'two');
  host.postMessage({ id: first, type: 'RAW', value: 'one' });
  assert.equal(await one, 'one');
});

test('A reply of another kind than a value is no value: it is refused where replies are read', async () => {
  const { calls, host, next } = connected();
  const call = calls.send('ping', []);
  const { id } = await next();
  host.postMessage({ id, type: 'HANDLER', name: 'throw', value: { isError: true, value: { message: 'no' } } });
  assert.deepEqual(await call, { isError: true, value: { message: 'no' } });
});

test('What cannot be sent is told at once', async () => {
  const { calls } = connected();
  await assert.rejects(
    calls.send('load', [() => undefined]),
    (error) => error instanceof Error && error.name === 'DataCloneError',
  );
});
