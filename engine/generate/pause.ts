// Lets the event loop turn: a decoder that never waits (WebAssembly on this thread) would otherwise keep an abort or
// another tab's message from arriving until the answer is done. Called by `generate.ts` between tokens.
// A MessageChannel and not a timer, because browsers stretch repeated timers to 4 ms.

/** Resolves in a later task. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

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
