// Makes pages `crossOriginIsolated` on hosts that cannot send headers: the service worker adds COOP and COEP to the
// documents and worker scripts it hands over (HTML standard, "Cross-origin opener policies", "Embedder policies").
// Called by service-worker.ts when its URL says `isolate=...`. `credentialless` lets pages show images of other sites;
// Safari knows only `require-corp`.

export type Isolation = 'none' | 'credentialless' | 'require-corp';

/** @param parameter the value of `isolate` in the service worker's URL */
export function isolationOf(parameter: string | null): Isolation {
  if (parameter === null || parameter === '0') return 'none';
  return parameter === 'require-corp' ? 'require-corp' : 'credentialless';
}

const wanted: ReadonlySet<string> = new Set(['document', 'iframe', 'frame', 'worker', 'sharedworker']);

/** Whether answers for this destination need the headers: an isolated page starts no worker that comes without them. */
export const isIsolated = (destination: string, isolation: Isolation): boolean =>
  isolation !== 'none' && wanted.has(destination);

/** The same answer with the headers, where it is one that needs them. */
export function isolate(response: Response, destination: string, isolation: Isolation): Response {
  const opaque = response.status === 0 || response.type === 'opaqueredirect';
  if (opaque || !isIsolated(destination, isolation)) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', isolation);
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
