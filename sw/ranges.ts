// Answers a Range request (RFC 9110, 14.1-14.4) out of a whole stored response, which Cache Storage does not do by
// itself. Called by service-worker.ts. One byte range only; what asks for more, or is malformed, gets the whole answer,
// as the standard allows; a range outside the file gets 416; and who has a part of another version (If-Range, 13.1.5) gets
// the whole of this one.

/** @returns null: not one plain byte range, answer whole */
export function parseRange(header: string, size: number): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  if (first === '') {
    const length = Number(last);
    return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return null;
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

/**
 * @param whole a stored 200 answer; its body is read lazily, by slicing its blob
 * @param condition the If-Range header, null without one
 */
export async function rangeOf(whole: Response, header: string, condition: string | null = null): Promise<Response> {
  const blob = await whole.blob();
  const range = isSame(whole.headers, condition) ? parseRange(header, blob.size) : null;
  const headers = new Headers(whole.headers);
  headers.set('Accept-Ranges', 'bytes');
  // Of what came over the wire; what is stored is unpacked, and ranges count its bytes.
  if (headers.has('Content-Encoding')) headers.set('Content-Length', String(blob.size));
  headers.delete('Content-Encoding');
  if (range === null) return new Response(blob, { status: 200, headers });
  if (range === 'unsatisfiable') {
    headers.set('Content-Range', `bytes */${blob.size}`);
    headers.delete('Content-Length');
    return new Response(null, { status: 416, statusText: 'Range Not Satisfiable', headers });
  }
  const { start, end } = range;
  headers.set('Content-Range', `bytes ${start}-${end}/${blob.size}`);
  headers.set('Content-Length', String(end - start + 1));
  return new Response(blob.slice(start, end + 1), { status: 206, statusText: 'Partial Content', headers });
}

/** A strong entity tag or a date, compared to the letter; a weak tag never fits (RFC 9110, 13.1.5). */
function isSame(headers: Headers, condition: string | null): boolean {
  if (condition === null) return true;
  if (condition.startsWith('W/')) return false;
  return condition === headers.get(condition.startsWith('"') ? 'ETag' : 'Last-Modified');
}
