// Keeps the newest words in view while they arrive, until the reader scrolls up: then nothing moves under their eyes
// and the element offers a way back. One per `<llm-chat>`; it knows a scrolling element and nothing of messages.

import { html, nothing, type ReactiveController, type ReactiveElement } from 'lit';
import { downIcon } from '../../internal/icons.js';
import { turnsWords } from './turns.words.js';

/** Nearer to the end than this (CSS pixels) counts as being there. */
const nearEnd = 48;

export class FollowController implements ReactiveController {
  readonly #host: ReactiveElement;
  #scroller: HTMLElement | null = null;
  /** The view stays at the end; false after the reader scrolled up. */
  #following = true;
  #top = 0;

  constructor(host: ReactiveElement) {
    this.#host = host;
    host.addController(this);
  }

  hostUpdated(): void {
    this.#scroller ??= this.#host.shadowRoot?.querySelector('.scroller') ?? null; // once: it stays
    if (!this.#following) return;
    // The reader may have scrolled since the last `scroll` event: their move comes first.
    if ((this.#scroller?.scrollTop ?? 0) < this.#top) this.scrolled();
    if (this.#following) this.#toEnd();
  }

  /** To be called for the scroller's `scroll` events. */
  readonly scrolled = (): void => {
    const scroller = this.#scroller;
    if (scroller === null) return;
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < nearEnd;
    // Growing content fires no scroll event; only a move upwards is the reader's wish to stay where they are.
    const upwards = scroller.scrollTop < this.#top;
    this.#top = scroller.scrollTop;
    const following = atEnd || (this.#following && !upwards);
    if (following === this.#following) return;
    this.#following = following;
    this.#host.requestUpdate();
  };

  /** Goes to the end and stays there. */
  readonly latest = (): void => {
    this.#following = true;
    this.#toEnd();
    this.#host.requestUpdate();
  };

  /** The way back. */
  render(): unknown {
    if (this.#following) return nothing;
    const back = () => {
      this.#scroller?.focus(); // the button goes: the focus stays at what it led to
      this.latest();
    };
    return html`<button
      type="button"
      class="latest"
      aria-label=${turnsWords.jumpToLatest}
      title=${turnsWords.jumpToLatest}
      @click=${back}
    >
      ${downIcon()}
    </button>`;
  }

  #toEnd(): void {
    const scroller = this.#scroller;
    if (scroller === null) return;
    scroller.scrollTop = scroller.scrollHeight;
    this.#top = scroller.scrollTop;
  }
}
