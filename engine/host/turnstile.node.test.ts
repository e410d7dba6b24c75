import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import { Turnstile } from './turnstile.js';

const soon = (milliseconds = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('runs one at a time, in order, whatever fails', async () => {
  const turnstile = new Turnstile();
  const log: string[] = [];
  const task =
    (name: string, fails = false) =>
    async () => {
      log.push(`${name} begins`);
      await soon();
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
    };
  const results = await Promise.allSettled([
    turnstile.run(task('one')),
    turnstile.run(task('two', true)),
    turnstile.run(task('three')),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(log, ['one begins', 'one ends', 'two begins', 'two ends', 'three begins', 'three ends']);
});

test('whoever gives up while waiting never runs, and lets nobody overtake those before', async () => {
  const turnstile = new Turnstile();
  const log: string[] = [];
  let finish = (): void => undefined;
  const first = turnstile.run(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  const controller = new AbortController();
  const second = turnstile.run(async () => void log.push('second'), controller.signal);
  const third = turnstile.run(async () => void log.push('third'));
  controller.abort(new EngineError('aborted', 'no more'));
  await assert.rejects(second, { code: 'aborted' });
  await soon();
  assert.deepEqual(log, []);
  finish();
  await Promise.all([first, third]);
  assert.deepEqual(log, ['third']);
});
