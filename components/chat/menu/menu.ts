// What is behind the button with the dots: saving the conversation, opening a saved one, the list of shortcuts. Fetched when
// the button is about to be pressed (rare.ts); the button itself is frame.ts'. A disclosure, not a menu of roles: Tab walks
// through it, Escape closes it.

import { css, html, type TemplateResult } from 'lit';
import { adopt } from '../../internal/adopt.js';
import type { ChatParts } from '../parts.js';
import { openRecord, recordOf } from '../record.js';
import { menuWords } from './menu.words.js';

const styles = css`
  .menu ul {
    /* Hangs on the header: on its button it would reach out of a narrow chat. */
    position: absolute;
    inset-block-start: calc(100% - 0.25rem);
    inset-inline-end: 0.5rem;
    z-index: 2;
    inline-size: max-content;
    max-inline-size: min(18rem, calc(100cqi - 1.5rem));
    margin: 0;
    padding: 0.3rem;
    border: 1px solid var(--_line);
    border-radius: calc(var(--_radius) * 0.75);
    list-style: none;
    background: var(--_surface);
    box-shadow: 0 6px 24px rgb(0 0 0 / 18%);
  }

  .menu li button {
    inline-size: 100%;
    justify-content: flex-start;
    border-radius: 8px;
    color: var(--_text);
    text-align: start;
  }
`;

interface MenuItem {
  readonly label: string;
  readonly run: () => void;
}

export class Menu {
  readonly #parts: ChatParts;
  readonly #export;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    this.#export = parts.lazy(async () => new (await import('../export/export.js')).Export(parts));
    adopt(parts.host, styles);
  }

  render(): TemplateResult {
    return html`<ul>
      ${this.#items().map(
        ({ label, run }) =>
          html`<li>
            <button
              type="button"
              class="plain"
              @click=${(event: Event) => {
                this.#close(event, true);
                run();
              }}
            >
              ${label}
            </button>
          </li>`,
      )}
    </ul>`;
  }

  /** For the disclosure: Escape closes it. */
  readonly keydown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    this.#close(event, true);
  };

  /** For the disclosure: it closes when the focus goes elsewhere. */
  readonly left = (event: FocusEvent): void => {
    const { relatedTarget, currentTarget } = event;
    if (!(relatedTarget instanceof Node && (currentTarget as Element).contains(relatedTarget))) this.#close(event);
  };

  #close(from: Event, focus = false): void {
    const details = (from.currentTarget as Element).closest('details');
    if (details === null || !details.open) return;
    details.open = false;
    if (focus) details.querySelector('summary')?.focus();
  }

  #items(): readonly MenuItem[] {
    const said = this.#parts.talk.conversation.entries.length > 0;
    const saving = [
      { label: menuWords.exportMarkdown, run: () => void this.#save('markdown') },
      { label: menuWords.exportJson, run: () => void this.#save('json') },
    ];
    return [
      ...(said ? saving : []),
      { label: menuWords.import, run: () => void this.#open() },
      { label: menuWords.shortcuts, run: () => void this.#parts.rare.openShortcuts() },
    ];
  }

  async #save(format: 'markdown' | 'json'): Promise<void> {
    const part = await this.#export.get();
    part?.save(format, recordOf(this.#parts.talk.conversation));
  }

  /** Opens a saved conversation in the place of this one, which stays kept where conversations are. */
  async #open(): Promise<void> {
    const opened = await (await this.#export.get())?.open();
    if (!opened) return;
    const { talk, turns } = this.#parts;
    talk.replace(() => openRecord(talk.conversation, opened));
    turns.part?.follow.latest();
  }
}
