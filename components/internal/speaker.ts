// Says things to screen readers: one polite live region per element, there from the first render (a region that
// appears together with its words is often not read). Words of an answer are said by sentences and not more often than a
// voice can follow, never token by token; the log of messages itself is silent for that reason.

import { html, type ReactiveController, type ReactiveElement, type TemplateResult } from 'lit';
import { inLanguageOf } from './texts.js';

/** Milliseconds between two readings of a growing answer. */
const interval = 1_500;

export class SpeakerController implements ReactiveController {
  readonly #host: ReactiveElement;
  #said = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveElement) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Says `text`; nothing for an empty one. Words of the catalogue as a function: it runs in the element's language. */
  say(text: string | (() => string)): void {
    const said = typeof text === 'string' ? text : inLanguageOf(this.#host, text);
    if (said === '') return;
    this.#said = said;
    this.#host.requestUpdate();
  }

  /** Soon, and once for all calls until then, says what `read` gives. */
  sayLater(read: () => string): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.say(read);
    }, interval);
  }

  /** Forgets what `sayLater` planned. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  render(): TemplateResult {
    return html`<div class="hidden" role="status" aria-live="polite" aria-atomic="true">${this.#said}</div>`;
  }
}
