// What goes wrong beside the answers: a load, the cloud switch, an engine that fails by itself. Remembered until the next
// request, shown by one notice, said aloud, told to the page as `llm-error`, each once. One per `<llm-chat>`; an answer
// that fails shows its own error (turns/message.ts).

import { nothing, type ReactiveElement } from 'lit';
import { EngineError, type EngineErrorCode, type EngineErrorShape } from '../../engine/protocol/errors.js';
import { engineFailure, type EngineStore } from '../internal/engine-store.js';
import { errorNotice, spokenError } from '../internal/error-notice.js';
import { LlmErrorEvent } from '../internal/events.js';
import type { SpeakerController } from '../internal/speaker.js';
import { words } from '../internal/words.js';

/** Asking the same again would fail the same way. */
export const unchangeable: ReadonlySet<EngineErrorCode> = new Set([
  'prompt-empty',
  'prompt-too-long',
  'invalid-request',
]);

export class Troubles {
  readonly #host: ReactiveElement;
  readonly #store: () => EngineStore;
  readonly #speaker: SpeakerController;
  #failure: EngineErrorShape | null = null;
  /** Loading again would not help with it: it can only be closed. */
  #other = false;
  #told: EngineErrorShape | null = null;

  constructor(host: ReactiveElement, store: () => EngineStore, speaker: SpeakerController) {
    this.#host = host;
    this.#store = store;
    this.#speaker = speaker;
  }

  /** Something else is asked for: what failed before is of no interest. */
  forget(): void {
    if (this.#failure === null) return;
    this.#failure = null;
    this.#host.requestUpdate();
  }

  /** Loads the site's model. */
  async load(): Promise<void> {
    this.forget();
    try {
      await this.#store().load();
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code === 'aborted') return;
      // What the engine's state tells, too, is told once: by `engineChanged`.
      if (this.#lasting()?.message !== error.message) this.#fail(error.toShape());
    }
  }

  /** Loads it where no other tab's model would be replaced. */
  async autoload(): Promise<void> {
    try {
      const engine = await this.#store().connect();
      if (engine.state.status.kind === 'idle') await this.load();
    } catch {
      // The store's state says so and is shown.
    }
  }

  async allowCloud(allowed: boolean): Promise<void> {
    this.forget();
    try {
      await this.#store().allowCloud(allowed);
    } catch (thrown) {
      this.#fail(EngineError.from(thrown).toShape());
    }
    // The switch shows the state again, whatever was clicked.
    this.#host.requestUpdate();
  }

  /** @param busy an answer is asked for: its own failure is told instead */
  engineChanged(busy: boolean): void {
    const error = this.#lasting();
    const known = error === this.#told || error?.message === this.#failure?.message;
    if (error !== null && !known && !busy) {
      // Most often another engine is there in a moment: only what lasts is said.
      this.#speaker.sayLater(() => {
        const lasting = this.#lasting();
        return lasting === null ? '' : spokenError(lasting);
      });
      this.#host.dispatchEvent(new LlmErrorEvent(error));
    }
    this.#told = error;
  }

  render(): unknown {
    const error = this.#failure ?? this.#lasting();
    if (error === null) return nothing;
    if (this.#failure !== null && this.#other) {
      return errorNotice(error, { label: words.chat.close, run: () => this.#dismiss() });
    }
    return errorNotice(
      error,
      unchangeable.has(error.code) ? undefined : { label: words.chat.retry, run: () => this.#again() },
    );
  }

  /** Something failed that is neither an answer nor a load. */
  show(error: EngineError): void {
    this.#fail(error.toShape());
    this.#other = true;
  }

  /** The notice goes with its button: the focus has the field to stay at. */
  #again(): void {
    void this.load();
    this.#host.focus();
  }

  #dismiss(): void {
    this.forget();
    this.#host.focus();
  }

  #fail(error: EngineErrorShape): void {
    this.#failure = error;
    this.#other = false;
    this.#host.requestUpdate();
    this.#speaker.say(() => spokenError(error));
    this.#host.dispatchEvent(new LlmErrorEvent(error));
  }

  /** What the engine stands at. */
  #lasting(): EngineErrorShape | null {
    return engineFailure(this.#store().connection);
  }
}
