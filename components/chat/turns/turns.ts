// The messages as they are shown and said, and what a visitor does with them: the rows of buttons, other words for a question,
// versions, deleting and undoing, cards of tool calls, the room that is left, reading aloud. Fetched, with markdown, when
// somebody turns to the field, at the latest with the first message (parts.ts); until then there is log.ts.
// It changes the conversation through TalkController and moves the focus when a button goes with what it did.

import { html, nothing, type ReactiveController, type TemplateResult } from 'lit';
import type { ToolCall } from '../../../engine/protocol/chat.js';
import { adopt } from '../../internal/adopt.js';
import { LlmDeleteEvent } from '../../internal/events.js';
import { formatBytes } from '../../internal/format.js';
import { fileIcon } from '../../internal/more-icons.js';
import { laterMarkdownStyles } from '../../internal/markdown/later.styles.js';
import { blockText, keptRule, markdownStyles, MarkdownStream } from '../../internal/markdown/markdown.js';
import { languageTag } from '../../internal/texts.js';
import { words } from '../../internal/words.js';
import { isOpen, toMessage, type AnswerEntry, type Entry, type UserEntry } from '../entries.js';
import type { ChatParts } from '../parts.js';
import type { StatusLine } from '../status.js';
import type { ReadAloudSetting } from '../voice/read-aloud.js';
import { copyText } from './copy.js';
import { renderEditor } from './editor.js';
import { FollowController } from './follow.js';
import { renderEntries } from './message.js';
import { messageStyles } from './message.styles.js';
import { Meter } from './meter.js';
import { Narrator } from './narrator.js';
import { PaintController } from './paint.js';
import { renderAnswerRow, renderQuestionRow, type MessageActions, type RowContext } from './row.js';
import { countFrom, deleteFrom, putBack, show, type Deleted } from './thread-changes.js';
import { toolCallEvent } from './tool-result.js';
import { turnsStyles } from './turns.styles.js';
import { turnsWords } from './turns.words.js';

export class Turns implements ReactiveController {
  /** Whose words the visitor is changing. */
  editing: string | null = null;
  readonly meter: Meter;
  readonly follow: FollowController;
  readonly #parts: ChatParts;
  readonly #readAloud;
  readonly #narrator: Narrator;
  readonly #images = keptRule();
  readonly #links = keptRule();
  /** What is drawn of each answer, kept from one render to the next. */
  readonly #streams = new Map<string, MarkdownStream>();
  /** What can be put back, until something else is asked for. */
  #deleted: { readonly piece: Deleted; readonly count: number } | null = null;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    const { host, talk } = parts;
    this.meter = new Meter(parts);
    this.follow = new FollowController(host);
    this.#narrator = new Narrator(parts.speaker, (answer) => this.markdown(answer));
    this.#readAloud = parts.lazy(async () => new (await import('../voice/read-aloud.js')).ReadAloud(host));
    talk.moving = () => this.#moved();
    const paint = new PaintController(host);
    talk.subscribe(() => {
      this.#narrate();
      paint.soon();
    });
    this.#narrate();
    host.addController(this);
  }

  hostConnected(): void {
    adopt(this.#parts.host, markdownStyles, laterMarkdownStyles, messageStyles, turnsStyles);
  }

  hostUpdated(): void {
    const { busy, entries } = this.#parts.talk.conversation;
    if (busy || !voicesHere(this.#parts.host.readAloud)) return;
    if (entries.some(({ kind }) => kind === 'answer')) this.#readAloud.want();
  }

  hostDisconnected(): void {
    this.#readAloud.part?.end();
    this.meter.end();
  }

  /** Another one has the rows drawn anew. */
  get look(): string {
    return `${this.#parts.host.readAloud} ${String(this.#readAloud.part?.reading)} ${String(this.#readAloud.part !== null)}`;
  }

  /** @param off nothing can be done with them */
  renderEntries(entries: readonly Entry[], status: StatusLine, off: boolean): TemplateResult {
    const { host, talk } = this.#parts;
    return renderEntries(entries, {
      turns: this,
      busy: talk.conversation.busy || off,
      status,
      language: languageTag(),
      images: this.#images(host.allowedImages),
      links: this.#links(host.allowedLinks),
    });
  }

  /** An answer as far as it has come. */
  markdown(answer: AnswerEntry): MarkdownStream {
    const stream = this.#streams.get(answer.id) ?? new MarkdownStream();
    this.#streams.set(answer.id, stream);
    stream.update(answer.text, isOpen(answer));
    return stream;
  }

  /** The versions of a message, itself included. */
  siblings(id: string): readonly string[] {
    return this.#parts.talk.conversation.thread.siblingsOf(id);
  }

  /** What the model is called that wrote an answer. */
  modelName({ provenance }: AnswerEntry): string {
    const { state } = this.#parts.engine;
    const id = provenance?.model ?? '';
    if (state === null) return id;
    const { models, status } = state;
    // A model named by its address is in no catalogue; while it is loaded the engine knows its name.
    const loaded = status.kind === 'ready' && status.model.id === id ? status.model.name : id;
    return models.find((model) => model.id === id)?.name ?? loaded;
  }

  /** The whole answer calls a tool of the page. */
  call(call: ToolCall): void {
    const { host, talk } = this.#parts;
    host.dispatchEvent(toolCallEvent(call, (text) => talk.conversation.addToolResult(call.id, text, host)));
  }

  /** Opens the field in the message. */
  edit(id: string): void {
    this.editing = id;
    this.#parts.host.requestUpdate();
    this.#focus(`[data-entry="${id}"] textarea`);
  }

  renderEditor(entry: UserEntry): TemplateResult {
    const { id } = entry;
    return renderEditor(entry, {
      submit: (text) => this.#submit(entry, text),
      cancel: () => {
        this.editing = null;
        this.#parts.host.requestUpdate();
        this.#focusAction(id, 'edit');
      },
    });
  }

  renderFiles({ attachments }: UserEntry): unknown {
    if (attachments.length === 0) return nothing;
    return html`<ul class="files">
      ${attachments.map(
        ({ name, byteLength }) =>
          html`<li>${fileIcon()}<bdi>${name}</bdi> <span>${formatBytes(byteLength)}</span></li>`,
      )}
    </ul>`;
  }

  renderQuestionRow(entry: UserEntry, busy: boolean): TemplateResult {
    return renderQuestionRow(entry, this.#rowOf(entry.id, busy));
  }

  /** @param newest only the newest can go on */
  renderAnswerRow(answer: AnswerEntry, newest: boolean, busy: boolean): TemplateResult {
    const modelName = this.modelName(answer);
    return renderAnswerRow(answer, {
      ...this.#rowOf(answer.id, busy),
      newest,
      modelName,
      extra: this.#renderRead(answer),
    });
  }

  /** What was deleted, and the way back. */
  renderUndo(): unknown {
    if (this.#deleted === null) return nothing;
    return html`<div class="undo" part="undo">
      <span>${turnsWords.deleted(this.#deleted.count)}</span>
      <button type="button" @click=${() => this.#undo()}>${turnsWords.undo}</button>
    </div>`;
  }

  readonly actions: MessageActions = {
    copy: (text) => copyText(text, this.#parts.speaker),
    edit: (id) => this.edit(id),
    delete: (id) => this.#delete(id),
    again: (id) => {
      const { host, talk } = this.#parts;
      if (host.matches(':disabled')) return;
      talk.again(id);
      host.focus({ preventScroll: true });
    },
    proceed: () => {
      this.#parts.talk.proceed();
      this.#parts.host.focus({ preventScroll: true });
    },
    turn: (id, step) => this.#turn(id, step),
  };

  #rowOf(id: string, busy: boolean): RowContext {
    return { busy, siblings: this.siblings(id), actions: this.actions };
  }

  #renderRead(answer: AnswerEntry): unknown {
    const setting = this.#parts.host.readAloud;
    const part = this.#readAloud.part;
    if (part === null || answer.text === '' || !part.possible(setting)) return nothing;
    const text = () =>
      this.markdown(answer)
        .blocks.map(({ block }) => blockText(block, words.code.block))
        .join('\n');
    return part.render(answer.id, text, setting);
  }

  #submit({ id, attachments }: UserEntry, text: string): void {
    const { host, talk } = this.#parts;
    if (!talk.request(text, attachments, talk.conversation.thread.parentOf(id))) return;
    this.editing = null;
    host.requestUpdate();
  }

  #turn(id: string, step: -1 | 1): void {
    const { talk, speaker } = this.#parts;
    const siblings = this.siblings(id);
    const place = siblings.indexOf(id) + step;
    const other = siblings[place];
    if (other === undefined) return;
    talk.conversation.change((thread) => show(thread, other));
    speaker.say(() => turnsWords.version(place + 1, siblings.length));
    this.#focusAction(other, step < 0 ? 'earlier' : 'later');
  }

  #delete(id: string): void {
    const { host, talk, speaker } = this.#parts;
    const { conversation } = talk;
    const entry = conversation.thread.entries.get(id);
    if (entry === undefined || conversation.busy) return;
    const count = countFrom(conversation.thread, id);
    const message = toMessage(entry) ?? { role: 'assistant', content: null };
    if (!host.dispatchEvent(new LlmDeleteEvent({ message, count }))) return;
    const piece = conversation.change((thread) => deleteFrom(thread, id));
    if (piece === null) return;
    this.#deleted = { piece, count };
    speaker.say(() => turnsWords.deleted(count));
    host.requestUpdate();
    this.#focus('.undo button');
  }

  #undo(): void {
    if (this.#deleted === null) return;
    const { piece } = this.#deleted;
    const { host, talk, speaker } = this.#parts;
    this.#deleted = null;
    talk.conversation.change((thread) => putBack(thread, piece));
    speaker.say(() => turnsWords.putBack);
    host.requestUpdate();
    this.#focusAction(piece.cut.id, 'delete');
  }

  /** Something was asked for, or other messages are shown. */
  #moved(): void {
    const { entries, thread } = this.#parts.talk.conversation;
    this.#deleted = null;
    this.#readAloud.part?.end();
    if (!entries.some(({ id }) => id === this.editing)) this.editing = null;
    for (const id of this.#streams.keys()) if (!thread.entries.has(id)) this.#streams.delete(id);
  }

  #narrate(): void {
    const newest = () => this.#parts.talk.conversation.entries.findLast((entry) => entry.kind === 'answer') ?? null;
    const last = this.#parts.talk.conversation.entries.at(-1);
    if (last?.kind === 'answer') this.#narrator.answerChanged(last, newest);
  }

  /** The button of this name at a message, else the field: a button that went must not take the focus with it. */
  #focusAction(id: string, name: string): void {
    this.#focus(`[data-entry="${id}"] [data-action=${name}]`);
  }

  #focus(selector: string): void {
    const { host } = this.#parts;
    void host.updateComplete.then(() => {
      const found = host.shadowRoot?.querySelector<HTMLElement>(selector) ?? host;
      found.focus({ preventScroll: found === host });
    });
  }
}

function voicesHere(setting: ReadAloudSetting): boolean {
  if (setting === 'off' || typeof speechSynthesis === 'undefined') return false;
  return speechSynthesis.getVoices().some(({ localService }) => localService || setting === 'any');
}
