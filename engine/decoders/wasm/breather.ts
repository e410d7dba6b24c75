// Lets the event loop turn while a pass computes, so that an abort, or another tab's message, arrives within a few
// milliseconds. Called by pass-runner.ts between layers. A MessageChannel, because browsers stretch repeated timers to 4 ms.

/** In Node an open port keeps the process alive, unless told not to. */
type Port = MessagePort & { ref?(): void; unref?(): void };

/** Pauses when the last pause was at least this many milliseconds ago. */
export class Breather {
  private last = performance.now();
  private channel: { readonly near: Port; readonly far: MessagePort } | null = null;
  private resume: (() => void) | null = null;

  constructor(private readonly every: number) {}

  /** Null when it is too early: then nothing need be awaited. */
  breathe(): Promise<void> | null {
    if (performance.now() - this.last < this.every) return null;
    const { near, far } = (this.channel ??= this.open());
    return new Promise((resolve) => {
      this.resume = resolve;
      near.ref?.();
      far.postMessage(null);
    });
  }

  /** After the last pause; the next one would begin anew. */
  close(): void {
    this.channel?.near.close();
    this.channel = null;
  }

  /** One channel for all pauses: making one takes longer than a message. */
  private open(): { near: Port; far: MessagePort } {
    const { port1: near, port2: far } = new MessageChannel() as { port1: Port; port2: MessagePort };
    near.onmessage = () => {
      near.unref?.();
      this.last = performance.now();
      this.resume?.();
    };
    return { near, far };
  }
}
