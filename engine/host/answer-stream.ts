// The host's end of one answer's port: sends what happens to the request (place in line, start, numbered chunks, end
// or error) and hears the page's abort. Called by AnswerLine and Answering; knows nothing of queues and backends. A page
// that closes its end, or sends anything but an abort, stops the answer too.

import { EngineError } from '../protocol/errors.js';
import { parseStreamControl, type StreamMessage } from '../protocol/host-api.js';
import type { ChatCompletionChunk } from '../protocol/chat.js';

export class AnswerStream {
  #sequence = 0;
  #place = -1;
  #open = true;

  /** @param stop called once, with the reason, when the page wants no more */
  constructor(
    private readonly port: MessagePort,
    private readonly stop: (reason: EngineError) => void,
  ) {
    port.addEventListener('message', this.#hear);
    port.addEventListener('messageerror', this.#hear as EventListener);
    // Chromium tells when the other end is closed or collected; elsewhere the tab's lock does.
    port.addEventListener('close', this.#left);
    port.start();
  }

  /** @param place 1 is next; told only when it changes */
  queued(place: number): void {
    if (place === this.#place) return;
    this.#place = place;
    this.#send({ type: 'queued', place });
  }

  started(): void {
    this.#send({ type: 'started' });
  }

  chunk(chunk: ChatCompletionChunk): void {
    this.#send({ type: 'chunk', sequence: this.#sequence++, chunk });
  }

  done(): void {
    this.#send({ type: 'done' });
    this.#close();
  }

  fail(error: EngineError): void {
    this.#send({ type: 'error', error: error.toShape() });
    this.#close();
  }

  #send(message: StreamMessage): void {
    if (this.#open) this.port.postMessage(message);
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.port.removeEventListener('message', this.#hear);
    this.port.removeEventListener('messageerror', this.#hear as EventListener);
    this.port.removeEventListener('close', this.#left);
    this.port.close();
  }

  #hear = (event: MessageEvent): void => {
    try {
      parseStreamControl(event.data);
      this.stop(new EngineError('aborted', 'The answer was stopped.'));
    } catch (error) {
      this.stop(EngineError.from(error));
    }
  };

  #left = (): void => {
    this.stop(new EngineError('aborted', 'The page no longer listens to this answer.'));
  };
}
