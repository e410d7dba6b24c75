// A static server for tests of downloads: files from memory, strong ETags, byte ranges with If-Range, a log of what was
// asked for; and a way for a test to answer some requests itself, in each way in which servers misbehave. Node only.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/** @returns true when it answered (or keeps the client waiting on purpose) */
export type Interfere = (request: IncomingMessage, response: ServerResponse) => boolean;

export class FileServer {
  readonly files = new Map<string, Uint8Array>();
  readonly asked: Asked[] = [];
  /** Body bytes handed to sockets by the sound answers. */
  sent = 0;
  interfere: Interfere = () => false;
  readonly #server = createServer((request, response) => {
    const { range } = request.headers;
    this.asked.push({ path: request.url ?? '', range, ifRange: request.headers['if-range'] as string | undefined });
    if (!this.interfere(request, response)) this.answer(request, response);
  });
  #origin = '';

  get origin(): string {
    return this.#origin;
  }

  async open(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    this.#origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  etagOf(path: string): string {
    return `"${createHash('sha256')
      .update(this.files.get(path) ?? '')
      .digest('hex')
      .slice(0, 12)}"`;
  }

  /** As a good server does. */
  answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? '/', this.origin).pathname;
    const bytes = this.files.get(path);
    if (bytes === undefined) {
      response.writeHead(404).end('nothing here');
      return;
    }
    const etag = this.etagOf(path);
    const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const ifRange = request.headers['if-range'];
    if (match === null || (ifRange !== undefined && ifRange !== etag)) {
      response.writeHead(200, { 'content-length': bytes.length, etag });
      if (request.method !== 'HEAD') this.sent += bytes.length;
      response.end(request.method === 'HEAD' ? '' : bytes);
      return;
    }
    const from = Number(match[1]);
    if (from >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    const to = match[2] === '' ? bytes.length - 1 : Math.min(Number(match[2]), bytes.length - 1);
    const headers = { 'content-range': `bytes ${from}-${to}/${bytes.length}`, 'content-length': to - from + 1, etag };
    response.writeHead(206, headers);
    this.sent += to - from + 1;
    response.end(bytes.subarray(from, to + 1));
  }
}
