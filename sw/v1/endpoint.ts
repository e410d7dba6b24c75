// `/v1` for scripts of the site: OpenAI's chat completions, completions and models, answered by the engine in this
// browser. Called by service-worker.ts for every request under `llm/v1/` of its scope, none of which ever goes to the
// network. The way of one: gate -> route -> body -> a connection to the engine -> the answer, which stops at its source
// when the reader leaves or the page goes. Knows nothing of files and caches. Never throws: everything is a response.
// Source: the OpenAI API reference; what cannot be served is refused by name (protocol/request-edges.ts).

import { collect } from '../../engine/client/collect.js';
import { parseChatCompletionRequest, type ChatCompletionChunk } from '../../engine/protocol/chat.js';
import { EngineError } from '../../engine/protocol/errors.js';
import { cloudModelId, type ModelListing } from '../../engine/protocol/state.js';
import type { FetchEvent, WorkerClients } from '../worker-scope.js';
import { eventResponse, wholeResponse } from './answers.js';
import { readJson } from './body.js';
import { chatChunks, chatCompletion } from './chat-shapes.js';
import { EngineLinks, type EngineLink } from './engine-links.js';
import { errorResponse, HttpRefusal, json } from './errors.js';
import { checkSender, routeOf } from './gate.js';
import { textRequest, TextShaper } from './text-shapes.js';

/** Milliseconds between two looks whether the page that asked is still there. */
const lookInterval = 2_000;

type Body = Readonly<Record<string, unknown>>;

export class Endpoint {
  readonly #links: EngineLinks;
  readonly #running = new Set<AbortController>();
  readonly #watching = new Set<() => void>();

  /** @param base absolute URL that ends in "/llm/v1/" */
  constructor(
    private readonly base: string,
    private readonly clients: WorkerClients,
  ) {
    this.#links = new EngineLinks(clients);
  }

  covers(url: string): boolean {
    const { origin, pathname } = new URL(url);
    const path = origin + pathname;
    return path.startsWith(this.base) || `${path}/` === this.base;
  }

  /** Tells how many answers are under way, now and at each change. Resolves when there is none. */
  async watch(tell: (running: number) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        tell(this.#running.size);
        if (this.#running.size > 0) return;
        this.#watching.delete(look);
        resolve();
      };
      this.#watching.add(look);
      look();
    });
  }

  async answer(event: FetchEvent): Promise<Response> {
    const { request, clientId } = event;
    const controller = new AbortController();
    const ended = this.#begin(controller, clientId, request.signal);
    try {
      const { mode, headers } = request;
      const client = clientId === '' ? undefined : await this.clients.get(clientId);
      checkSender({ mode, clientId, clientUrl: client?.url ?? null, headers }, new URL(this.base).origin);
      const { origin, pathname } = new URL(request.url);
      const route = routeOf(request.method, (origin + pathname).slice(this.base.length));
      switch (route.kind) {
        case 'options':
          ended();
          return new Response(null, { status: 204, headers: { Allow: route.allow } });
        case 'models':
        case 'model': {
          const listing = await listed(await this.#links.get(clientId));
          ended();
          const answer = route.kind === 'model' ? found(listing, route.id) : { object: 'list', data: listing };
          const response = json(answer);
          return request.method === 'HEAD' ? new Response(null, response) : response;
        }
        case 'embeddings': {
          const refusal = await this.#embeddings(await readJson(request), clientId);
          throw refusal;
        }
        case 'chat':
        case 'text': {
          const body = await readJson(request);
          // A request that is wrong is refused before a page is asked for anything.
          const complete = route.kind === 'chat' ? chat(body) : text(body);
          return await complete(await this.#links.get(clientId), controller, ended);
        }
      }
    } catch (error) {
      ended();
      return errorResponse(error);
    }
  }

  /** Counts the request, and stops it when its page goes. @returns to be called when it is over; safe to call twice */
  #begin(controller: AbortController, clientId: string, left: AbortSignal): () => void {
    this.#running.add(controller);
    for (const look of [...this.#watching]) look();
    const stop = (): void => controller.abort();
    left.addEventListener('abort', stop, { once: true });
    const looking = setInterval(() => {
      this.clients.get(clientId).then(
        (client) => client ?? stop(),
        () => undefined, // not known now; the next look tells
      );
    }, lookInterval);
    return () => {
      clearInterval(looking);
      left.removeEventListener('abort', stop);
      if (this.#running.delete(controller)) for (const look of [...this.#watching]) look();
    };
  }

  /** @returns the error: no model that we run makes embeddings */
  async #embeddings(body: Body, clientId: string): Promise<Error> {
    const { model, input } = body;
    if (typeof model !== 'string' || model === '') return invalid('model', 'the name of a model is wanted');
    if (typeof input !== 'string' && !Array.isArray(input)) return invalid('input', 'a text or a list is wanted');
    const listing = await listed(await this.#links.get(clientId));
    found(listing, model);
    return new HttpRefusal(400, 'embeddings_unsupported', 'No model of this site makes embeddings.');
  }
}

const invalid = (field: string, what: string): EngineError =>
  new EngineError('invalid-request', `the request, ${field}: ${what}`, { hint: 'Correct this field.' });

type Complete = (link: EngineLink, controller: AbortController, ended: () => void) => Promise<Response>;

const wantsUsage = ({ stream_options: options }: Body): boolean =>
  typeof options === 'object' && options !== null && 'include_usage' in options && options.include_usage === true;

/** @throws EngineError `invalid-request` */
function chat(body: Body): Complete {
  const checked = parseChatCompletionRequest(body);
  return async ({ completions }, controller, ended) => {
    const { signal } = controller;
    const stream = await completions.create({ ...checked, stream: true }, { signal });
    if (checked.stream === true) return await eventResponse(stream, chatChunks(wantsUsage(body)), ended);
    const whole = withBeginning(stream, async (chunks) => chatCompletion(await collect(chunks)));
    return await wholeResponse(whole, () => controller.abort(), ended);
  };
}

/** @throws EngineError `invalid-request` */
function text(body: Body): Complete {
  const checked = textRequest(body);
  return async ({ completions }, controller, ended) => {
    const { signal } = controller;
    const stream = await completions.continueText(checked, { signal });
    const shaper = new TextShaper(wantsUsage(body));
    if (checked.stream === true) return await eventResponse(stream, shaper.chunk, ended);
    const whole = withBeginning(stream, async (chunks) => {
      for await (const chunk of chunks) shaper.chunk(chunk);
      return shaper.whole();
    });
    return await wholeResponse(whole, () => controller.abort(), ended);
  };
}

/** What `gather` makes of the chunks, and when the first word of them came. */
function withBeginning(
  stream: AsyncIterable<ChatCompletionChunk>,
  gather: (chunks: AsyncIterable<ChatCompletionChunk>) => Promise<unknown>,
): { readonly work: Promise<unknown>; readonly begun: Promise<void> } {
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  async function* watched(): AsyncGenerator<ChatCompletionChunk> {
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.role === undefined) begin(); // the first chunk is empty, and comes before any word
      yield chunk;
    }
  }
  return { work: gather(watched()), begun };
}

interface ListedModel {
  readonly id: string;
  readonly object: 'model';
  readonly created: 0;
  readonly owned_by: string;
}

/** The site's models, and whatever else is loaded or may be asked for by name. */
async function listed(link: EngineLink): Promise<readonly ListedModel[]> {
  const [models, { status, cloud }] = await Promise.all([link.models(), link.state()]);
  const ids = new Set(models.map(({ id }: ModelListing) => id));
  if (status.kind === 'ready') ids.add(status.model.id);
  if (cloud.endpoint !== null && cloud.allowed) ids.add(cloudModelId);
  return [...ids].map((id) => {
    return { id, object: 'model', created: 0, owned_by: id === cloudModelId ? 'cloud' : 'this-device' };
  });
}

/** @throws EngineError `model-not-found` */
function found(listing: readonly ListedModel[], id: string): ListedModel {
  const model = listing.find((one) => one.id === id);
  if (model) return model;
  const names = listing.map((one) => one.id).join(', ');
  throw new EngineError('model-not-found', `There is no model called “${id.slice(0, 100)}” here.`, {
    hint: `Models of this site: ${names}.`,
  });
}
