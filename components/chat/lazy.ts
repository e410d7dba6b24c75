// A rare part of the chat, fetched when it is first needed: history, files, export, voice, the list of shortcuts. Until
// then a page that never uses it downloads nothing of it. Used by rare.ts.
// What goes wrong: the part cannot be fetched (no network, a new version of the site) -> told in words, and the next press
// tries again.

import type { ReactiveElement } from 'lit';
import { EngineError } from '../../engine/protocol/errors.js';

export class Lazy<Part> {
  /** The part, once it is there. */
  get part(): Part | null {
    return this.#part;
  }

  readonly #host: ReactiveElement;
  readonly #load: () => Promise<Part>;
  readonly #failed: (error: EngineError) => void;
  #part: Part | null = null;
  #pending: Promise<Part | null> | null = null;

  constructor(host: ReactiveElement, load: () => Promise<Part>, failed: (error: EngineError) => void) {
    this.#host = host;
    this.#load = load;
    this.#failed = failed;
  }

  /** The next `get` makes another one. */
  drop(): void {
    this.#part = null;
    this.#pending = null;
  }

  /** Fetches it where that has not happened; null where that fails, which is told elsewhere. */
  get(): Promise<Part | null> {
    this.#pending ??= this.#load().then(
      (part) => {
        this.#part = part;
        this.#host.requestUpdate();
        return part;
      },
      (thrown: unknown) => {
        this.#pending = null;
        this.#failed(
          new EngineError('network', 'A part of the chat could not be loaded.', {
            hint: 'Check the connection and try again, or reload the page.',
            cause: thrown,
          }),
        );
        return null;
      },
    );
    return this.#pending;
  }
}
