// Writing by speaking, with the browser's own speech recognition, where the site asks for it (`dictation`). Before it first
// listens it says where the voice goes: most browsers send it to their maker's servers; where one can do it on the device,
// that is what is asked for. Fetched where the site asks for it (rare.ts).
// Source: Web Speech API (`SpeechRecognition`, with `processLocally` and `available()` of its 2025 draft).
// What goes wrong (no permission, no microphone, no network) is told in words; what was understood stays in the field.

import { css, html, nothing, type TemplateResult } from 'lit';
import { EngineError } from '../../../engine/protocol/errors.js';
import { adopt } from '../../internal/adopt.js';
import { microphoneIcon } from '../../internal/icons.js';
import { tagOf } from '../../internal/texts.js';
import { words } from '../../internal/words.js';
import type { DialogContent } from '../dialog/dialog.js';
import type { ChatParts } from '../parts.js';
import { voiceWords } from './voice.words.js';

/** The part of the API used here; TypeScript's library does not have it. */
interface Recognition extends EventTarget {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  processLocally?: boolean;
  start(): void;
  stop(): void;
  abort(): void;
}

interface RecognitionMaker {
  new (): Recognition;
  available?(options: { langs: string[]; processLocally: boolean }): Promise<string>;
}

interface RecognitionEvent extends Event {
  readonly results: ArrayLike<ArrayLike<{ readonly transcript: string }>>;
}

/** Null where the browser has none. */
function recognitionMaker(): RecognitionMaker | null {
  const scope = globalThis as { SpeechRecognition?: RecognitionMaker; webkitSpeechRecognition?: RecognitionMaker };
  return scope.SpeechRecognition ?? scope.webkitSpeechRecognition ?? null;
}

const styles = css`
  .round[aria-pressed='true'] {
    color: var(--_danger);
    background: var(--_danger-ground);
  }
`;

export class Dictation {
  readonly #parts: ChatParts;
  /** The visitor read where the voice goes, in this page. */
  #agreed = false;
  #local = false;
  #recognition: Recognition | null = null;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    adopt(parts.host, styles);
  }

  /** The button; nothing where the browser cannot. */
  render(disabled: boolean): unknown {
    if (recognitionMaker() === null) return nothing;
    const pressed = this.#recognition !== null;
    const label = pressed ? words.chat.dictateStop : words.chat.dictate;
    return html`<button
      type="button"
      class="plain round"
      part="dictate-button"
      aria-label=${label}
      title=${label}
      aria-pressed=${pressed}
      ?disabled=${disabled}
      @click=${() => void this.toggle()}
    >
      ${microphoneIcon()}
    </button>`;
  }

  /** Starts, after a question the first time, or stops. */
  async toggle(): Promise<void> {
    if (this.#recognition !== null) return this.#recognition.stop();
    const make = recognitionMaker();
    if (make === null) return;
    const lang = tagOf(this.#parts.host);
    this.#local = (await make.available?.({ langs: [lang], processLocally: true }).catch(() => '')) === 'available';
    if (this.#agreed) return this.#listen(make, lang);
    (await this.#parts.rare.dialog.get())?.open(this.#question(() => this.#listen(make, lang)));
  }

  /** The element left the page, or the message is sent: nothing more is heard. */
  end(): void {
    this.#recognition?.abort();
    this.#recognition = null;
  }

  #question(start: () => void): DialogContent {
    const { dialog } = this.#parts.rare;
    const agree = () => {
      this.#agreed = true;
      dialog.part?.close();
      start();
    };
    return {
      title: () => voiceWords.title,
      render: (): TemplateResult =>
        html`<p>${this.#local ? voiceWords.onDevice : voiceWords.online}</p>
          <div class="row">
            <button type="button" @click=${() => dialog.part?.close()}>${voiceWords.cancel}</button>
            <button type="button" class="primary" @click=${agree}>${voiceWords.start}</button>
          </div>`,
    };
  }

  #listen(make: RecognitionMaker, lang: string): void {
    const { host, speaker, composer } = this.#parts;
    const recognition = new make();
    const before = composer.text;
    recognition.lang = lang;
    recognition.continuous = true;
    recognition.interimResults = true;
    if (this.#local) recognition.processLocally = true;
    recognition.addEventListener('result', (event) => {
      if (this.#recognition !== recognition) return;
      const { results } = event as RecognitionEvent;
      const heard = Array.from(results, (result) => result[0]?.transcript ?? '')
        .join('')
        .trim();
      composer.write([before, heard].filter((part) => part !== '').join(' '));
    });
    recognition.addEventListener('error', (event) => this.#failed((event as Event & { error?: string }).error ?? ''));
    recognition.addEventListener('end', () => {
      if (this.#recognition !== recognition) return;
      this.#recognition = null;
      speaker.say(() => voiceWords.stopped);
      host.requestUpdate();
    });
    this.#recognition = recognition;
    recognition.start();
    speaker.say(() => voiceWords.listening);
    host.requestUpdate();
  }

  #failed(error: string): void {
    if (error === 'aborted' || error === 'no-speech') return; // silence ends it, and is no failure
    const { failed } = voiceWords;
    const message =
      error === 'not-allowed' || error === 'service-not-allowed'
        ? failed.denied
        : error === 'audio-capture'
          ? failed.none
          : error === 'network'
            ? failed.network
            : error === 'language-not-supported'
              ? failed.language
              : failed.other;
    this.#parts.fail(new EngineError('invalid-request', message, { hint: failed.hint }));
  }
}
