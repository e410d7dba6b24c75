// Lets the event loop turn: a decoder that never waits (WebAssembly on this thread) would otherwise keep an abort or
// another tab's message from arriving until the answer is done. Called by `generate.ts` between tokens.

import { nextTask } from '../decoders/next-task.js';

/** Pauses when the last pause was at least this many milliseconds ago; an 8 ms wait is half a frame. */
export class Breather {
  private last: number;

  constructor(
    private readonly every = 8,
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
