// Who may ask, and how: the site's own scripts, by fetch. Pure but for the lookup of the client; called by endpoint.ts
// before anything else looks at the request. A service worker is asked only by what it controls, which is of its own
// origin; what is left to refuse are navigations (a form of a stranger's posts as one), tags (`no-cors`), and whatever
// names another origin in its headers. A request is never let through to the network: it may hold a conversation.

import { HttpRefusal } from './errors.js';

export interface Sender {
  /** `Request.mode`. */
  readonly mode: string;
  /** '' where there is none. */
  readonly clientId: string;
  /** URL of the client; null when the browser knows none of this id. */
  readonly clientUrl: string | null;
  readonly headers: Pick<Headers, 'get'>;
}

/** @throws HttpRefusal 403 */
export function checkSender({ mode, clientId, clientUrl, headers }: Sender, origin: string): void {
  const refuse = (why: string): never => {
    throw new HttpRefusal(403, 'not_allowed', `${why} Only scripts of this site may ask, with fetch().`);
  };
  if (mode === 'navigate') refuse('A navigation is not answered here.');
  if (mode !== 'cors' && mode !== 'same-origin') refuse(`A request of mode ${mode} is not answered here.`);
  if (clientId === '' || clientUrl === null) refuse('The request comes from no page of this site.');
  else if (!URL.canParse(clientUrl) || new URL(clientUrl).origin !== origin) refuse('The page is of another site.');
  const from = headers.get('Origin');
  if (from !== null && from !== origin) refuse('The request names another origin.');
  const site = headers.get('Sec-Fetch-Site');
  if (site !== null && site !== 'same-origin') refuse('The request comes from another site.');
}

export type Route =
  | { readonly kind: 'chat' | 'text' | 'embeddings' }
  | { readonly kind: 'models' }
  | { readonly kind: 'model'; readonly id: string }
  /** OPTIONS, answered with what may be asked. */
  | { readonly kind: 'options'; readonly allow: string };

const posts = new Map<string, 'chat' | 'text' | 'embeddings'>([
  ['chat/completions', 'chat'],
  ['completions', 'text'],
  ['embeddings', 'embeddings'],
]);

/**
 * @param path behind `/v1/`, as it stands in the URL
 * @throws HttpRefusal 404, 405
 */
export function routeOf(method: string, path: string): Route {
  const post = posts.get(path);
  const get = path === 'models' || /^models\/[^/]+$/.test(path);
  if (post === undefined && !get) {
    const known = [...posts.keys()].map((name) => `POST ${name}`).join(', ');
    throw new HttpRefusal(404, 'unknown_url', `There is nothing at this path. Here are ${known} and GET models.`);
  }
  const allow = get ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS';
  if (method === 'OPTIONS') return { kind: 'options', allow };
  if (!allow.split(', ').includes(method)) {
    throw new HttpRefusal(405, 'method_not_allowed', `This path takes ${allow}.`, { Allow: allow });
  }
  if (post !== undefined) return { kind: post };
  return path === 'models' ? { kind: 'models' } : { kind: 'model', id: decoded(path.slice('models/'.length)) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text; // a stray percent sign: no model is called so, and 404 says it
    throw error;
  }
}
