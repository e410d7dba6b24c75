// Reads a request's JSON, bounded: type, length, syntax. Called by endpoint.ts; knows nothing of what the fields mean.
// A body that is too long is refused as soon as it is, and never held whole. No text of it stands in an error.

import { HttpRefusal } from './errors.js';

/** Bytes. A conversation of the most characters that a request may have, in UTF-8 of one to two bytes, fits. */
export const longestBody = 32 * 2 ** 20;

/** @throws HttpRefusal 400, 413, 415 */
export async function readJson(
  request: Pick<Request, 'headers' | 'body'>,
  limit = longestBody,
): Promise<Record<string, unknown>> {
  const type = request.headers.get('Content-Type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type.trim())) {
    throw new HttpRefusal(415, 'unsupported_media_type', 'Send JSON, with the header Content-Type: application/json.');
  }
  const text = await readText(request.body, limit);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpRefusal(400, 'invalid_json', 'The body is no JSON.'); // its words would quote the body
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpRefusal(400, 'invalid_json', 'The body is no JSON object.');
  }
  return value as Record<string, unknown>;
}

async function readText(body: ReadableStream<Uint8Array> | null, limit: number): Promise<string> {
  if (body === null) throw new HttpRefusal(400, 'invalid_json', 'The request has no body.');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let size = 0;
  let text = '';
  try {
    for await (const bytes of body) {
      size += bytes.length;
      if (size > limit) {
        throw new HttpRefusal(413, 'body_too_long', `The body is longer than ${limit / 2 ** 20} MiB.`);
      }
      text += decoder.decode(bytes, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new HttpRefusal(400, 'invalid_json', 'The body is not UTF-8, or broke off.');
    throw error;
  }
}
