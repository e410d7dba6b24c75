// What the chat says to screen readers and when: the finished sentences of a growing answer, the end of one, a
// failure, what the engine is doing. `<llm-chat>` tells it what changed; it decides what is news.

import { spokenError } from '../internal/error-notice.js';
import { SentenceReader } from '../internal/sentences.js';
import type { MarkdownStream } from '../internal/markdown/stream.js';
import { words } from '../internal/words.js';
import { isOpen, type AnswerEntry } from './entries.js';
import type { SpeakerController } from '../internal/speaker.js';
import type { StatusLine } from './status.js';

export class Narrator {
  readonly #speaker: SpeakerController;
  readonly #markdown: (answer: AnswerEntry) => MarkdownStream;
  #reading: { readonly id: string; readonly reader: SentenceReader } | null = null;
  #status = '';

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
        this.#speaker.say(() => this.#unsaid(answer, true) || words.chat.answered);
        return;
      case 'interrupted':
        return;
      case 'stopped':
        this.#speaker.cancel();
        this.#speaker.say(() => words.chat.answerStopped);
        return;
      case 'failed':
        this.#speaker.cancel();
        this.#speaker.say(() => (answer.error === null ? '' : spokenError(answer.error)));
    }
  }

  /** @param ready the engine has a model */
  statusChanged({ aloud }: StatusLine, ready: boolean): void {
    // A model that was ready before the page opened is no news.
    if (aloud !== this.#status && (this.#status !== '' || !ready)) this.#speaker.say(aloud);
    this.#status = aloud;
  }

  newChat(): void {
    this.#speaker.cancel();
    this.#speaker.say(() => words.chat.started);
  }

  #unsaid(answer: AnswerEntry | null, finished: boolean): string {
    if (answer === null) return '';
    if (this.#reading?.id !== answer.id) {
      this.#reading = { id: answer.id, reader: new SentenceReader(words.code.block) };
    }
    const stream = this.#markdown(answer);
    stream.update(answer.text, isOpen(answer));
    return this.#reading.reader.next(stream.blocks, finished);
  }
}
