// The list of models a site offers: `models.json`, an array of ModelListing whose `url` may be relative to the file.
// Called by ModelSlot and EngineHost. Fetched once and kept; a failed fetch is tried again by the next load. A model
// that is not listed can be named by its absolute URL.

import * as v from 'valibot';
import { check } from '../protocol/check.js';
import { EngineError } from '../protocol/errors.js';
import { longestUrl } from '../protocol/host-api.js';
import { cloudModelId, type ModelListing } from '../protocol/state.js';
import { httpContext, readUpTo } from '../weights/http.js';

const line = v.pipe(v.string(), v.maxLength(2_000));
const size = v.pipe(v.number(), v.finite(), v.minValue(0));

const catalogueSchema = v.pipe(
  v.array(
    v.object({
      id: v.pipe(line, v.minLength(1), v.notValue(cloudModelId, `'${cloudModelId}' is kept for the cloud`)),
      name: line,
      description: v.optional(line, ''),
      url: v.pipe(line, v.minLength(1)),
      byteLength: size,
      licence: v.optional(line, 'unknown'),
      contextLength: v.optional(size, 0),
      quantisation: v.optional(line, ''),
      parameters: v.optional(size, 0),
      languages: v.optional(v.pipe(v.array(line), v.maxLength(200)), []),
    }),
  ),
  v.maxLength(1_000),
);

/** Bytes; answers that are longer are no catalogue. */
const longestCatalogue = 4_000_000;

/**
 * @param baseUrl absolute; relative model URLs are resolved against it
 * @throws EngineError `model-invalid` naming the field
 */
export function parseCatalogue(value: unknown, baseUrl: string): ModelListing[] {
  const hint = 'The owner of this site should correct models.json.';
  const listings = check(catalogueSchema, value, 'models.json', 'model-invalid', hint);
  const ids = new Set<string>();
  return listings.map((listing) => {
    if (ids.has(listing.id)) throw new EngineError('model-invalid', `models.json lists ${listing.id} twice.`, { hint });
    ids.add(listing.id);
    if (!URL.canParse(listing.url, baseUrl)) {
      throw new EngineError('model-invalid', `models.json: the URL of ${listing.id} cannot be read.`, { hint });
    }
    const url = new URL(listing.url, baseUrl).href;
    if (url.length > longestUrl) {
      throw new EngineError('model-invalid', `models.json: the URL of ${listing.id} is too long.`, { hint });
    }
    return { ...listing, url };
  });
}

export class Catalogue {
  #listings: readonly ModelListing[] = [];
  #pending: Promise<void> | null = null;

  constructor(
    private readonly url: () => string,
    private readonly fetchFrom: typeof globalThis.fetch,
    private readonly changed: () => void,
  ) {}

  /** What is known now; empty until the catalogue came. */
  get listings(): readonly ModelListing[] {
    return this.#listings;
  }

  /** Forgets what is known: the site names another catalogue. */
  reset(): void {
    this.#listings = [];
    this.#pending = null;
  }

  /** @throws EngineError `network`, `model-invalid` */
  async ready(): Promise<void> {
    this.#pending ??= this.#fetch().catch((error: unknown) => {
      this.#pending = null; // the next one who asks tries again
      throw error;
    });
    await this.#pending;
  }

  /**
   * @param model id in the catalogue, or an absolute http(s) URL
   * @throws EngineError `model-not-found`, and what `ready` throws
   */
  async find(model: string): Promise<ModelListing> {
    const unlisted = asUrl(model);
    try {
      await this.ready();
    } catch (error) {
      if (unlisted === null) throw error;
    }
    const listed = this.#listings.find((listing) => listing.id === model || listing.url === unlisted);
    if (listed) return listed;
    if (unlisted !== null && unlisted.length > longestUrl) {
      throw new EngineError('model-not-found', `The model's address is longer than ${longestUrl} characters.`, {
        hint: 'Serve it under a shorter name.',
      });
    }
    if (unlisted !== null) return listingOf(unlisted);
    const names = this.#listings.map((listing) => listing.id).join(', ');
    throw new EngineError('model-not-found', `There is no model called “${model.slice(0, 100)}” here.`, {
      hint: names === '' ? 'This site lists no models.' : `Models of this site: ${names}.`,
    });
  }

  async #fetch(): Promise<void> {
    const url = this.url();
    const text = await this.#read(url);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new EngineError('model-invalid', `The list of models at ${url} is no JSON.`, {
        hint: 'The owner of this site should look at what that address answers.',
        cause: error,
      });
    }
    const listings = parseCatalogue(value, url);
    if (url !== this.url()) return; // another catalogue was named meanwhile
    this.#listings = listings;
    this.changed();
  }

  async #read(url: string): Promise<string> {
    const hint = 'Check the connection and try again.';
    const stopper = new AbortController();
    let response: Response;
    try {
      response = await this.fetchFrom(url, { signal: AbortSignal.any([stopper.signal, AbortSignal.timeout(30_000)]) });
    } catch (error) {
      throw new EngineError('network', `The list of models could not be fetched from ${url}.`, { hint, cause: error });
    }
    const answer = { response, stop: () => stopper.abort() };
    if (!response.ok) {
      answer.stop();
      throw new EngineError('network', `The list of models at ${url} answered ${response.status}.`, { hint });
    }
    const context = httpContext({ fetch: this.fetchFrom });
    return new TextDecoder().decode(await readUpTo(answer, url, longestCatalogue, context));
  }
}

function asUrl(model: string): string | null {
  if (!URL.canParse(model)) return null;
  const url = new URL(model);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
}

/** A file that the visitor chose, by what weights/open-model.ts calls it. */
export function fileListing(id: string): ModelListing {
  const [name = ''] = id.slice('file:'.length).split('?');
  return { ...listingOf('https://file.invalid/'), id, url: id, name: decodeName(name) || 'A chosen file' };
}

/** A model of which only the address is known; its own header says the rest. */
function listingOf(url: string): ModelListing {
  const name = decodeName(new URL(url).pathname.split('/').filter(Boolean).at(-1) ?? url);
  return {
    id: url,
    name,
    description: '',
    url,
    byteLength: 0,
    licence: 'unknown',
    contextLength: 0,
    quantisation: '',
    parameters: 0,
    languages: [],
  };
}

function decodeName(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) return segment; // a stray percent sign: shown as it is
    throw error;
  }
}
