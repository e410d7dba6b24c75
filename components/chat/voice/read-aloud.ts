// Reads answers aloud with the browser's voices: only those that live on this device, because another sends the text to its
// maker's servers, which a site has to allow (`read-aloud="any"`). Fetched when the first answer is there and the browser
// has voices at all (rare.ts). Source: Web Speech API, `speechSynthesis`, `SpeechSynthesisVoice.localService`.
// It speaks sentence by sentence: some browsers fall silent in the middle of a long text.

import type { TemplateResult } from 'lit';
import { stopIcon } from '../../internal/icons.js';
import { voiceIcon } from '../../internal/more-icons.js';
import type { LlmElement } from '../../internal/llm-element.js';
import { tagOf } from '../../internal/texts.js';
import { renderButton } from '../turns/row.js';
import { turnsWords } from '../turns/turns.words.js';

/** 'local': voices of this device only; 'any': also those that send the text away; 'off': no button. */
export type ReadAloudSetting = 'local' | 'any' | 'off';

/** Characters said in one go. */
const longestPiece = 220;

export class ReadAloud {
  /** Whose text is being read; null in silence. */
  get reading(): string | null {
    return this.#reading;
  }

  readonly #host: LlmElement;
  readonly #speech: SpeechSynthesis;
  #voices: readonly SpeechSynthesisVoice[];
  #reading: string | null = null;

  constructor(host: LlmElement, speech: SpeechSynthesis = globalThis.speechSynthesis) {
    this.#host = host;
    this.#speech = speech;
    this.#voices = speech.getVoices();
    speech.addEventListener?.('voiceschanged', () => {
      this.#voices = speech.getVoices();
      host.requestUpdate();
    });
  }

  /** There is a voice that may be used. */
  possible(setting: ReadAloudSetting): boolean {
    return setting !== 'off' && this.#voices.some(({ localService }) => localService || setting === 'any');
  }

  /** Reads the text, or stops where it is the one that is read. @param id of the message */
  toggle(id: string, text: string, setting: ReadAloudSetting): void {
    const stops = this.#reading === id;
    this.end();
    if (stops) return;
    const lang = tagOf(this.#host);
    const voice = this.#voiceFor(lang, setting);
    if (voice === null) return;
    this.#reading = id;
    const pieces = piecesOf(text);
    for (const [index, piece] of pieces.entries()) {
      const utterance = new SpeechSynthesisUtterance(piece);
      utterance.voice = voice;
      utterance.lang = voice.lang;
      const last = index === pieces.length - 1;
      const ended = () => {
        if (this.#reading !== id) return;
        this.#reading = null;
        this.#host.requestUpdate();
      };
      if (last) utterance.addEventListener('end', ended);
      utterance.addEventListener('error', ended);
      this.#speech.speak(utterance);
    }
    this.#host.requestUpdate();
  }

  /** The button among those under an answer. @param text is asked for when it is pressed */
  render(id: string, text: () => string, setting: ReadAloudSetting): TemplateResult {
    const reads = this.#reading === id;
    const label = reads ? turnsWords.readAloudStop : turnsWords.readAloud;
    const run = () => this.toggle(id, text(), setting);
    return renderButton({ name: 'read', label, icon: reads ? stopIcon() : voiceIcon(), run }, false);
  }

  end(): void {
    if (this.#reading === null) return;
    this.#reading = null;
    this.#speech.cancel();
    this.#host.requestUpdate();
  }

  /** Of the page's language and of this device, then the one or the other. */
  #voiceFor(lang: string, setting: ReadAloudSetting): SpeechSynthesisVoice | null {
    const language = lang.split('-')[0]?.toLowerCase() ?? '';
    const speaks = ({ lang: of }: SpeechSynthesisVoice) => of.toLowerCase().split(/[-_]/)[0] === language;
    const allowed = this.#voices.filter(({ localService }) => localService || setting === 'any');
    const best = (voices: readonly SpeechSynthesisVoice[]) =>
      voices.find((voice) => voice.localService && voice.default) ??
      voices.find((voice) => voice.localService) ??
      voices[0];
    return best(allowed.filter(speaks)) ?? best(allowed) ?? null;
  }
}

/** Sentences, put together up to a length, longer ones cut at a space. */
export function piecesOf(text: string): readonly string[] {
  const segmenter =
    typeof Intl.Segmenter === 'function' ? new Intl.Segmenter(undefined, { granularity: 'sentence' }) : null;
  const sentences = segmenter === null ? [text] : [...segmenter.segment(text)].map(({ segment }) => segment);
  const pieces: string[] = [];
  let piece = '';
  const put = (part: string): void => {
    if (piece !== '' && piece.length + part.length > longestPiece) {
      pieces.push(piece);
      piece = '';
    }
    piece += part;
  };
  for (const sentence of sentences) {
    for (let rest = sentence; rest !== '';) {
      const cut = rest.length <= longestPiece ? rest.length : rest.lastIndexOf(' ', longestPiece) + 1 || longestPiece;
      put(rest.slice(0, cut));
      rest = rest.slice(cut);
    }
  }
  pieces.push(piece);
  return pieces.map((part) => part.trim()).filter((part) => part !== '');
}
