// Which links of a model's answer may be links at all. Used by parse.ts; knows nothing of markdown or the DOM.
// A model can be talked into writing any address (EchoLeak, CVE-2025-32711), so: nothing is ever fetched for an
// address, only http, https and mailto become links, and the host is shown before anyone follows it.

const followable = new Set(['http:', 'https:', 'mailto:']);

export interface SafeLink {
  readonly href: string;
  /** Host (punycode where it is not ASCII, so that look-alike letters show), or the address of a mailto. */
  readonly host: string;
}

/** The link, or null where the address is relative, of another scheme, or no address. */
export function safeLink(address: string): SafeLink | null {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null; // not absolute: a model's answer has no base of its own
  }
  if (!followable.has(url.protocol)) return null;
  if (url.protocol === 'mailto:') return { href: url.href, host: url.pathname };
  // "https://bank.example@evil.example/" reads as the bank: user names have no business in an answer's links.
  if (url.username !== '' || url.password !== '') return null;
  return { href: url.href, host: url.host };
}

/** The host an image would be fetched from, for showing; a word for what has none. */
export function hostOf(address: string): string {
  const link = safeLink(address);
  if (link !== null) return link.host;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address.trim())?.[1];
  return scheme === undefined ? '' : `${scheme.toLowerCase()}:`;
}
