// One chunk of a prompt at a time, over all texts of a decoder: chunks are as long as a tenth of a second (pace.ts), and
// between two of them the texts that are being decoded have their turn, however many prompts are being read. Whoever waits
// is served in the order of coming, so long prompts take turns. Called by webgpu-sequence.ts.

import { EngineError } from '../../protocol/errors.js';

export class Lane {
  private taken = false;
  private readonly waiting: (() => void)[] = [];

  /** @returns to be called once when the chunk is done. @throws EngineError `aborted` while it waits */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    if (this.taken) await this.turn(signal);
    this.taken = true;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.next();
    };
  }

  private turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const come = (): void => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      const stop = (): void => {
        this.waiting.splice(this.waiting.indexOf(come), 1);
        reject(new EngineError('aborted', 'The request was stopped.'));
      };
      this.waiting.push(come);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Taken from one hand to the next, so that nobody slips in between. */
  private next(): void {
    const come = this.waiting.shift();
    if (come === undefined) this.taken = false;
    else come();
  }
}
