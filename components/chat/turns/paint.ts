// Renders a growing answer at once, but not more often than the screen does while tokens pour in. By a timer and not by
// animation frames, which stand still in hidden tabs. One per `<llm-chat>`.

import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Milliseconds between two renders of a growing answer. */
const frame = 16;

export class PaintController implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #painted = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Renders soon; once for all calls until then. */
  soon(): void {
    if (this.#timer !== undefined) return;
    const since = performance.now() - this.#painted;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#painted = performance.now();
        this.#host.requestUpdate();
      },
      Math.max(0, frame - since),
    );
  }
}
