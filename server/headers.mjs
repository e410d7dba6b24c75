// The headers that a site with the kit sends, in one list: the static server sends them, docs/hosting.md says them in the
// words of nginx, Apache and static hosts, and a test reads both. Knows paths, not files.
// Sources: HTML standard (COOP, COEP), Fetch (CORP), CSP 3, Trusted Types, Service Workers ("Service-Worker-Allowed"),
// RFC 9111 and 8246 (caching), RFC 8942 (client hints).

/** What the demo promises to run under: no inline script or style, no eval; WebAssembly and Trusted Types allowed. */
export const strictPolicy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Pages and workers may use threads and precise clocks, and nothing of other sites that did not agree. */
export const isolationHeaders = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Of a visitor's device, what the choice of a model hangs on and nothing that tells one visitor from another. */
export const acceptedHints = 'Sec-CH-Device-Memory, Sec-CH-UA-Form-Factors, Downlink, Save-Data';

export const immutable = 'public, max-age=31536000, immutable';
/** Asked for again each time, answered with 304 while it is the same. */
export const revalidated = 'no-cache';

/** Below the kit's folder: names that have a hash of the content in them. */
const hashed = /^((chunks|ort|kernels)\/|models\/.+\.bin$)/;

/**
 * @param {string} pathname of the request
 * @param {object} [options]
 * @param {string} [options.kit] folder of the kit in URLs, with slashes at both ends
 * @param {boolean} [options.isolate]
 * @param {string | null} [options.policy]
 * @returns {Record<string, string>}
 */
export function headersFor(pathname, { kit = '/', isolate = true, policy = strictPolicy } = {}) {
  const inKit = pathname.startsWith(kit) ? pathname.slice(kit.length) : null;
  return {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Accept-CH': acceptedHints,
    ...(policy ? { 'Content-Security-Policy': policy } : {}),
    ...(isolate ? isolationHeaders : {}),
    'Cache-Control': inKit !== null && hashed.test(inKit) ? immutable : revalidated,
    ...(inKit === 'sw.js' ? { 'Service-Worker-Allowed': '/' } : {}),
  };
}
