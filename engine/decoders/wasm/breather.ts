// Lets the event loop turn while a pass computes, so that an abort, or another tab's message, arrives within a few
// milliseconds. Called by pass-runner.ts between layers. A MessageChannel, because browsers stretch repeated timers to 4 ms.

/** Pauses when the last pause was at least this many milliseconds ago. */
export class Breather {
  private last = performance.now();

  constructor(private readonly every: number) {}

  /** Null when it is too early: then nothing need be awaited. */
  breathe(): Promise<void> | null {
    if (performance.now() - this.last < this.every) return null;
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        this.last = performance.now();
        resolve();
      };
      port2.postMessage(null);
    });
  }
}
