// Rounds over a runner that computes nothing: who goes with whom, who is waited for, whom a failure concerns.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EngineError } from '../../protocol/errors.js';
import type { Choice } from '../decoder.js';
import { Lane } from './lane.js';
import { type Flight, Rounds, type Seat } from './rounds.js';
import type { RowRequest, RowsOutcome } from './step-parts.js';

const pause = (milliseconds = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Rows are told apart by their position. */
class Runner {
  fewRows = 8;
  prepared = 0;
  /** Positions of each round's rows. */
  readonly rounds: number[][] = [];
  readonly failing = new Map<number, Error>();
  broken: Error | null = null;
  #landings: (() => void)[] = [];
  #records = 0;

  async prepareSeveral(): Promise<void> {
    this.prepared += 1;
  }

  async runRows(rows: readonly RowRequest[]): Promise<RowsOutcome> {
    await Promise.resolve();
    if (this.broken !== null) throw this.broken;
    const failed = rows.flatMap((row) => {
      const error = this.failing.get(row.position);
      return error === undefined ? [] : [{ row, error }];
    });
    const taken = rows.filter((row) => !this.failing.has(row.position));
    this.rounds.push(taken.map(({ position }) => position));
    if (taken.length === 0) return { taken, failed, place: null };
    const landed = new Promise<void>((resolve) => this.#landings.push(resolve));
    const firstRecord = (this.#records += 8);
    return {
      taken,
      failed,
      place: {
        firstRecord,
        copy: () => undefined,
        read: async (count, use) => {
          await landed;
          return use(new Uint32Array(count));
        },
        giveBack: () => undefined,
      },
    };
  }

  /** The oldest round's choices come. */
  async land(): Promise<void> {
    this.#landings.shift()?.();
    await pause();
  }
}

const row = (position: number): RowRequest =>
  ({
    pages: {},
    position,
    token: { id: 0, record: 0 },
    choosing: { commands: [{}], choiceOf: (): Choice => ({ id: position }) },
  }) as unknown as RowRequest;

const codeOf = async ({ choice }: Flight): Promise<string> => {
  try {
    return String((await choice)?.id);
  } catch (error) {
    return EngineError.from(error).code;
  }
};

function start(): { runner: Runner; rounds: Rounds; join: () => Seat } {
  const runner = new Runner();
  const rounds = new Rounds(runner);
  return { runner, rounds, join: () => rounds.join() };
}

describe('Rounds', () => {
  test('a text alone waits for nobody, and what several need is prepared when there are several', async () => {
    const { runner, rounds, join } = start();
    const seat = join();
    const flights = [1, 2, 3].map((position) => seat.step(row(position)));
    await pause();
    assert.deepEqual([runner.rounds, runner.prepared, rounds.ahead], [[[1], [2], [3]], 0, 3]);
    await runner.land();
    assert.equal((await flights[0]?.choice)?.id, 1);
    assert.deepEqual(
      flights.map(({ record }) => record),
      [8, 16, 24],
    );
    join();
    assert.deepEqual([runner.prepared, rounds.texts, rounds.ahead], [1, 2, 2]);
  });

  test('a newcomer goes with the next step of those that are there', async () => {
    const { runner, join } = start();
    const [old, late] = [join(), join()];
    old.step(row(1));
    old.step(row(2));
    await pause();
    late.step(row(101));
    await pause();
    assert.deepEqual(runner.rounds, [[1], [2]], 'the other is under way: it is waited for');
    old.step(row(3));
    await pause();
    assert.deepEqual(runner.rounds.at(-1), [3, 101]);
  });

  test('one that does not come is waited for until nothing is under way, then left out until it comes again', async () => {
    const { runner, join } = start();
    const [slow, quick] = [join(), join()];
    slow.step(row(1));
    quick.step(row(101));
    await pause();
    quick.step(row(102));
    await pause();
    const before = runner.rounds.length;
    while (runner.rounds.length === before) await runner.land();
    quick.step(row(103));
    await pause();
    quick.step(row(104));
    await pause();
    assert.deepEqual(runner.rounds.slice(before), [[101], [102], [103], [104]], 'it is not waited for again');
    slow.step(row(2));
    await pause();
    await runner.land();
    quick.step(row(105));
    await pause();
    assert.deepEqual(runner.rounds.at(-1), [2, 105], 'until it comes');
  });

  test('more texts than a round has rows take turns', async () => {
    const { runner, join } = start();
    runner.fewRows = 2;
    const seats = [1, 2, 3].map(() => join());
    for (const step of [0, 10, 20]) seats.forEach((seat, i) => seat.step(row(step + i)));
    for (let landed = 0; landed < 9; landed++) await runner.land();
    const all = runner.rounds.flat();
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      [0, 1, 2, 10, 11, 12, 20, 21, 22],
    );
    assert.ok(runner.rounds.every(({ length }) => length <= 2));
    assert.ok(all.indexOf(2) < all.indexOf(20), 'the third is not left to the end');
  });

  test('no room for one text fails that text, and the steps that were to go on from there', async () => {
    const { runner, join } = start();
    const [full, other] = [join(), join()];
    runner.failing.set(1, new EngineError('out-of-memory', 'No room.'));
    const flights = [full.step(row(1)), full.step(row(2)), other.step(row(101))];
    await pause();
    await runner.land();
    assert.deepEqual(await Promise.all(flights.map(codeOf)), ['out-of-memory', 'out-of-memory', '101']);
    await full.leave();
    const next = other.step(row(102));
    await pause();
    await runner.land();
    assert.equal(await codeOf(next), '102');
  });

  test('a device that fails fails the round; who leaves is not waited for, and leaves nothing behind', async () => {
    const { runner, rounds, join } = start();
    const [one, two] = [join(), join()];
    runner.broken = new EngineError('device-lost', 'Gone.');
    const flights = [one.step(row(1)), two.step(row(2))];
    assert.deepEqual(await Promise.all(flights.map(codeOf)), ['device-lost', 'device-lost']);
    runner.broken = null;
    const [kept, dropped] = [one.step(row(3)), two.step(row(4))];
    await two.leave();
    assert.equal(rounds.texts, 1);
    await runner.land();
    assert.deepEqual(await Promise.all([kept, dropped].map(codeOf)), ['3', 'aborted']);
    const next = one.step(row(6));
    await pause();
    await runner.land();
    assert.equal(await codeOf(next), '6');
  });

  test('a record that tells of a defect fails its text alone', async () => {
    const { runner, join } = start();
    const [bad, good] = [join(), join()];
    const wrong = row(1);
    const choiceOf = (): never => {
      throw new EngineError('internal', 'A logit is not a number.');
    };
    const flights = [bad.step({ ...wrong, choosing: { ...wrong.choosing, choiceOf } }), good.step(row(101))];
    await pause();
    await runner.land();
    await runner.land();
    assert.deepEqual(await Promise.all(flights.map(codeOf)), ['internal', '101']);
  });
});

test('the lane lets one in at a time, in order; who is stopped while waiting is out, and nobody is held back', async () => {
  const lane = new Lane();
  const log: string[] = [];
  const first = await lane.enter(undefined);
  const stop = new AbortController();
  const stopped = lane.enter(stop.signal);
  const third = lane.enter(undefined).then((leave) => {
    log.push('third');
    return leave;
  });
  stop.abort();
  await assert.rejects(stopped, { code: 'aborted' });
  assert.equal(log.length, 0);
  first();
  first(); // twice is once
  const leave = await third;
  const fourth = lane.enter(undefined).then(() => void log.push('fourth'));
  await pause();
  assert.equal(log.join(), 'third');
  leave();
  await fourth;
});
