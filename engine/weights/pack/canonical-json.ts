// The canonical form of a JSON value (RFC 8785): no spaces, members sorted by UTF-16 code units, numbers and strings as
// ECMAScript writes them, which is what JSON.stringify does. Signatures are made and checked over its UTF-8 bytes.
// Called by signature.ts. It takes what JSON.parse gives, and nothing else.

export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    // The default order of sort() is that of UTF-16 code units.
    const members = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson((value as Record<string, unknown>)[key])}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}
