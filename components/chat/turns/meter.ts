// How full the context is: tokens of the conversation and of what stands in the field, of those that the model reads at
// once. Counted by the engine when the conversation rests, not while an answer grows. One per Turns.
// What goes wrong: an engine that cannot count leaves no meter; what is really too long is refused by the engine in words.

import { html, nothing, type TemplateResult } from 'lit';
import type { ChatMessage } from '../../../engine/protocol/chat.js';
import type { TokenCount } from '../../../engine/protocol/conversations.js';
import { withSystemPrompt } from '../entries.js';
import { withFiles } from '../files-in-text.js';
import type { ChatParts } from '../parts.js';
import { turnsWords } from './turns.words.js';

/** Milliseconds of rest before it is counted. */
const rest = 300;
/** From this share on it is said that the end is near: an answer needs room, too. */
const nearlyFull = 0.8;

export class Meter {
  readonly #parts: ChatParts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #count: TokenCount | null = null;
  #warned = false;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    this.changed();
  }

  /** The element left the page: nothing more is counted. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** What is counted changed. */
  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#measure(), rest);
  }

  render(): unknown {
    const { tokens = 0, contextLength = null } = this.#count ?? {};
    if (contextLength === null || tokens === 0) return nothing;
    const near = tokens >= nearlyFull * contextLength;
    const full = tokens >= contextLength;
    return this.#show(tokens, contextLength, full ? 'full' : near ? 'near' : 'fine');
  }

  #show(tokens: number, contextLength: number, level: 'fine' | 'near' | 'full'): TemplateResult {
    const remark = level === 'fine' ? '' : level === 'near' ? turnsWords.nearlyFull : turnsWords.full;
    return html`<div class="meter" part="meter" data-level=${level}>
      <span
        class="gauge"
        role="meter"
        aria-label=${turnsWords.meter}
        aria-valuemin="0"
        aria-valuemax=${contextLength}
        aria-valuenow=${Math.min(tokens, contextLength)}
        aria-valuetext=${turnsWords.used(tokens, contextLength)}
      >
        <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">
          <rect width=${Math.min(100, (100 * tokens) / contextLength)} height="4"></rect>
        </svg>
      </span>
      <span aria-hidden="true">${turnsWords.used(tokens, contextLength)}</span>
      ${remark === '' ? nothing : html`<span class="near">${remark}</span>`}
    </div>`;
  }

  async #measure(): Promise<void> {
    const asked = ++this.#asked;
    const { connection } = this.#parts.engine.store;
    const messages = this.#draft();
    let count: TokenCount | null = null;
    if (connection.kind === 'connected' && messages.length > 0) {
      try {
        count = await connection.engine.countTokens({ messages });
      } catch {
        // No meter is shown; the next request says what is wrong.
      }
    }
    if (asked !== this.#asked) return;
    this.#count = count;
    this.#warn();
    this.#parts.host.requestUpdate();
  }

  /** What a request would send now, with what stands in the composer. */
  #draft(): readonly ChatMessage[] {
    const { host, composer, rare } = this.#parts;
    const text = withFiles(composer.text, rare.files);
    const said = [...host.messages, ...(text === '' ? [] : [{ role: 'user' as const, content: text }])];
    return said.length === 0 ? [] : withSystemPrompt(said, host.systemPrompt);
  }

  #warn(): void {
    const { tokens = 0, contextLength = null } = this.#count ?? {};
    const near = contextLength !== null && tokens >= nearlyFull * contextLength;
    // Once, until there is room again.
    if (near && !this.#warned) {
      this.#parts.speaker.sayLater(() => (tokens >= contextLength ? turnsWords.full : turnsWords.nearlyFull));
    }
    this.#warned = near;
  }
}
