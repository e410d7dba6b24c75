// The parts of a chat that most visits never need, each fetched when it is: files, history, the menu, the cloud's switch,
// dictating, the list of shortcuts. This file knows when that is; it holds the few lines that must be there before (buttons,
// and taking what is dropped or pasted). One per `<llm-chat>`.

import { html, nothing, type ReactiveController } from 'lit';
import type { Attachment } from '../../engine/protocol/conversations.js';
import { clipIcon } from '../internal/icons.js';
import { words } from '../internal/words.js';
import type { ChatParts } from './parts.js';

export class RareController implements ReactiveController {
  readonly attachments;
  readonly keeper;
  readonly dialog;
  readonly menu;
  readonly #history;
  readonly #shortcuts;
  readonly #dictation;
  readonly #cloud;
  readonly #parts: ChatParts;

  constructor(parts: ChatParts) {
    const { host, speaker } = parts;
    const lazy = <Part>(load: () => Promise<Part>) => parts.lazy(load);
    this.#parts = parts;
    this.dialog = lazy(async () => new (await import('./dialog/dialog.js')).DialogController(host, speaker));
    this.attachments = lazy(async () => new (await import('./attach/attachments.js')).Attachments(parts));
    this.keeper = lazy(async () => new (await import('./history/keeper.js')).Keeper(parts));
    this.menu = lazy(async () => new (await import('./menu/menu.js')).Menu(parts));
    this.#history = lazy(async () => new (await import('./history/history.js')).History(parts));
    this.#shortcuts = lazy(async () => (await import('./shortcuts/shortcuts.js')).shortcutsDialog(parts));
    this.#dictation = lazy(async () => new (await import('./voice/dictation.js')).Dictation(parts));
    this.#cloud = lazy(async () => (await import('./cloud/cloud-switch.js')).cloudSwitch(parts));
    host.addController(this);
  }

  hostConnected(): void {
    if (this.#parts.host.history) void this.keeper.get();
  }

  hostUpdated(): void {
    if (this.#cloudState) this.#cloud.want();
  }

  hostDisconnected(): void {
    this.#endHistory();
    this.#dictation.part?.end();
  }

  /** The site's `history` was set or taken away. */
  historyChanged(on: boolean): void {
    if (on) void this.keeper.get();
    else this.#endHistory();
  }

  /** Opens a kept conversation where nobody has said anything. */
  async restore(id: string): Promise<void> {
    await (await this.keeper.get())?.bringBack(id);
  }

  /** What waits in the composer. */
  get files(): readonly Attachment[] {
    return this.attachments.part?.ready ?? [];
  }

  /** A message was sent with them. */
  sent(): void {
    this.attachments.part?.clear();
    this.#dictation.part?.end();
  }

  async openHistory(): Promise<void> {
    const [dialog, history] = await Promise.all([this.dialog.get(), this.#history.get()]);
    if (history !== null) dialog?.open(history.content);
  }

  async openShortcuts(): Promise<void> {
    const [dialog, content] = await Promise.all([this.dialog.get(), this.#shortcuts.get()]);
    if (content !== null) dialog?.open(content);
  }

  renderAttach(disabled: boolean): unknown {
    if (!this.#takesFiles) return nothing;
    const pick = () => {
      const input = document.createElement('input');
      input.type = 'file';
      input.multiple = true;
      input.addEventListener('change', () => this.#attach(input.files), { once: true });
      input.click();
    };
    return html`<button
      type="button"
      class="plain round"
      part="attach-button"
      aria-label=${words.chat.attach}
      title=${words.chat.attach}
      ?disabled=${disabled}
      @click=${pick}
    >
      ${clipIcon()}
    </button>`;
  }

  renderDictate(disabled: boolean): unknown {
    if (!this.#parts.host.dictation) return nothing;
    this.#dictation.want();
    return this.#dictation.part?.render(disabled);
  }

  /** Only where the site set an endpoint. */
  renderCloudSwitch(): unknown {
    const state = this.#cloudState;
    return state ? (this.#cloud.part?.(state) ?? nothing) : nothing;
  }

  /** Files over the element are taken, not opened by the browser; what is seen of it is drawn by attach/attachments.ts. */
  readonly drag = (event: DragEvent): void => {
    const { type, dataTransfer } = event;
    if (!this.#takesFiles || dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault();
    if (type === 'drop') this.#attach(dataTransfer.files);
    else {
      dataTransfer.dropEffect = 'copy';
      this.attachments.want();
    }
  };

  /** Files from the clipboard; pasted text stays text. */
  readonly paste = (event: ClipboardEvent): void => {
    const { clipboardData } = event;
    // What comes from a text editor or a table has a picture beside its text: the text is meant.
    if (!this.#takesFiles || !clipboardData?.files.length || clipboardData.types.includes('text/plain')) return;
    event.preventDefault();
    this.#attach(clipboardData.files);
  };

  /** @param list read at once: the browser empties that of a drop or a paste */
  #attach(list: FileList | null): void {
    const files = [...(list ?? [])];
    void this.attachments.get().then((attachments) => attachments?.add(files));
  }

  #endHistory(): void {
    this.keeper.part?.end();
    this.keeper.drop();
  }

  get #takesFiles(): boolean {
    return this.#parts.host.attachments !== 'off';
  }

  get #cloudState() {
    const cloud = this.#parts.engine.state?.cloud;
    return cloud && cloud.endpoint !== null ? { ...cloud, endpoint: cloud.endpoint } : null;
  }
}
