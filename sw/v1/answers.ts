// The bodies of long answers: server-sent events as OpenAI sends them (WHATWG HTML, "Server-sent events": `data:` lines,
// comments as keep-alive, `data: [DONE]` at the end), and one JSON that may take its time. Called by endpoint.ts; knows
// nothing of what is in the objects. Whoever reads pulls; whoever leaves stops the answer at its source.
// An error before the first object becomes the status; later it is an event `{error}` without `[DONE]`.
// A service worker that does not answer within minutes is ended by the browser, and Firefox cuts a silent stream after
// half a minute: so after `patience` the answer begins, with comments or white space until there is more to say.

import { errorBody } from './errors.js';

export interface Timing {
  /** Milliseconds until the headers go out without knowing how it ends. */
  readonly patience: number;
  /** Milliseconds of silence after which something is sent. */
  readonly keepAlive: number;
}

export interface WholeTiming extends Timing {
  /** Milliseconds from the first word until the headers go out. */
  readonly grace: number;
}

export const eventTiming: Timing = { patience: 5_000, keepAlive: 10_000 };
export const wholeTiming: WholeTiming = { patience: 60_000, grace: 1_000, keepAlive: 10_000 };

const bytes = new TextEncoder();
const waited = Symbol('waited');

/** The promise's value, or `waited` after that time. */
async function within<T>(work: Promise<T>, milliseconds: number): Promise<T | typeof waited> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof waited>((resolve) => {
    timer = setTimeout(() => resolve(waited), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const headers = (type: string): Record<string, string> => ({
  'Content-Type': type,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
});

/**
 * @param source of chunks; `return()` is called when the reader leaves
 * @param shape a chunk's objects to send
 * @param ended called once, when nothing more will be sent
 * @throws what the source throws before its first chunk, within the patience
 */
export async function eventResponse<T>(
  source: AsyncIterator<T, unknown>,
  shape: (chunk: T) => readonly unknown[],
  ended: () => void,
  { patience, keepAlive }: Timing = eventTiming,
): Promise<Response> {
  const next = (): Promise<IteratorResult<T, unknown>> => {
    const result = source.next();
    result.catch(() => undefined); // it is looked at when the reader pulls, which may be later
    return result;
  };
  let pending = next();
  await within(pending, patience);
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const send = (text: string): void => controller.enqueue(bytes.encode(text));
        try {
          for (;;) {
            const result = await within(pending, keepAlive);
            if (result === waited) return send(': still here\n\n');
            if (result.done) {
              send('data: [DONE]\n\n');
              break;
            }
            pending = next();
            const lines = shape(result.value).map((object) => `data: ${JSON.stringify(object)}\n\n`);
            if (lines.length > 0) return send(lines.join(''));
          }
        } catch (error) {
          send(`data: ${JSON.stringify(errorBody(error))}\n\n`);
        }
        controller.close();
        ended();
        return undefined;
      },
      async cancel() {
        await source.return?.();
        ended();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, { headers: headers('text/event-stream; charset=utf-8') });
}

/**
 * The JSON of `work`. When that takes longer the answer begins with white space, which JSON allows; if it fails then, the
 * body breaks off, because a status can no longer be told. It begins a moment after the first word, when most of what can
 * go wrong has not: no browser tells a service worker that a request was aborted before its answer began (the `signal` of a
 * fetch event's request stays silent in Chromium), and a long answer would be computed to its end for nobody.
 * @param begun resolves when the first word is there
 * @param stop called when the reader leaves
 * @param ended called once, when nothing more will be sent
 * @throws what `work` throws before the answer begins
 */
export async function wholeResponse(
  { work, begun }: { readonly work: Promise<unknown>; readonly begun: Promise<void> },
  stop: () => void,
  ended: () => void,
  { patience, grace, keepAlive }: WholeTiming = wholeTiming,
): Promise<Response> {
  const type = headers('application/json; charset=utf-8');
  const soon = await Promise.race([within(work, patience), begun.then(() => within(work, grace))]);
  if (soon !== waited) {
    ended();
    return new Response(JSON.stringify(soon), { headers: type });
  }
  let silence = 0; // a reader that has left already is noticed by the first byte
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const value = await within(work, silence);
          silence = keepAlive;
          if (value === waited) return controller.enqueue(bytes.encode(' '));
          controller.enqueue(bytes.encode(JSON.stringify(value)));
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        return ended();
      },
      cancel() {
        stop();
        ended();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, { headers: type });
}
