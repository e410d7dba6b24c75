// Lets the event loop turn: a decoder that never waits (WebAssembly on this thread) would otherwise keep an abort or
// another tab's message from arriving until the answer is done. Called by `generate.ts` between tokens.

import { nextTask } from '../decoders/next-task.js';

/** Pauses when the last pause was at least this many milliseconds ago: a call from another tab waits no longer (bench tabs). */
export class Breather {
  private last: number;

  constructor(
    private readonly every = 2,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.last = now();
  }

  async breathe(): Promise<void> {
    if (this.now() - this.last < this.every) return;
    await nextTask();
    this.last = this.now();
  }
}
