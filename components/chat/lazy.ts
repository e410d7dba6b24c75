// A part of the chat that is fetched when it is first needed: until then a page downloads nothing of it. Used by chat.ts and
// by what stands around it; what a part does is in its own folder.
// What goes wrong: the part cannot be fetched (no network, a new version of the site) -> told in words, unless nobody asked
// for it yet; the next press, or the next message, tries again.

import type { ReactiveElement } from 'lit';
import { EngineError } from '../../engine/protocol/errors.js';

const missing = (cause: unknown): EngineError =>
  new EngineError('network', 'A part of the chat could not be loaded.', {
    hint: 'Check the connection and try again, or reload the page.',
    cause,
  });

/** For an import that failed. @throws EngineError `network` */
export const partMissing = (cause: unknown): never => {
  throw missing(cause);
};

export class Lazy<Part> {
  /** The part, once it is there. */
  part: Part | null = null;
  /** It was asked for and could not be fetched. */
  failed = false;
  readonly #host: ReactiveElement;
  readonly #load: () => Promise<Part>;
  readonly #failed: (error: EngineError) => void;
  #pending: Promise<Part | null> | null = null;
  /** Somebody waits for it. */
  #wanted = false;

  constructor(host: ReactiveElement, load: () => Promise<Part>, failed: (error: EngineError) => void) {
    this.#host = host;
    this.#load = load;
    this.#failed = failed;
  }

  /** The next `get` makes another one. */
  drop(): void {
    this.part = null;
    this.#pending = null;
  }

  /** It may be needed soon: fetches it, and says nothing where that fails. */
  soon(): void {
    void this.#fetch();
  }

  /** It will be needed: fetches it, once. What fails by itself is not tried by itself again. */
  want(): void {
    if (!this.#wanted) void this.get();
  }

  /** Fetches it where that has not happened; null where that fails, which is told elsewhere. */
  get(): Promise<Part | null> {
    this.#wanted = true;
    return this.#fetch();
  }

  #fetch(): Promise<Part | null> {
    return (this.#pending ??= this.#load().then(
      (part) => {
        this.part = part;
        this.failed = false;
        this.#host.requestUpdate();
        return part;
      },
      (cause: unknown) => {
        this.#pending = null;
        this.failed = this.#wanted;
        if (!this.failed) return null;
        this.#failed(missing(cause));
        return null;
      },
    ));
  }
}
