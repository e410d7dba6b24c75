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

const never = (): AbortSignal => new AbortController().signal;
const always = (): boolean => true;

test('shares among those who come before a turn alone, and lets that wait for all of them', async () => {
  const turnstile = new Turnstile();
  const log: string[] = [];
  const [one, two] = [await turnstile.share(), await turnstile.share()];
  const alone = turnstile.run(async () => void log.push('alone'));
  const late = turnstile.share().then((turn) => {
    log.push('late');
    return turn;
  });
  one.leave();
  one.leave(); // twice is once
  await soon();
  assert.deepEqual(log, []);
  two.leave();
  await alone;
  (await late).leave();
  assert.deepEqual(log, ['alone', 'late']);
});

test('a share that wants to be alone waits for the others, goes before those who wait, and shares again', async () => {
  const turnstile = new Turnstile();
  const log: string[] = [];
  const [one, two] = [await turnstile.share(), await turnstile.share()];
  const load = turnstile.run(async () => void log.push('load'));
  const upgraded = one.alone(
    always,
    async () => {
      log.push('alone');
      await soon();
      return 'done';
    },
    never(),
  );
  await soon();
  assert.deepEqual(log, []);
  two.leave();
  assert.equal(await upgraded, 'done');
  await soon();
  assert.deepEqual(log, ['alone'], 'it shares on, and the load waits for it');
  one.leave();
  await load;
  assert.deepEqual(log, ['alone', 'load']);
});

test('two that want the same alone: one does it, the other finds it done and shares on at once', async () => {
  const turnstile = new Turnstile();
  let broken = true;
  let mended = 0;
  const mend = async (): Promise<string> => {
    await soon();
    broken = false;
    return `mended ${++mended}`;
  };
  const [one, two] = [await turnstile.share(), await turnstile.share()];
  const results = await Promise.all([one.alone(() => broken, mend, never()), two.alone(() => broken, mend, never())]);
  assert.deepEqual(results, ['mended 1', null]);
  const alone = turnstile.run(async () => 'last');
  one.leave();
  two.leave();
  assert.equal(await alone, 'last');
});

test('what fails alone shares on; who gives up while waiting holds nothing any more and holds nobody back', async () => {
  const turnstile = new Turnstile();
  const [one, two] = [await turnstile.share(), await turnstile.share()];
  const controller = new AbortController();
  const waiting = two.alone(always, async () => 'never', controller.signal);
  const behind = turnstile.share();
  controller.abort(new EngineError('aborted', 'no more'));
  await assert.rejects(waiting, { code: 'aborted' });
  (await behind).leave(); // beside `one`
  two.leave();
  await assert.rejects(
    one.alone(always, () => Promise.reject(new Error('broken')), never()),
    { message: 'broken' },
  );
  const last = turnstile.run(async () => 'last');
  await soon();
  one.leave();
  assert.equal(await last, 'last');
  await assert.rejects(
    one.alone(always, async () => undefined, never()),
    { code: 'internal' },
  );
});
