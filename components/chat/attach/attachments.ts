// Files that wait in the composer until the message is sent: read as text, each with what it costs in tokens, refused in
// plain words where it is none or too large; and what is seen while files hang over the element. Fetched when the first file
// is chosen, pasted or dragged here (rare.ts, which takes them).
// What goes wrong: a count that the engine cannot give is left out; the file can be sent all the same.

import { html, nothing, type TemplateResult } from 'lit';
import type { Attachment, TokenCount } from '../../../engine/protocol/conversations.js';
import { adopt } from '../../internal/adopt.js';
import { LlmAttachEvent } from '../../internal/events.js';
import { closeIcon, fileIcon } from '../../internal/more-icons.js';
import { words } from '../../internal/words.js';
import { withFiles } from '../files-in-text.js';
import type { ChatParts } from '../parts.js';
import { attachStyles } from './attach.styles.js';
import { attachWords } from './attach.words.js';
import { largestFile, readFile, type ReadFile } from './read-file.js';

/** At a time; more are no message to a model of this size. */
const mostFiles = 10;

interface Waiting {
  readonly id: number;
  readonly name: string;
  /** Null while it is being read. */
  readonly attachment: Attachment | null;
  readonly count: TokenCount | null;
}

export class Attachments {
  readonly #parts: ChatParts;
  #waiting: readonly Waiting[] = [];
  /** What was refused, in the language of the moment it is shown. */
  #problems: readonly (() => string)[] = [];
  #nextId = 1;
  /** Files hang over the element. */
  #over = false;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    const { host } = parts;
    adopt(host, attachStyles);
    host.addEventListener('dragover', ({ defaultPrevented }) => this.#drag(defaultPrevented));
    host.addEventListener('drop', () => this.#drag(false));
    host.addEventListener('dragleave', ({ relatedTarget }) => {
      // Moving over to a child leaves nothing.
      if (!(relatedTarget instanceof Node && host.contains(relatedTarget))) this.#drag(false);
    });
  }

  /** Those that have been read. */
  get ready(): readonly Attachment[] {
    return this.#waiting.flatMap(({ attachment }) => attachment ?? []);
  }

  get reading(): boolean {
    return this.#waiting.some(({ attachment }) => attachment === null);
  }

  /** Reads them, unless the page objects. */
  async add(files: readonly File[]): Promise<void> {
    if (files.length === 0 || !this.#parts.host.dispatchEvent(new LlmAttachEvent({ files }))) return;
    this.#problems = [];
    const room = mostFiles - this.#waiting.length;
    if (files.length > room) this.#refuse(() => attachWords.refused.tooMany(mostFiles));
    await Promise.all(files.slice(0, Math.max(0, room)).map((file) => this.#read(file)));
  }

  /** They were sent, or the conversation was replaced. */
  clear(): void {
    this.#waiting = [];
    this.#problems = [];
    this.#changed();
  }

  render(): unknown {
    if (this.#waiting.length === 0 && this.#problems.length === 0) return nothing;
    const tokens = this.#waiting.reduce((sum, { count }) => sum + (count?.tokens ?? 0), 0);
    const limit = this.#waiting.find(({ count }) => count?.contextLength)?.count?.contextLength ?? null;
    const problems = this.#problems.map((problem) => problem());
    if (limit !== null && tokens >= limit) problems.push(attachWords.tooMuch(tokens, limit));
    return html`${
      this.#waiting.length === 0
        ? nothing
        : html`<ul class="pending" part="attachments" aria-label=${attachWords.label}>
            ${this.#waiting.map((file) => this.#renderFile(file))}
          </ul>`
    }${
      problems.length === 0
        ? nothing
        : html`<ul class="problems" part="attachment-problems">
            ${problems.map((problem) => html`<li dir="auto">${problem}</li>`)}
          </ul>`
    }`;
  }

  /** Over the whole element. */
  renderDrop(): unknown {
    return this.#over ? html`<div class="drop" aria-hidden="true">${words.chat.drop}</div>` : nothing;
  }

  #drag(over: boolean): void {
    if (over === this.#over) return;
    this.#over = over;
    this.#parts.host.requestUpdate();
  }

  #renderFile({ id, name, attachment, count }: Waiting): TemplateResult {
    const cost = count === null ? '' : (count.exact ? attachWords.cost : attachWords.about)(count.tokens);
    return html`<li part="attachment">
      ${fileIcon()}<bdi>${name}</bdi>
      <span>${attachment === null ? attachWords.reading : cost}</span>
      <button
        type="button"
        class="plain small"
        data-file=${id}
        aria-label=${attachWords.remove(name)}
        title=${attachWords.remove(name)}
        @click=${() => this.#remove(id)}
      >
        ${closeIcon()}
      </button>
    </li>`;
  }

  async #read(file: File): Promise<void> {
    const { name, size: byteLength } = file;
    const id = this.#nextId++;
    this.#waiting = [...this.#waiting, { id, name, attachment: null, count: null }];
    this.#changed();
    const read = await readFile(file);
    if (!this.#waiting.some((one) => one.id === id)) return; // removed meanwhile
    if (read.kind === 'refused') {
      this.#waiting = this.#waiting.filter((one) => one.id !== id);
      this.#refuse(() => refusal(read.why, name, byteLength));
      return;
    }
    const attachment = { name, text: read.text, byteLength };
    this.#set(id, { attachment });
    this.#parts.speaker.say(() => attachWords.added(name));
    this.#set(id, { count: await this.#count(attachment) });
  }

  /** What the model reads because of it. */
  async #count(attachment: Attachment): Promise<TokenCount | null> {
    try {
      const engine = await this.#parts.engine.store.connect();
      const message = (content: string) => ({ messages: [{ role: 'user' as const, content }] });
      const [empty, whole] = await Promise.all([
        engine.countTokens(message('')),
        engine.countTokens(message(withFiles('', [attachment]))),
      ]);
      return { ...whole, tokens: Math.max(1, whole.tokens - empty.tokens) };
    } catch {
      return null;
    }
  }

  #remove(id: number): void {
    const name = this.#waiting.find((one) => one.id === id)?.name ?? '';
    const place = this.#waiting.findIndex((one) => one.id === id);
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
    this.#problems = [];
    this.#parts.speaker.say(() => attachWords.removed(name));
    this.#changed();
    // Its button went: to the next file's, else to the field.
    const next = this.#waiting[Math.min(place, this.#waiting.length - 1)];
    const { host } = this.#parts;
    void host.updateComplete.then(() => {
      const button = host.shadowRoot?.querySelector<HTMLElement>(`[data-file="${String(next?.id)}"]`);
      (button ?? host).focus();
    });
  }

  #refuse(problem: () => string): void {
    this.#problems = [...this.#problems, problem];
    this.#parts.speaker.say(problem);
    this.#changed();
  }

  #set(id: number, change: Partial<Waiting>): void {
    this.#waiting = this.#waiting.map((one) => (one.id === id ? { ...one, ...change } : one));
    this.#changed();
  }

  #changed(): void {
    this.#parts.draftChanged();
    this.#parts.host.requestUpdate();
  }
}

function refusal(why: Extract<ReadFile, { kind: 'refused' }>['why'], name: string, size: number): string {
  const { refused } = attachWords;
  switch (why) {
    case 'too-large':
      return refused.tooLarge(name, size, largestFile);
    case 'no-text':
      return refused.noText(name);
    case 'empty':
      return refused.empty(name);
    case 'unreadable':
      return refused.unreadable(name);
  }
}
