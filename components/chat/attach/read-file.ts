// Reads a chosen file as text, whatever it is called: what decodes as UTF-8 (or UTF-16 with a byte order mark) and holds no
// control characters is text. Pure but for reading; called by attachments.ts. A PDF, an image or a program is refused: its
// bytes would mean nothing to a model. Source: WHATWG Encoding standard ("BOM sniff"), W3C File API.

/** Bytes of one file; more is beyond any context. */
export const largestFile = 2_000_000;

export type ReadFile =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly why: 'too-large' | 'no-text' | 'empty' | 'unreadable' };

export async function readFile(file: Blob): Promise<ReadFile> {
  if (file.size > largestFile) return { kind: 'refused', why: 'too-large' };
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    return { kind: 'refused', why: 'unreadable' }; // a folder, or a file that is gone since
  }
  const text = decode(bytes);
  if (text === null || hasControls(text)) return { kind: 'refused', why: 'no-text' };
  return text.trim() === '' ? { kind: 'refused', why: 'empty' } : { kind: 'text', text };
}

function decode(bytes: Uint8Array): string | null {
  const [first, second] = bytes;
  const label =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes).replace(/\r\n?/g, '\n');
  } catch {
    return null;
  }
}

/** Tab, line feed and form feed belong to texts; an escape stands in saved terminal output. */
function hasControls(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 32 && code !== 9 && code !== 10 && code !== 12 && code !== 27) return true;
  }
  return false;
}
