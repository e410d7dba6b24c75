// Character references in markdown ("&amp;", "&#8212;") to characters, by table and arithmetic.
// Used by parse.ts. The usual decoders of the field write the reference into an element's innerHTML, which Trusted Types
// forbid; the full table of 2,231 names is not worth its bytes here, so unknown names stay as they are written.
// Source: CommonMark 0.31.2, section 2.5.

/** Each name with its character behind it. */
const named = new Map(
  Array.from(
    `amp& lt< gt> quot" apos' nbsp\u00a0 ndash– mdash— hellip… lsquo‘ rsquo’ ldquo“ rdquo” laquo« raquo» copy© reg® trade™
    deg° plusmn± times× divide÷ euro€ pound£ cent¢ yen¥ sect§ para¶ middot· bull• larr← uarr↑ rarr→ darr↓ ne≠ le≤ ge≥
    minus− infin∞`.matchAll(/(\w+)(.)/g),
    ([, name, character]) => [name, character],
  ),
);

const reference = /&(?:#[xX]([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([A-Za-z][A-Za-z0-9]{1,31}));/g;

export function decodeEntities(text: string): string {
  return text.replace(reference, (whole: string, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return named.get(name) ?? whole;
    const code = Number(hex === undefined ? decimal : `0x${hex}`);
    // NUL, surrogates and what lies outside Unicode become the replacement character, as the specification says.
    const invalid = code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff);
    return invalid ? '\ufffd' : String.fromCodePoint(code);
  });
}
