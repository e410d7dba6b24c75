// Reading ahead, with a source that the test answers for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Model, WeightTensor } from '../weights/model.js';
import { readInOrder } from './read-ahead.js';

interface Source {
  readonly model: Model;
  /** Names in the order in which they were asked for. */
  readonly asked: string[];
  answer(name: string): void;
  refuse(name: string, why: Error): void;
}

function source(sizes: readonly number[], readsAtOnce?: number): Source {
  const waiting = new Map<string, { resolve(tensor: WeightTensor): void; reject(why: Error): void }>();
  const asked: string[] = [];
  const names = sizes.map((_, i) => `t${i}`);
  const facts = names.map((name, i) => [name, { name, kind: 'f32', shape: [1], byteLength: sizes[i] ?? 0 }] as const);
  const model = {
    tensors: new Map(facts),
    ...(readsAtOnce !== undefined && { readsAtOnce }),
    readTensor: (name: string) => {
      asked.push(name);
      return new Promise<WeightTensor>((resolve, reject) => waiting.set(name, { resolve, reject }));
    },
  } as unknown as Model;
  return {
    model,
    asked,
    answer: (name) => waiting.get(name)?.resolve({ kind: 'f32', shape: [1], data: new Float32Array(1) }),
    refuse: (name, why) => waiting.get(name)?.reject(why),
  };
}

const mebibyte = 2 ** 20;

test('one at a time where the source does not say otherwise', async () => {
  const { model, asked, answer } = source([1, 1]);
  const reading = readInOrder(model, model.tensors.keys(), undefined);
  const first = reading.next();
  assert.deepEqual(asked, ['t0']);
  answer('t0');
  assert.equal((await first).value?.name, 't0');
  const second = reading.next();
  assert.deepEqual(asked, ['t0', 't1']);
  answer('t1');
  assert.equal((await second).value?.name, 't1');
  assert.equal((await reading.next()).done, true);
});

test('as many as the source likes, while their bytes are few, and handed out in order', async () => {
  const { model, asked, answer } = source([1, 1, 1, 15 * mebibyte, 2 * mebibyte, 100 * mebibyte], 4);
  const reading = readInOrder(model, model.tensors.keys(), undefined);
  const first = reading.next();
  assert.deepEqual(asked, ['t0', 't1', 't2', 't3']);
  answer('t1');
  answer('t0');
  assert.equal((await first).value?.name, 't0');
  const second = reading.next();
  assert.deepEqual(asked.length, 4, 'two more mebibytes would be too many');
  assert.equal((await second).value?.name, 't1');
  for (const name of ['t2', 't3']) {
    answer(name);
    assert.equal((await reading.next()).value?.name, name);
  }
  const fifth = reading.next();
  assert.deepEqual(asked.at(-1), 't4');
  answer('t4');
  await fifth;
  const sixth = reading.next();
  assert.deepEqual(asked.at(-1), 't5', 'one that is larger than what may wait is read alone');
  answer('t5');
  assert.equal((await sixth).value?.name, 't5');
});

test('a failure is told when its turn comes, an abort at once', async () => {
  const { model, answer, refuse } = source([1, 1, 1], 3);
  const reading = readInOrder(model, model.tensors.keys(), undefined);
  const first = reading.next();
  refuse('t1', new Error('broken'));
  answer('t0');
  assert.equal((await first).value?.name, 't0');
  await assert.rejects(reading.next(), /broken/);

  const stop = new AbortController();
  const other = source([1]);
  stop.abort();
  const stopped = readInOrder(other.model, other.model.tensors.keys(), stop.signal);
  await assert.rejects(stopped.next(), (error: { code?: string }) => error.code === 'aborted');
  assert.deepEqual(other.asked, []);
});
