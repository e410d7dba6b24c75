// How many tokens of a prompt one submit takes: as many as the device computes in about a tenth of a second, learnt from
// the chunks before. A driver's watchdog stops passes of seconds, a page on the same GPU stutters long before, and an abort
// waits for one chunk. Called by webgpu-sequence.ts. What is computed does not depend on it (see there).

const fewest = 16;
const targetMs = 100;

export class Pace {
  /** Tokens of the next chunk. */
  rows: number;

  /** @param most rows of the scratch */
  constructor(private readonly most: number) {
    this.rows = Math.min(most, 2 * fewest);
  }

  /** While other texts are being decoded, which wait for each chunk: half as long. */
  get rowsBeside(): number {
    return Math.max(fewest, this.rows / 2);
  }

  learn(rows: number, milliseconds: number): void {
    if (rows < this.rows && milliseconds < targetMs) return; // the end of a prompt says little
    const fitting = (rows * targetMs) / Math.max(milliseconds, 1);
    // Powers of two, and at most twice as many as were tried.
    const next = 2 ** Math.floor(Math.log2(Math.min(fitting, 2 * rows)));
    this.rows = Math.max(fewest, Math.min(this.most, next));
  }
}
