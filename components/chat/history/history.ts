// The kept conversations in a dialog: search, open, rename, delete. Fetched when it is opened (rare.ts). What is listed is
// what the store says; it is looked at again when any tab changed something.
// A conversation that cannot be opened any more is listed with the reason and can be deleted; it hinders no other.

import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { repeat } from 'lit/directives/repeat.js';
import type { ConversationList, ConversationSummary } from '../../../engine/protocol/conversations.js';
import { EngineError, type EngineErrorShape } from '../../../engine/protocol/errors.js';
import { adopt } from '../../internal/adopt.js';
import { errorNotice, spokenError } from '../../internal/error-notice.js';
import { editIcon, trashIcon } from '../../internal/more-icons.js';
import type { DialogContent } from '../dialog/dialog.js';
import type { ChatParts } from '../parts.js';
import { historyStyles } from './history.styles.js';
import { historyWords as words } from './history.words.js';
import type { Keeper } from './keeper.js';

/** Milliseconds after the last letter before it is searched. */
const rest = 200;
const shown = 100;

export class History {
  readonly #parts: ChatParts;
  #list: ConversationList | null = null;
  #error: EngineErrorShape | null = null;
  #query = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Which list is the newest asked for. */
  #asked = 0;
  /** Of the engine's counter: what the list was made of. */
  #seen = -1;
  #acting: { readonly kind: 'rename' | 'delete'; readonly id: string } | null = null;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    adopt(parts.host, historyStyles);
  }

  readonly content: DialogContent = {
    title: () => words.title,
    render: () => this.#render(),
    closed: () => {
      clearTimeout(this.#timer);
      this.#list = null;
      this.#error = null;
      this.#acting = null;
      this.#query = '';
      this.#seen = -1;
    },
  };

  get #keeper(): Keeper | null {
    return this.#parts.rare.keeper.part;
  }

  get #changes(): number {
    return this.#parts.engine.state?.changes.conversations ?? 0;
  }

  async #look(): Promise<void> {
    const asked = ++this.#asked;
    this.#seen = this.#changes;
    try {
      await this.#keeper?.flush();
      const { conversations } = await this.#parts.engine.store.connect();
      const list = await conversations.list({ text: this.#query, limit: shown });
      if (asked !== this.#asked) return;
      this.#list = list;
      this.#error = null;
      if (this.#query.trim() !== '') {
        this.#parts.speaker.say(() => (list.total === 0 ? words.noMatch(this.#query) : words.found(list.total)));
      }
    } catch (thrown) {
      if (asked === this.#asked) this.#failed(thrown);
    }
    this.#parts.host.requestUpdate();
  }

  #render(): TemplateResult {
    if (this.#seen !== this.#changes) void this.#look();
    const input = (event: Event) => {
      this.#query = (event.currentTarget as HTMLInputElement).value;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#look(), rest);
    };
    return html`<input
        class="search"
        type="search"
        autofocus
        autocomplete="off"
        dir="auto"
        aria-label=${words.search}
        placeholder=${words.search}
        .value=${live(this.#query)}
        @input=${input}
      />
      ${this.#error === null ? nothing : errorNotice(this.#error)} ${this.#renderList(this.#list)}`;
  }

  #renderList(list: ConversationList | null): TemplateResult {
    if (list === null) return html`<p class="quiet">${this.#error === null ? words.loading : nothing}</p>`;
    const { conversations, total, kind } = list;
    const searched = this.#query.trim() !== '';
    const where = kind === 'indexeddb' ? words.where : kind === 'memory' ? words.memory : words.never;
    return html`${
        conversations.length === 0
          ? html`<p class="kept quiet">${searched ? words.noMatch(this.#query) : words.none}</p>`
          : html`<ul class="kept" aria-label=${words.title}>
              ${repeat(
                conversations,
                ({ id }) => id,
                (one) => html`<li data-id=${one.id}>${this.#renderOne(one)}</li>`,
              )}
            </ul>`
      }
      ${total > conversations.length ? html`<p class="quiet">${words.more(conversations.length, total)}</p>` : nothing}
      <p class="quiet">${where}</p>
      ${this.#keeper?.allowed === false ? html`<p class="quiet">${words.off}</p>` : nothing}`;
  }

  #renderOne(one: ConversationSummary): TemplateResult {
    const title = one.readable ? one.title || words.untitled : words.untitled;
    const acting = this.#acting?.id === one.id ? this.#acting.kind : null;
    if (acting === 'rename') return this.#renderRename(one.id, title);
    if (acting === 'delete') return this.#renderQuestion(one.id, title);
    const current = one.id === this.#parts.talk.conversation.id;
    const buttons = html`${
        one.readable
          ? html`<button
              type="button"
              class="plain small"
              aria-label=${words.rename(title)}
              title=${words.rename(title)}
              @click=${() => this.#act('rename', one.id)}
            >
              ${editIcon()}
            </button>`
          : nothing
      }<button
        type="button"
        class="plain small"
        aria-label=${words.delete(title)}
        title=${words.delete(title)}
        @click=${() => this.#act('delete', one.id)}
      >
        ${trashIcon()}
      </button>`;
    if (!one.readable) {
      const why = one.reason === 'key-lost' ? words.keyLost : words.damaged;
      return html`<div class="open"><span class="facts">${words.changed(one.updated)}</span><span>${why}</span></div>
        ${buttons}`;
    }
    return html`<button
        type="button"
        class="plain open"
        aria-current=${current ? 'true' : 'false'}
        @click=${() => void this.#open(one.id)}
      >
        <span class="title" dir="auto">${title}</span>
        ${one.excerpt === '' ? nothing : html`<span class="excerpt" dir="auto">${one.excerpt}</span>`}
        <span class="facts"
          >${words.changed(one.updated)} ·
          ${words.messages(one.messages)}${current ? ` · ${words.current}` : nothing}</span
        >
      </button>
      ${buttons}`;
  }

  #renderRename(id: string, title: string): TemplateResult {
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      const field = (event.currentTarget as HTMLFormElement).querySelector('input');
      void this.#rename(id, field?.value.trim() ?? '');
    };
    return html`<form @submit=${submit}>
      <input class="search" dir="auto" maxlength="200" aria-label=${words.name} .value=${title} />
      <button class="primary">${words.save}</button>
      <button type="button" @click=${() => this.#act(null, id)}>${words.cancel}</button>
    </form>`;
  }

  #renderQuestion(id: string, title: string): TemplateResult {
    return html`<div class="question">
      <p dir="auto">${words.question(title)}</p>
      <button type="button" class="danger" @click=${() => void this.#delete(id)}>${words.deleteNow}</button>
      <button type="button" @click=${() => this.#act(null, id)}>${words.cancel}</button>
    </div>`;
  }

  #act(kind: 'rename' | 'delete' | null, id: string): void {
    const before = this.#acting?.kind;
    this.#acting = kind === null ? null : { kind, id };
    this.#parts.host.requestUpdate();
    // The pressed button went: into the field, to the safe answer, or back to where it began.
    const target =
      kind === 'rename'
        ? 'input'
        : kind === 'delete'
          ? '.question button:last-child'
          : before === 'rename'
            ? '.small'
            : '.small:last-child';
    this.#focus(`[data-id="${id}"] ${target}`);
  }

  async #open(id: string): Promise<void> {
    try {
      await this.#keeper?.open(id);
      this.#parts.rare.dialog.part?.close();
      this.#parts.host.focus();
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  async #rename(id: string, title: string): Promise<void> {
    const { engine, talk, speaker } = this.#parts;
    try {
      const { conversations } = await engine.store.connect();
      if (talk.conversation.id === id) talk.conversation.rename(title);
      await conversations.write({ ...(await conversations.read(id)), title });
      speaker.say(() => words.renamed);
      this.#act(null, id);
      await this.#look();
      this.#focus(`[data-id="${id}"] .open`);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  async #delete(id: string): Promise<void> {
    const { host, engine, talk, speaker } = this.#parts;
    const place = this.#list?.conversations.findIndex((one) => one.id === id) ?? 0;
    try {
      const open = talk.conversation.id === id;
      if (open) this.#keeper?.forget();
      try {
        await (await engine.store.connect()).conversations.delete(id);
      } catch (thrown) {
        // Gone already is as good; anything else, and it is kept as before.
        if (EngineError.from(thrown).code !== 'conversation-not-found') {
          if (open) this.#keeper?.recall();
          throw thrown;
        }
      }
      if (open && talk.conversation.id === id) host.newChat();
      this.#acting = null;
      speaker.say(() => words.deleted);
      await this.#look();
      const next = this.#list?.conversations[Math.min(place, this.#list.conversations.length - 1)];
      this.#focus(next === undefined ? '.search' : `[data-id="${next.id}"] .small:last-child`);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  #failed(thrown: unknown): void {
    const error = EngineError.from(thrown).toShape();
    this.#error = error;
    this.#parts.speaker.say(() => spokenError(error));
    this.#parts.host.requestUpdate();
  }

  #focus(selector: string): void {
    const { host } = this.#parts;
    void host.updateComplete.then(() => host.shadowRoot?.querySelector<HTMLElement>(`dialog ${selector}`)?.focus());
  }
}
