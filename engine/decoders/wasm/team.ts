// How threads go through a pass in step: a few words of shared memory, Atomics, no messages. The leader (the decoder's own
// thread) publishes a pass and its steps; followers (wasm-thread.ts) compute their shares of each step and meet the leader
// at the barriers within it. Used by thread-pool.ts and wasm-thread.ts; knows nothing of what is computed.
//
//   +0    how many have reached the barrier      +64  barriers passed so far      (Int32)
//   +128  steps published, ever                  +192 the step that began the current pass, then the pass's numbers
//                                                     (a pass of no rows: the end)
//   +256  1 once a follower has failed           +320 how many sleep
//   +384, and 64 bytes further for each thread after the first: barriers passed when it offered its share of the work
//         before the next one, times 128, and how many parts of it have been taken; behind it, what part of the whole its
//         share is in this pass (balance.ts), and how many microseconds it waited for others in the last
//
// A pass's steps are: begin, one a layer, end. A follower that finds another pass begun has been abandoned by the last
// one, which happens between two steps only; it starts over with the new one.
// Who waits spins for a millisecond and then sleeps (Atomics.wait). Waking a thread takes some ten microseconds, and so does
// saying so to the system: with a spin shorter than that and a share together, one late thread makes the other sleep, which is
// then late itself, at every barrier from there on. Who spins in vain is overtaken by whoever wants the core.
// A page's main thread may not sleep and goes on spinning; that is why decoders belong in workers.
// What goes wrong: a follower that failed or does not come within `patience` ends the pass with an error; the team is
// then of no use any more.

import { Balance, type Balancing, boundsOf } from './balance.js';
import type { LedTeam } from './pass-runner.js';
import type { Pass } from './forward.js';
import { Pace, type Pacing } from './pace.js';
import type { Team } from './sharing.js';

const arrived = 0;
const passed = 16;
const steps = 32;
const passWords = 48;
const failed = 64;
const sleeping = 80;
const offered = 96;
/** Words from one thread's to the next: a cache line. */
const apart = 16;
/** Behind `offered`. */
const shareOf = offered + 1;
const waitedOf = offered + 2;
/** More than a share has parts. */
const generationShift = 7;

/** Bytes of the control words. */
export const controlBytes = (threads: number): number => 4 * (offered + apart * threads);

/** Milliseconds of looking at a word before sleeping; the time between two tokens is shorter, too. */
const spinFor = 1;
/** Looks between two looks at the clock. */
const looks = 64;

/** Lets the processor rest for some cycles, where the browser has it: the other thread may share its core. */
const rest: () => void = (Atomics as typeof Atomics & { pause?: () => void }).pause ?? (() => undefined);

/** Milliseconds: far longer than any share takes, unless a thread is gone. */
const usualPatience = 20_000;

const fields = ['rows', 'position', 'floatPages', 'int8Pages', 'closeFrom', 'closeTo', 'logitRows'] as const;

/** Addresses, multiples of 64 that may be beyond 4 GiB, pass as 64ths. */
const unitOf = (field: (typeof fields)[number]): number => (field === 'floatPages' || field === 'int8Pages' ? 64 : 1);

/** Whether this thread may sleep. */
const maySleep = typeof document === 'undefined';

/** The team is of no use any more. */
export class TeamFailure extends Error {
  override readonly name = 'TeamFailure';
}

class Member implements Team {
  /** Int32 over the control words; shared, so it never detaches. */
  protected readonly words: Int32Array;
  bounds: readonly number[];
  /** Milliseconds at barriers, in this pass. */
  protected waited = 0;

  constructor(
    memory: WebAssembly.Memory,
    control: number,
    readonly index: number,
    readonly size: number,
    private readonly patience = usualPatience,
  ) {
    this.words = new Int32Array(memory.buffer, control, controlBytes(size) / 4);
    this.bounds = boundsOf(Array.from({ length: size }, () => 1));
  }

  barrier(): void {
    const { words } = this;
    const generation = Atomics.load(words, passed);
    if (Atomics.add(words, arrived, 1) === this.size - 1) {
      Atomics.store(words, arrived, 0);
      Atomics.store(words, passed, generation + 1);
      this.wake(passed);
    } else if (Atomics.load(words, passed) === generation) {
      const began = performance.now();
      this.awaitChange(passed, generation);
      this.waited += performance.now() - began;
    }
  }

  offer(): void {
    Atomics.store(this.words, offered + apart * this.index, this.offering());
  }

  take(thread: number, parts: number): number {
    const { words } = this;
    const word = offered + apart * thread;
    for (;;) {
      const now = Atomics.load(words, word);
      const taken = (now - this.offering()) | 0;
      if (taken < 0 || taken >= parts) return -1;
      if (Atomics.compareExchange(words, word, now, now + 1) === now) return taken;
    }
  }

  /** Of a share of which nothing is taken. No barrier is passed while this thread works. */
  private offering(): number {
    return Atomics.load(this.words, passed) << generationShift;
  }

  /** After a change of the word. Who goes to sleep counts itself first and looks at the word once more. */
  protected wake(word: number): void {
    if (Atomics.load(this.words, sleeping) !== 0) Atomics.notify(this.words, word);
  }

  /** Returns when the word is no longer `value`. @throws TeamFailure */
  protected awaitChange(word: number, value: number, limit = this.patience): void {
    const { words } = this;
    let last = 0;
    for (let until = 0; until === 0 || last < until;) {
      for (let i = 0; i < looks; i++) {
        if (Atomics.load(words, word) !== value) return;
        rest();
      }
      last = performance.now();
      if (until === 0) until = last + spinFor;
    }
    let waited = 0;
    while (Atomics.load(words, word) === value) {
      if (Atomics.load(words, failed) !== 0) throw new TeamFailure('a thread failed');
      if (waited > limit) throw new TeamFailure('a thread did not come to a barrier');
      if (maySleep) {
        Atomics.add(words, sleeping, 1);
        Atomics.wait(words, word, value, Math.min(limit, 1000));
        Atomics.sub(words, sleeping, 1);
      }
      const now = performance.now();
      waited += Math.min(now - last, 1000); // the computer may have slept meanwhile
      last = now;
    }
  }
}

export class Leader extends Member implements LedTeam {
  /** Of a pass that says something about the threads. */
  private lastTook: number | null = null;

  constructor(
    memory: WebAssembly.Memory,
    control: number,
    size: number,
    patience?: number,
    readonly newPace: () => Pacing = () => new Pace(size),
    private readonly balance: Balancing = new Balance(size),
  ) {
    super(memory, control, 0, size, patience);
  }

  start(pass: Pass): void {
    const { words } = this;
    this.shareOut();
    fields.forEach((field, i) => (words[passWords + 1 + i] = pass[field] / unitOf(field)));
    Atomics.store(words, passWords, Atomics.load(words, steps) + 1);
    this.next();
  }

  took(milliseconds: number): void {
    this.lastTook = milliseconds;
  }

  next(): void {
    Atomics.add(this.words, steps, 1);
    this.wake(steps);
  }

  /** Followers end. */
  stop(): void {
    this.start({ rows: 0, position: 0, floatPages: 0, int8Pages: 0, closeFrom: 0, closeTo: 0, logitRows: 0 });
  }

  /** The shares of the pass to come. Followers told their waiting of the last one long ago, or what is read is the one's before. */
  private shareOut(): void {
    const { words, balance } = this;
    if (this.lastTook !== null) {
      const waited = Array.from({ length: this.size }, (_, i) => (words[waitedOf + apart * i] as number) / 1000);
      waited[0] = this.waited;
      balance.took(this.lastTook, waited);
      this.lastTook = null;
    }
    this.waited = 0;
    const { shares } = balance;
    shares.forEach((share, i) => (words[shareOf + apart * i] = share));
    this.bounds = boundsOf(shares);
  }

  /** Nothing to say: followers wait for the next step, which will be another pass's first. */
  abandon(): void {
    return undefined;
  }
}

/** What a follower does with the steps that it is led through. */
export interface Steps {
  begin(pass: Pass): void;
  layer(index: number, pass: Pass): void;
  end(pass: Pass): void;
}

export class Follower extends Member {
  /** Goes through passes until the leader stops. @throws what a step throws */
  follow(work: Steps, layers: number): void {
    const { words } = this;
    let done = 0;
    for (;;) {
      this.awaitStep(done);
      const first = Atomics.load(words, passWords);
      const pass = this.pass();
      if (pass.rows === 0) return;
      this.bounds = boundsOf(Array.from({ length: this.size }, (_, i) => words[shareOf + apart * i] as number));
      this.waited = 0;
      done = first;
      work.begin(pass);
      for (let layer = 0; layer <= layers; layer++) {
        this.awaitStep(done);
        if (Atomics.load(words, passWords) !== first) break;
        done += 1;
        if (layer < layers) work.layer(layer, pass);
        else work.end(pass);
      }
      words[waitedOf + apart * this.index] = Math.round(this.waited * 1000);
    }
  }

  /** The leader does not wait for this thread any longer. */
  fail(): void {
    Atomics.store(this.words, failed, 1);
    this.wake(passed);
  }

  /** Returns when a step after `done` has been published. */
  private awaitStep(done: number): void {
    for (;;) {
      const now = Atomics.load(this.words, steps);
      if (((now - done) | 0) > 0) return;
      this.awaitChange(steps, now, Infinity);
    }
  }

  private pass(): Pass {
    const values = fields.map(
      (field, i) => [field, ((this.words[passWords + 1 + i] as number) >>> 0) * unitOf(field)] as const,
    );
    return Object.fromEntries(values) as unknown as Pass;
  }
}
