// Continuous batching: the next tokens of all texts that are being decoded are computed together, one row each, so that
// they share one pass over the weights. Texts join and leave between two rounds (Orca, Yu et al. 2022). Each decode loop has
// a *seat*, puts its steps there in order and reads their choices. Called by webgpu-sequence.ts; knows nothing of shaders.
//
// A round goes when every text that takes part has a step waiting: those that were in the round before answer at about the
// same time, when its choices arrive. One whose caller is slow is waited for until the device would have nothing to do,
// then left out until it comes again. A text alone is never waited for.
// What a row computes does not depend on the others (kernels/wgsl/step.ts), so neither do choices.
// What goes wrong: no room for one text's pages ends that text's steps alone; a lost device, a model that is closed or an
// error of the driver end those of the round.

import { EngineError } from '../../protocol/errors.js';
import type { Choice } from '../decoder.js';
import { nextTask } from '../next-task.js';
import type { Fed, RowRequest, RowsOutcome } from './step-parts.js';

/** Steps under way at most of a text that is alone: the GPU never waits for JavaScript, and little is thrown away. */
const aheadAlone = 3;

/** And of each, where there are several: a newcomer's prompt waits for all that is under way. */
const aheadTogether = 2;

/** A step whose choice is awaited. */
export interface Flight extends Fed {
  /** Null where the CPU must choose. */
  readonly choice: Promise<Choice | null>;
}

/** Who computes rounds: `Steps`. */
export interface RoundRunner {
  /** Rows of a round at most; grows when `prepareSeveral` has been asked for. */
  readonly fewRows: number;
  prepareSeveral(): Promise<void>;
  runRows(rows: readonly RowRequest[]): Promise<RowsOutcome>;
}

interface Pending {
  readonly row: RowRequest;
  readonly flight: { id: number | null; record: number };
  readonly resolve: (choice: Choice | null) => void;
  readonly reject: (error: unknown) => void;
}

export class Rounds {
  private readonly seats = new Set<Seat>();
  /** Rounds submitted whose choices have not come. */
  private underWay = 0;
  private gathering = false;
  private asking = false;
  private rounds = 0;

  constructor(private readonly runner: RoundRunner) {}

  /** Texts that are being decoded. */
  get texts(): number {
    return this.seats.size;
  }

  /** Steps that a text may have waiting and under way. */
  get ahead(): number {
    return this.seats.size > 1 ? aheadTogether : aheadAlone;
  }

  join(): Seat {
    const seat = new Seat(
      () => this.consider(),
      () => this.seats.delete(seat),
    );
    this.seats.add(seat);
    if (this.seats.size > 1) void this.runner.prepareSeveral();
    return seat;
  }

  private consider(): void {
    if (this.gathering) return;
    if (this.complete()) void this.gather();
    else if (this.underWay === 0 && !this.asking && this.waiting().length > 0) void this.askOnce();
  }

  /** Whether nobody who takes part is missing. */
  private complete(): boolean {
    let waiting = 0;
    for (const seat of this.seats) {
      if (seat.first !== undefined) waiting += 1;
      else if (seat.expected) return false;
    }
    return waiting > 0;
  }

  private waiting(): Seat[] {
    return [...this.seats].filter((seat) => seat.first !== undefined);
  }

  /** Whoever has just got a choice has this turn of the event loop to ask for its next step. */
  private async askOnce(): Promise<void> {
    this.asking = true;
    await nextTask();
    this.asking = false;
    if (this.gathering) return;
    if (this.underWay === 0) for (const seat of this.seats) if (seat.first === undefined) seat.expected = false;
    this.consider();
  }

  private async gather(): Promise<void> {
    this.gathering = true;
    while (this.complete()) await this.round();
    this.gathering = false;
    this.consider();
  }

  private async round(): Promise<void> {
    const round = ++this.rounds;
    const seats = this.waiting();
    const most = Math.max(1, this.runner.fewRows);
    // Those that were left out longest; rows keep the order in which texts came.
    const chosen = new Set([...seats].sort((a, b) => a.lastRound - b.lastRound).slice(0, most));
    const taken = seats.filter((seat) => chosen.has(seat)).map((seat) => ({ seat, step: seat.take(round) }));
    this.underWay += 1;
    try {
      const outcome = await this.runner.runRows(taken.map(({ step }) => step.row));
      const stepOf = new Map(taken.map(({ step }) => [step.row, step]));
      for (const { row, error } of outcome.failed) taken.find(({ step }) => step.row === row)?.seat.fail(error);
      const submitted = outcome.taken.map((row) => stepOf.get(row) as Pending);
      void this.land(submitted, outcome);
    } catch (error) {
      for (const { seat } of taken) seat.fail(error);
      this.underWay -= 1;
    } finally {
      for (const { seat } of taken) seat.submitted();
    }
  }

  /** Hands the choices of a round out as soon as they are there. */
  private async land(steps: readonly Pending[], { place }: RowsOutcome): Promise<void> {
    steps.forEach(({ flight }, at) => (flight.record = (place?.firstRecord ?? 0) + at));
    try {
      if (place === null) for (const { resolve } of steps) resolve(null);
      // While the place is still taken: a later step takes its token from the record or from `id`, never from a record
      // that is another's by now.
      else await place.read(steps.length, (words) => steps.forEach((step, at) => settle(step, words, at)));
    } catch (error) {
      for (const { reject } of steps) reject(error);
    } finally {
      this.underWay -= 1;
      this.consider();
    }
  }
}

/** A record that tells of a defect fails the text that it belongs to, not the round. */
function settle({ row, flight, resolve, reject }: Pending, words: Uint32Array, at: number): void {
  try {
    const choice = row.choosing.commands.length === 0 ? null : row.choosing.choiceOf(words, at);
    flight.id = choice?.id ?? 0; // of a choice that does not hold: what is computed with it is thrown away
    resolve(choice);
  } catch (error) {
    flight.id = 0;
    reject(error);
  }
}

/** One decode loop's part in the rounds. */
export class Seat {
  /** Whether others wait for it. */
  expected = false;
  lastRound = 0;
  private queue: Pending[] = [];
  /** Taken for a round that is not submitted yet. */
  private taken: Pending | null = null;
  private readonly onSubmitted: (() => void)[] = [];

  constructor(
    private readonly changed: () => void,
    private readonly vacate: () => void,
  ) {}

  get first(): Pending | undefined {
    return this.queue[0];
  }

  /** Puts a step behind those that wait; it is submitted after them, in a later round. */
  step(row: RowRequest): Flight {
    const flight = { id: null as number | null, record: 0 };
    const choice = new Promise<Choice | null>((resolve, reject) => this.queue.push({ row, flight, resolve, reject }));
    choice.catch(() => undefined); // told to whoever asks for the choice
    this.expected = true;
    this.changed();
    return Object.assign(flight, { choice });
  }

  take(round: number): Pending {
    const step = this.queue.shift() as Pending;
    this.taken = step;
    this.lastRound = round;
    return step;
  }

  submitted(): void {
    this.taken = null;
    for (const resolve of this.onSubmitted.splice(0)) resolve();
  }

  /** The step that was taken failed, and with it those that would have gone on from it. */
  fail(error: unknown): void {
    this.expected = false;
    this.taken?.reject(error);
    for (const { reject } of this.queue.splice(0)) reject(error);
  }

  /**
   * Forgets the steps that wait, and resolves when none is on its way to the device: from then on the text's pages are its
   * own again. Steps that were submitted go on and may be ignored, since whatever is submitted later comes after them.
   */
  async drop(): Promise<void> {
    for (const { reject } of this.queue.splice(0))
      reject(new EngineError('aborted', 'The step was not wanted any more.'));
    if (this.taken !== null) await new Promise<void>((resolve) => this.onSubmitted.push(resolve));
  }

  async leave(): Promise<void> {
    this.expected = false;
    await this.drop();
    this.vacate();
    this.changed();
  }
}
