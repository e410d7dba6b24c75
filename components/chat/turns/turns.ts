// What a visitor does with messages that are there, and what is seen of it: the rows of buttons, other words for a question,
// versions, deleting and undoing, cards of tool calls, the room that is left, reading aloud. Fetched with the first message
// (chat.ts), so that it is there before the first answer is whole; until then a message is shown without it.
// It changes the conversation through TalkController and moves the focus when a button goes with what it did.

import { html, nothing, type ReactiveController, type TemplateResult } from 'lit';
import type { ToolCall } from '../../../engine/protocol/chat.js';
import { adopt } from '../../internal/adopt.js';
import { LlmDeleteEvent } from '../../internal/events.js';
import { formatBytes } from '../../internal/format.js';
import { fileIcon } from '../../internal/more-icons.js';
import { laterMarkdownStyles } from '../../internal/markdown/later.styles.js';
import { blockText } from '../../internal/markdown/tokens.js';
import { words } from '../../internal/words.js';
import { copyText } from '../copy.js';
import { toMessage, type AnswerEntry, type ToolEntry, type UserEntry } from '../entries.js';
import type { ChatParts } from '../parts.js';
import type { ReadAloudSetting } from '../voice/read-aloud.js';
import { renderEditor } from './editor.js';
import { Meter } from './meter.js';
import { renderAnswerRow, renderQuestionRow, type MessageActions, type RowContext } from './row.js';
import { countFrom, deleteFrom, putBack, show, type Deleted } from './thread-changes.js';
import { renderToolCall } from './tool-card.js';
import { toolCallEvent } from './tool-result.js';
import { turnsStyles } from './turns.styles.js';
import { turnsWords } from './turns.words.js';

export class Turns implements ReactiveController {
  /** Whose words the visitor is changing. */
  editing: string | null = null;
  readonly meter: Meter;
  readonly #parts: ChatParts;
  readonly #readAloud;
  /** What can be put back, until something else is asked for. */
  #deleted: { readonly piece: Deleted; readonly count: number } | null = null;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    const { host, talk } = parts;
    this.meter = new Meter(parts);
    this.#readAloud = parts.lazy(async () => new (await import('../voice/read-aloud.js')).ReadAloud(host));
    talk.moving = () => this.#moved();
    adopt(host, laterMarkdownStyles, turnsStyles);
    host.addController(this);
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

  renderQuestionRow(entry: UserEntry): TemplateResult {
    return renderQuestionRow(entry, this.#rowOf(entry.id));
  }

  /** @param newest only the newest can go on */
  renderAnswerRow(answer: AnswerEntry, newest: boolean, modelName: (id: string) => string): TemplateResult {
    return renderAnswerRow(answer, { ...this.#rowOf(answer.id), newest, modelName, extra: this.#renderRead(answer) });
  }

  renderToolCall(call: ToolCall, result: ToolEntry | undefined): TemplateResult {
    return renderToolCall(call, result);
  }

  /** What was deleted, and the way back. */
  renderUndo(): unknown {
    if (this.#deleted === null) return nothing;
    return html`<div class="undo" part="undo">
      <span>${turnsWords.deleted(this.#deleted.count)}</span>
      <button type="button" @click=${() => this.#undo()}>${turnsWords.undo}</button>
    </div>`;
  }

  readonly #actions: MessageActions = {
    copy: (text) => copyText(text, this.#parts.speaker),
    edit: (id) => this.edit(id),
    delete: (id) => this.#delete(id),
    again: (id) => {
      this.#parts.talk.again(id);
      this.#parts.host.focus({ preventScroll: true });
    },
    proceed: () => {
      this.#parts.talk.proceed();
      this.#parts.host.focus({ preventScroll: true });
    },
    turn: (id, step) => this.#turn(id, step),
  };

  #rowOf(id: string): RowContext {
    const { busy, thread } = this.#parts.talk.conversation;
    return {
      busy: busy || this.#parts.host.matches(':disabled'),
      siblings: thread.siblingsOf(id),
      actions: this.#actions,
    };
  }

  #renderRead(answer: AnswerEntry): unknown {
    const setting = this.#parts.host.readAloud;
    const part = this.#readAloud.part;
    if (part === null || answer.text === '' || !part.possible(setting)) return nothing;
    const text = () =>
      this.#parts.talk
        .markdown(answer)
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
    const siblings = talk.conversation.thread.siblingsOf(id);
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
    this.#deleted = null;
    this.#readAloud.part?.end();
    if (!this.#parts.talk.conversation.entries.some(({ id }) => id === this.editing)) this.editing = null;
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
