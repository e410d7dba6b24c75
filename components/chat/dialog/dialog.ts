// The one dialog of a chat, at most one at a time: modal (the browser keeps the focus inside and gives it back), closed by
// its button, Escape or a press beside it. What is in it belongs to the part that opened it. Fetched with
// the first one; one per `<llm-chat>`.

import { html, nothing, type ReactiveController, type ReactiveElement, type TemplateResult } from 'lit';
import { adopt } from '../../internal/adopt.js';
import { closeIcon } from '../../internal/more-icons.js';
import type { SpeakerController } from '../../internal/speaker.js';
import { words } from '../../internal/words.js';
import { dialogStyles } from './dialog.styles.js';

export interface DialogContent {
  /** Its title, read at each render. */
  readonly title: () => string;
  readonly render: () => TemplateResult;
  /** It was closed, by whatever. */
  readonly closed?: () => void;
}

export class DialogController implements ReactiveController {
  /** What is shown; null while closed. */
  get content(): DialogContent | null {
    return this.#content;
  }

  readonly #host: ReactiveElement;
  readonly #speaker: SpeakerController;
  #content: DialogContent | null = null;
  /** It was opened and is not on screen yet. A closed one is shown for a moment more: its `close` event comes later. */
  #unshown = false;
  #opener: Element | null = null;

  /** @param speaker while the dialog is open nothing outside of it is read, so that it speaks inside */
  constructor(host: ReactiveElement, speaker: SpeakerController) {
    this.#host = host;
    this.#speaker = speaker;
    adopt(host, dialogStyles);
    host.addController(this);
  }

  open(content: DialogContent): void {
    this.#opener ??= this.#host.shadowRoot?.activeElement ?? null;
    this.#content = content;
    this.#unshown = true;
    this.#host.requestUpdate();
  }

  close(): void {
    this.#element?.close();
  }

  hostUpdated(): void {
    if (!this.#unshown) return;
    const element = this.#element;
    if (element === null) return;
    this.#unshown = false;
    if (!element.open) element.showModal();
  }

  hostDisconnected(): void {
    this.#closed();
  }

  render(): unknown {
    const content = this.#content;
    if (content === null) return nothing;
    const pressed = (event: MouseEvent) => {
      // On the backdrop the dialog itself is hit, never something in it.
      if (event.target === event.currentTarget) this.close();
    };
    const keydown = (event: KeyboardEvent) => event.stopPropagation();
    return html`<dialog
      part="dialog"
      aria-labelledby="dialog-title"
      @close=${this.#closed}
      @click=${pressed}
      @keydown=${keydown}
    >
      <div class="sheet">
        <header>
          <h2 id="dialog-title">${content.title()}</h2>
          <button
            type="button"
            class="plain"
            aria-label=${words.chat.close}
            title=${words.chat.close}
            @click=${() => this.close()}
          >
            ${closeIcon()}
          </button>
        </header>
        ${content.render()} ${this.#speaker.render()}
      </div>
    </dialog>`;
  }

  readonly #closed = (): void => {
    const content = this.#content;
    if (content === null) return;
    const opener = this.#opener;
    this.#content = null;
    this.#opener = null;
    content.closed?.();
    this.#host.requestUpdate();
    // The browser gives the focus back to what had it; where that is gone (a menu that closed), to the field.
    void this.#host.updateComplete.then(() => {
      if (!this.#host.isConnected || this.#host.shadowRoot?.activeElement) return;
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      if (!this.#host.shadowRoot?.activeElement) this.#host.focus();
    });
  };

  get #element(): HTMLDialogElement | null {
    // Looked for only where there is one: the search goes through all of the chat, and is made at each render.
    if (this.#content === null) return null;
    return this.#host.shadowRoot?.querySelector('dialog') ?? null;
  }
}
