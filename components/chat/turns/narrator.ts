// What the chat says of its answers to screen readers and when: the finished sentences of a growing answer, the end of one,
// a failure. turns.ts tells it what changed; it decides what is news.

import { spokenError } from '../../internal/error-notice.js';
import { SentenceReader } from '../../internal/sentences.js';
import type { MarkdownStream } from '../../internal/markdown/stream.js';
import { words } from '../../internal/words.js';
import type { AnswerEntry } from '../entries.js';
import type { SpeakerController } from '../../internal/speaker.js';
import { turnsWords } from './turns.words.js';

export class Narrator {
  readonly #speaker: SpeakerController;
  readonly #markdown: (answer: AnswerEntry) => MarkdownStream;
  #reading: { readonly id: string; readonly reader: SentenceReader } | null = null;

  constructor(speaker: SpeakerController, markdown: (answer: AnswerEntry) => MarkdownStream) {
    this.#speaker = speaker;
    this.#markdown = markdown;
  }

  /** `newest` is asked for when the voice is ready, not when the token came. */
  answerChanged(answer: AnswerEntry, newest: () => AnswerEntry | null): void {
    switch (answer.status) {
      case 'waiting':
        return;
      case 'streaming':
        this.#speaker.sayLater(() => this.#unsaid(newest(), false));
        return;
      case 'done':
        // A message that the page put there is read when the reader gets to it.
        if (answer.provenance === null) return;
        this.#speaker.cancel();
        this.#speaker.say(() => this.#unsaid(answer, true) || turnsWords.answered);
        return;
      case 'interrupted':
        return;
      case 'stopped':
        this.#speaker.cancel();
        this.#speaker.say(() => turnsWords.answerStopped);
        return;
      case 'failed':
        this.#speaker.cancel();
        this.#speaker.say(() => (answer.error === null ? '' : spokenError(answer.error)));
    }
  }

  #unsaid(answer: AnswerEntry | null, finished: boolean): string {
    if (answer === null) return '';
    if (this.#reading?.id !== answer.id) {
      this.#reading = { id: answer.id, reader: new SentenceReader(words.code.block) };
    }
    return this.#reading.reader.next(this.#markdown(answer).blocks, finished);
  }
}
