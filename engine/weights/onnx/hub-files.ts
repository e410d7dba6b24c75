// A repository's files over HTTP: what is there, how large, under which entity tag, and whether its server knows ranges.
// Called by onnx-source.ts. Knows nothing of graphs or of the store.
// What goes wrong: nothing there is `model-not-found`, a web page in its place `model-invalid`; a server without ranges sends
// a file whole, which is then held as a Blob (on disk, as browsers see fit) and served in parts from there.

import { EngineError } from '../../protocol/errors.js';
import type { ByteSource } from '../byte-source.js';
import { withRetry, type Clock } from '../download/retry.js';
import { readUpTo, request, type Fetch, type HttpContext } from '../http.js';
import { openHttpSource, rangeFacts, type WholeOptions } from '../http-source.js';
import type { HubFile } from './graph-store.js';

/** The largest of the small files, a tokenizer of 256k entries, has some 34 MiB. */
const textLimit = 64 * 2 ** 20;

export class HubFiles {
  /** Files that came whole. */
  readonly #whole = new Map<string, ByteSource>();

  /** @param tries for each question */
  constructor(
    private readonly context: HttpContext,
    private readonly clock: Clock,
    private readonly tries: number,
    private readonly options: WholeOptions = {},
  ) {}

  /** For downloads of parts: also of files that came whole. */
  get http(): HttpContext {
    const { context } = this;
    const fetch: Fetch = async (input, init) => {
      const source = typeof input === 'string' ? this.#whole.get(input) : undefined;
      return source === undefined ? context.fetch(input, init) : partOf(source, new Headers(init?.headers));
    };
    return { ...context, fetch };
  }

  /** @returns null when there is none */
  read(url: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#ifThere(async () => {
      const answer = await request(url, { cache: 'no-cache' }, this.context);
      return readUpTo(answer, url, textLimit, this.context);
    });
  }

  /** @returns null when there is none */
  find(path: string, url: string): Promise<HubFile | null> {
    return this.#ifThere(async () => {
      const answer = await request(url, { headers: { Range: 'bytes=0-3' }, cache: 'no-cache' }, this.context);
      answer.stop();
      const { response } = answer;
      if (/^text\/html\b/i.test(response.headers.get('content-type') ?? '')) {
        throw new EngineError('model-invalid', `${url} is a web page where a model's file should be.`, {
          hint: "The server answers unknown addresses with a page, or asks for a sign-in. Check the model's address.",
        });
      }
      if (response.status === 206) {
        const { size, etag } = rangeFacts(response);
        return { path, url, byteLength: size ?? (await this.#sizeOf(url)), etag };
      }
      const { source, etag } = await openHttpSource(url, this.context, this.options);
      this.#whole.set(url, source);
      return { path, url, byteLength: source.size, etag };
    });
  }

  /** Another origin may hide Content-Range; Content-Length is always shown. */
  async #sizeOf(url: string): Promise<number> {
    const whole = await request(url, { method: 'HEAD' }, this.context);
    whole.stop();
    const length = Number(whole.response.headers.get('content-length') ?? Number.NaN);
    if (Number.isSafeInteger(length) && length > 0) return length;
    throw new EngineError('network', `The size of ${url} could not be learnt.`, {
      hint: 'The server must send "Access-Control-Expose-Headers: Content-Range, ETag".',
    });
  }

  async #ifThere<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await withRetry(work, this.clock, this.context.signal, this.tries);
    } catch (thrown) {
      if (thrown instanceof EngineError && thrown.code === 'model-not-found') return null;
      throw thrown;
    }
  }
}

async function partOf(source: ByteSource, headers: Headers): Promise<Response> {
  const match = /^bytes=(\d+)-(\d+)$/.exec(headers.get('range') ?? '');
  const from = Number(match?.[1] ?? 0);
  const to = Number(match?.[2] ?? source.size - 1);
  const bytes = await source.read(from, to - from + 1);
  return new Response(bytes, { status: 206, headers: { 'content-range': `bytes ${from}-${to}/${source.size}` } });
}
