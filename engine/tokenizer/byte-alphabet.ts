// GPT-2's alphabet of printable characters that stand for bytes, and back; also the `<0x0A>` form of byte tokens.
// Byte-level BPE vocabularies are written in it, so that every token is readable text in a JSON file.
// Source: `bytes_to_unicode` of openai/gpt-2 (encoder.py): printable Latin-1 stands for itself, the other 68 bytes
// take the code points from U+0100 on, in order. Called by `token-table.ts`. Knows nothing of vocabularies.

function printable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

const byteOfCharacter: ReadonlyMap<string, number> = (() => {
  const map = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) map.set(String.fromCharCode(printable(byte) ? byte : next++), byte);
  return map;
})();

/** @returns the bytes a piece of a byte-level vocabulary stands for; null when it is not written in the alphabet */
export function bytesOfAlphabet(piece: string): Uint8Array | null {
  const bytes = new Uint8Array(piece.length);
  for (let i = 0; i < piece.length; i++) {
    const byte = byteOfCharacter.get(piece.charAt(i));
    if (byte === undefined) return null;
    bytes[i] = byte;
  }
  return bytes;
}

/** @returns the byte of a token written `<0x0A>` (SentencePiece's byte fallback); null for any other text */
export function byteOfHexToken(piece: string): number | null {
  const match = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece);
  return match?.[1] === undefined ? null : parseInt(match[1], 16);
}
