// So many at once, the others in the order in which they came. Called where memory or a server must be spared.

export class Line {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param atOnce asked each time, so that it may change */
  constructor(private readonly atOnce: () => number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.atOnce()) await new Promise<void>((resume) => this.#waiting.push(resume));
    else this.#running++;
    try {
      return await work();
    } finally {
      // A place is handed on, not freed and taken again: nobody slips in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
