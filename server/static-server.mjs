// Serves a folder over HTTP for the demo, the tests and `npm run ask`: ranges, ETags, types, the headers that a site
// should send (headers.mjs; isolation by option). Serves files of that folder only, GET and HEAD only.
// Source: RFC 9110, 13 (conditional requests) and 14 (ranges).

import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { headersFor, strictPolicy } from './headers.mjs';

export { strictPolicy };

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.gguf': 'application/octet-stream',
  '.bin': 'application/octet-stream',
};

/**
 * @param {string} header @param {number} size
 * @returns {{start: number, end: number} | null | 'unsatisfiable'} null: no single byte range, answer whole (RFC 9110, 14.2)
 */
export function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (match[1] === '' && match[2] === '')) return null;
  if (match[1] === '') {
    const length = Number(match[2]);
    return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== '' && Number(match[2]) < start) return null;
  return start >= size ? 'unsatisfiable' : { start, end };
}

/** Whether an If-None-Match names this tag; weak comparison, as the standard has it here. */
function namesTag(header, etag) {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

/** @returns {Promise<{path: string, size: number, modified: number} | null>} a file inside `root`, links followed and kept inside */
async function locate(root, pathname) {
  let decoded;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return null; // a malformed escape names no file
  }
  if (decoded.includes('\0')) return null;
  const path = resolve(root, `.${decoded.endsWith('/') ? `${decoded}index.html` : decoded}`);
  try {
    const [real, realRoot] = await Promise.all([realpath(path), realpath(root)]);
    if (real !== realRoot && !real.startsWith(realRoot + sep)) return null;
    const facts = await stat(real);
    return facts.isFile() ? { path: real, size: facts.size, modified: Math.floor(facts.mtimeMs) } : null;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'].includes(error.code)) return null;
    throw error;
  }
}

/**
 * @param {object} options
 * @param {string} options.root folder served
 * @param {Record<string, string>} [options.mounts] URL prefix ("/m/") -> another folder
 * @param {string} [options.kit] folder of the kit in URLs; '/' when `root` is the built kit
 * @param {boolean} [options.isolate] send COOP and COEP
 * @param {string | null} [options.policy] content security policy of pages and scripts
 * @param {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => boolean} [options.handle] sees every request first; true: answered
 * @returns {import('node:http').Server}
 */
export function createStaticServer({ root, mounts = {}, kit = '/', isolate = false, policy = strictPolicy, handle }) {
  const answer = async (request, response) => {
    if (handle?.(request, response)) return;
    const address = `http://localhost${request.url ?? '/'}`;
    const { pathname } = new URL(URL.canParse(address) ? address : 'http://localhost/');
    const mount = Object.keys(mounts).find((prefix) => pathname.startsWith(prefix));
    const file =
      mount === undefined
        ? await locate(root, pathname)
        : await locate(mounts[mount], `/${pathname.slice(mount.length)}`);
    const headers = headersFor(pathname, { kit, isolate, policy });
    const unkept = { ...headers, 'Cache-Control': 'no-store' }; // what is refused now may be there tomorrow
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...unkept, Allow: 'GET, HEAD' }).end();
      return;
    }
    if (!file) {
      response.writeHead(404, { ...unkept, 'Content-Type': types['.txt'] }).end(`Nothing here: ${pathname}\n`);
      return;
    }
    const etag = `"${file.size.toString(16)}-${file.modified.toString(16)}"`;
    Object.assign(headers, {
      'Content-Type': types[extname(file.path)] ?? 'application/octet-stream',
      'Accept-Ranges': 'bytes',
      ETag: etag,
    });
    if (namesTag(request.headers['if-none-match'], etag)) {
      response.writeHead(304, headers).end();
      return;
    }
    const { range: wanted, 'if-range': ifRange } = request.headers;
    const partial = request.method === 'GET' && wanted && (!ifRange || ifRange === etag); // ranges are GET's alone
    const range = partial ? parseRange(wanted, file.size) : null;
    if (range === 'unsatisfiable') {
      response.writeHead(416, { ...unkept, 'Content-Range': `bytes */${file.size}` }).end();
      return;
    }
    const { start, end } = range ?? { start: 0, end: file.size - 1 };
    response.writeHead(range ? 206 : 200, {
      ...headers,
      'Content-Length': Math.max(0, end - start + 1),
      ...(range ? { 'Content-Range': `bytes ${start}-${end}/${file.size}` } : {}),
    });
    if (request.method === 'HEAD' || file.size === 0) {
      response.end();
      return;
    }
    const stream = createReadStream(file.path, { start, end });
    stream.on('error', () => response.destroy());
    response.on('close', () => stream.destroy());
    stream.pipe(response);
  };
  return createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
}

/** @returns {number} what PORT says, or `usual`; @throws Error in plain words */
export function portFromEnvironment(usual) {
  const wanted = process.env.PORT || String(usual);
  const port = Number(wanted);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new Error(`PORT is "${wanted}"; it must be a whole number from 0 to 65535.`);
}

/** Listens on loopback. @returns {Promise<number>} the port; rejects with a clear message when it is taken */
export function listen(server, port = 0) {
  return new Promise((done, fail) => {
    server.once('error', (error) => {
      fail(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Port ${port} is taken by another program. Stop that one, or choose another port: PORT=${port + 1} npm start`,
            )
          : error.code === 'EACCES'
            ? new Error(`Port ${port} may not be used by this account. Choose one above 1023: PORT=8080 npm start`)
            : error,
      );
    });
    server.listen(port, 'localhost', () => done(server.address().port));
  });
}

export const distFolder = join(import.meta.dirname, '../dist');
