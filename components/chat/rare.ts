// The parts of a chat that most visits never need, each fetched when it is: files, history, saving and opening, dictating,
// reading aloud, the list of shortcuts. This file knows when that is and hands them what they work with; it holds the few
// lines that must be there before (buttons, where files are dropped). One per `<llm-chat>`.

import { html, nothing, type ReactiveController, type TemplateResult } from 'lit';
import type { Attachment } from '../../engine/protocol/conversations.js';
import type { EngineError } from '../../engine/protocol/errors.js';
import type { EngineController } from '../internal/engine-controller.js';
import { clipIcon, microphoneIcon, stopIcon, voiceIcon } from '../internal/icons.js';
import type { LlmElement } from '../internal/llm-element.js';
import { blockText } from '../internal/markdown/tokens.js';
import type { SpeakerController } from '../internal/speaker.js';
import { words } from '../internal/words.js';
import { renderButton } from './actions.js';
import type { DialogController } from './dialog.js';
import type { AnswerEntry } from './entries.js';
import type { MenuItem } from './frame.js';
import { Lazy } from './lazy.js';
import type { TalkController } from './talk.js';
import type { ReadAloud, ReadAloudSetting } from './voice/read-aloud.js';

/** What the parts work with. */
export interface RareContext {
  readonly host: LlmElement;
  readonly engine: EngineController;
  readonly talk: TalkController;
  readonly speaker: SpeakerController;
  readonly dialog: DialogController;
  /** Shows a failure and says it. */
  readonly fail: (error: EngineError) => void;
  /** What would be sent now is another. */
  readonly draftChanged: () => void;
  /** Another conversation is shown. */
  readonly restored: () => void;
  readonly newChat: () => void;
  /** @returns puts text behind what stands in the field now, each time in the place of the last */
  readonly write: () => (text: string) => void;
}

export interface RareSettings {
  readonly history: boolean;
  readonly attachments: 'on' | 'off';
  readonly readAloud: ReadAloudSetting;
  readonly dictation: boolean;
}

export class RareController implements ReactiveController {
  /** Files hang over the element. */
  dropping = false;
  readonly attachments;
  readonly keeper;
  readonly #history;
  readonly #export;
  readonly #shortcuts;
  readonly #dictation;
  readonly #readAloud;
  readonly #context: RareContext;
  readonly #settings: () => RareSettings;
  #extras: { readonly key: string; readonly render: (answer: AnswerEntry) => unknown } | null = null;

  constructor(context: RareContext, settings: () => RareSettings) {
    this.#context = context;
    this.#settings = settings;
    const { host, fail } = context;
    const lazy = <Part>(load: () => Promise<Part>) => new Lazy(host, load, fail);
    this.attachments = lazy(async () => new (await import('./attach/attachments.js')).Attachments(context));
    this.keeper = lazy(async () => new (await import('./history/keeper.js')).Keeper(context));
    this.#history = lazy(
      async () => new (await import('./history/history.js')).History(context, () => this.keeper.part),
    );
    this.#export = lazy(async () => new (await import('./export/export.js')).Export(context));
    this.#shortcuts = lazy(async () => (await import('./shortcuts/shortcuts.js')).shortcutsDialog(context));
    this.#dictation = lazy(async () => new (await import('./voice/dictation.js')).Dictation(context));
    this.#readAloud = lazy(async () => new (await import('./voice/read-aloud.js')).ReadAloud(context));
    host.addController(this);
  }

  hostConnected(): void {
    if (this.#settings().history) void this.keeper.get();
  }

  hostDisconnected(): void {
    this.keeper.part?.end();
    this.keeper.drop();
    this.#dictation.part?.end();
    this.#readAloud.part?.end();
    this.dropping = false;
  }

  hostUpdated(): void {
    const { talk } = this.#context;
    // Where a voice may be used and there is something to read.
    if (this.#readAloud.part === null && voicesHere(this.#settings().readAloud) && !talk.conversation.busy) {
      if (talk.conversation.entries.some(({ kind }) => kind === 'answer')) void this.#readAloud.get();
    }
  }

  /** The site's `history` was set or taken away. */
  historyChanged(on: boolean): void {
    if (on) void this.keeper.get();
    else {
      this.keeper.part?.end();
      this.keeper.drop();
    }
  }

  /** What waits in the composer. */
  get files(): readonly Attachment[] {
    return this.attachments.part?.ready ?? [];
  }

  /** A message was sent with them. */
  sent(): void {
    this.attachments.part?.clear();
    this.#dictation.part?.end();
    this.#readAloud.part?.end();
  }

  async attach(files: readonly File[]): Promise<void> {
    if (this.#settings().attachments !== 'off') await (await this.attachments.get())?.add(files);
  }

  async openHistory(): Promise<void> {
    const history = await this.#history.get();
    if (history !== null) this.#context.dialog.open(history.content);
  }

  async openShortcuts(): Promise<void> {
    const content = await this.#shortcuts.get();
    if (content !== null) this.#context.dialog.open(content);
  }

  async save(format: 'markdown' | 'json'): Promise<void> {
    (await this.#export.get())?.save(format, this.#context.talk.conversation.record());
  }

  /** Opens a saved conversation in the place of this one, which stays kept where conversations are. */
  async import(): Promise<void> {
    const opened = await (await this.#export.get())?.open();
    if (!opened) return;
    const { talk, restored } = this.#context;
    talk.replace(() => talk.conversation.restore(opened));
    restored();
  }

  /** What the header's menu offers. @param said there is something to save */
  menu(said: boolean): readonly MenuItem[] {
    const saving = [
      { label: words.chat.exportMarkdown, run: () => void this.save('markdown') },
      { label: words.chat.exportJson, run: () => void this.save('json') },
    ];
    return [
      ...(said ? saving : []),
      { label: words.chat.import, run: () => void this.import() },
      { label: words.chat.shortcuts, run: () => void this.openShortcuts() },
    ];
  }

  renderAttach(disabled: boolean): unknown {
    if (this.#settings().attachments === 'off') return nothing;
    return html`<button
      type="button"
      class="plain round"
      part="attach-button"
      aria-label=${words.chat.attach}
      title=${words.chat.attach}
      ?disabled=${disabled}
      @click=${() => pickFiles((files) => void this.attach(files))}
    >
      ${clipIcon()}
    </button>`;
  }

  renderDictate(disabled: boolean): unknown {
    if (!this.#settings().dictation || !hasRecognition()) return nothing;
    const listening = this.#dictation.part?.listening === true;
    return html`<button
      type="button"
      class="plain round"
      part="dictate-button"
      aria-label=${listening ? words.chat.dictateStop : words.chat.dictate}
      title=${listening ? words.chat.dictateStop : words.chat.dictate}
      aria-pressed=${listening ? 'true' : 'false'}
      ?disabled=${disabled}
      @click=${() => void this.#dictation.get().then((dictation) => dictation?.toggle())}
    >
      ${microphoneIcon()}
    </button>`;
  }

  /** What stands under each answer beside its other buttons; the same function until it would draw something else. */
  get extras(): (answer: AnswerEntry) => unknown {
    const setting = this.#settings().readAloud;
    const part = this.#readAloud.part?.possible(setting) === true ? this.#readAloud.part : null;
    const key = part === null ? '' : `${setting} ${String(part.reading)}`;
    if (this.#extras?.key !== key) {
      this.#extras = { key, render: (answer) => (part === null ? nothing : this.#renderRead(answer, part, setting)) };
    }
    return this.#extras.render;
  }

  #renderRead(answer: AnswerEntry, part: ReadAloud, setting: ReadAloudSetting): TemplateResult | typeof nothing {
    if (answer.text === '') return nothing;
    const reads = part.reading === answer.id;
    const text = () =>
      this.#context.talk
        .markdown(answer)
        .blocks.map(({ block }) => blockText(block, words.code.block))
        .join('\n');
    const label = reads ? words.chat.readAloudStop : words.chat.readAloud;
    const run = () => part.toggle(answer.id, text(), setting);
    return renderButton({ name: 'read', label, icon: reads ? stopIcon() : voiceIcon(), run }, false);
  }

  readonly dragover = (event: DragEvent): void => {
    if (!this.#takes(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
    this.#drop(true);
  };

  readonly dragleave = ({ currentTarget, relatedTarget }: DragEvent): void => {
    // Moving over to a child leaves nothing.
    const inside =
      relatedTarget instanceof Node && currentTarget instanceof Node && currentTarget.contains(relatedTarget);
    if (!inside) this.#drop(false);
  };

  readonly drop = (event: DragEvent): void => {
    this.#drop(false);
    if (!this.#takes(event)) return;
    event.preventDefault();
    void this.attach([...(event.dataTransfer?.files ?? [])]);
  };

  /** Files from the clipboard; pasted text stays text. */
  readonly paste = (event: ClipboardEvent): void => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0 || this.#settings().attachments === 'off') return;
    // What comes from a text editor or a table has a picture beside its text: the text is meant.
    if (event.clipboardData?.types.includes('text/plain')) return;
    event.preventDefault();
    void this.attach(files);
  };

  #takes({ dataTransfer }: DragEvent): boolean {
    return this.#settings().attachments !== 'off' && dataTransfer?.types.includes('Files') === true;
  }

  #drop(over: boolean): void {
    if (over === this.dropping) return;
    this.dropping = over;
    this.#context.host.requestUpdate();
  }
}

function pickFiles(picked: (files: readonly File[]) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.addEventListener('change', () => picked([...(input.files ?? [])]), { once: true });
  input.click();
}

const hasRecognition = (): boolean => 'SpeechRecognition' in globalThis || 'webkitSpeechRecognition' in globalThis;

function voicesHere(setting: ReadAloudSetting): boolean {
  if (setting === 'off' || typeof speechSynthesis === 'undefined') return false;
  return speechSynthesis.getVoices().some(({ localService }) => localService || setting === 'any');
}
