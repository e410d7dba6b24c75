// Reads a Server-Sent Events body (WHATWG HTML, 9.2) as the `data` of its events. Called by the cloud backend; knows
// nothing of chat. Bytes may be cut anywhere, inside a character or an event. What goes wrong: silence longer than the
// limit and a broken connection are `network`; an event that never ends is `cloud-failed`; half an event at the end is
// dropped, as the standard says, and whoever waits for it sees that the stream ended too early.

import { createParser } from 'eventsource-parser';
import { EngineError } from '../../protocol/errors.js';

export interface SseOptions {
  /** Milliseconds without a byte after which the connection counts as dead. */
  readonly stallTimeout: number;
  /** Characters an event may have. */
  readonly longestEvent: number;
}

/** @throws EngineError `network`, `cloud-failed`; an abort of the fetch as the fetch throws it */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  { stallTimeout, longestEvent }: SseOptions,
): AsyncGenerator<string, void, undefined> {
  const ready: string[] = [];
  let tooLong = false;
  const parser = createParser({
    maxBufferSize: longestEvent,
    onEvent: (event) => ready.push(event.data),
    onError: (error) => {
      tooLong ||= error.type === 'max-buffer-size-exceeded';
    },
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await readInTime(reader, stallTimeout);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* ready.splice(0);
      if (tooLong) throw new EngineError('cloud-failed', 'The cloud sent an event without an end.');
    }
  } finally {
    // Left early, or failed: nobody reads the rest. The connection may be broken already, which is as good.
    reader.cancel().catch(() => undefined);
  }
}

async function readInTime(reader: ReadableStreamDefaultReader<Uint8Array>, milliseconds: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new EngineError('network', `The cloud sent nothing for ${milliseconds / 1000} seconds.`, {
          hint: 'Check the connection and try again.',
        }),
      );
    }, milliseconds);
  });
  try {
    return await Promise.race([reader.read(), late]);
  } finally {
    clearTimeout(timer);
  }
}
