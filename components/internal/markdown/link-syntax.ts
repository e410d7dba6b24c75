// Where a link's address ends: behind "](", and in bare text. Called by inlines.ts; pure. Whether the address may be
// followed is links.ts's to say.
// Source: CommonMark 0.31.2, section 6.3 (link destination and title); GFM 0.29, section 6.9 (autolinks).

import { decodeEntities } from './entities.js';
import { matchAt } from './match-at.js';

/** Characters of an address; browsers take more, answers have no use for it. */
const longest = 2_048;
const deepest = 16;

/** Without backslashes before marks, character references decoded. */
export const unescaped = (text: string): string =>
  text.replace(/\\([!-/:-@[-`{-~])|&#?\w{1,32};/g, (whole, mark?: string) => mark ?? decodeEntities(whole));

const spaces = /[ \t\n]*/y;
const title = /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|\((?:[^()\\]|\\[^])*\)/y;

const skipSpaces = (text: string, at: number): number => at + (matchAt(spaces, text, at)?.[0].length ?? 0);

/** What stands in the round brackets at `at`; null where there is no such thing. */
export function linkTail(text: string, at: number): { readonly address: string; readonly end: number } | null {
  if (text[at] !== '(') return null;
  const start = skipSpaces(text, at + 1);
  const destination = destinationAt(text, start);
  if (destination === null) return null;
  let end = skipSpaces(text, destination.end);
  if (end > destination.end && text[end] !== ')') {
    const found = matchAt(title, text, end);
    if (found === null) return null;
    end = skipSpaces(text, end + found[0].length);
  }
  return text[end] === ')' ? { address: unescaped(destination.address), end: end + 1 } : null;
}

function destinationAt(text: string, start: number): { readonly address: string; readonly end: number } | null {
  if (text[start] === '<') {
    for (let at = start + 1; at < text.length && at - start < longest; at++) {
      if (text[at] === '\\') at += 1;
      else if (text[at] === '>') return { address: text.slice(start + 1, at), end: at + 1 };
      else if (text[at] === '<' || text[at] === '\n') return null;
    }
    return null;
  }
  let depth = 0;
  let at = start;
  for (; at < text.length; at++) {
    const character = text[at] ?? '';
    if (at - start > longest) return null;
    if (character === '\\' && at + 1 < text.length) at += 1;
    else if (character === '(' && ++depth > deepest) return null;
    else if (character === ')' && depth-- === 0) break;
    else if (character <= ' ' || character === '\u007f') break;
  }
  return depth > 0 ? null : { address: text.slice(start, at), end: at };
}

export interface BareLink {
  readonly shown: string;
  readonly address: string;
  readonly end: number;
  /** Characters of it that stand before where it was noticed. */
  readonly before: number;
}

const web = /(?:https?:\/\/|www\.)(?=[^\s<.])[^\s<]{1,2048}/iy;
const domain = /@(?=[a-z0-9])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/iy;

/** An address without brackets, noticed at "h", "w" or "@". */
export function bareLink(text: string, at: number): BareLink | null {
  if (text[at] === '@') {
    const found = matchAt(domain, text, at);
    if (found === null) return null;
    const name = /[\w.+-]{1,64}$/.exec(text.slice(Math.max(0, at - 64), at))?.[0] ?? '';
    const host = found[0].replace(/[-.]+$/, '');
    if (name === '' || !host.includes('.')) return null;
    return { shown: name + host, address: `mailto:${name}${host}`, end: at + host.length, before: name.length };
  }
  if (/\w/.test(text[at - 1] ?? '')) return null;
  const found = matchAt(web, text, at);
  if (found === null) return null;
  const shown = trimmed(found[0]);
  return {
    shown,
    address: /^w/i.test(shown) ? `http://${shown}` : shown,
    end: at + shown.length,
    before: 0,
  };
}

/** Without the marks that close the sentence around it. */
function trimmed(text: string): string {
  let end = text.length;
  /** Brackets that it closes and did not open. */
  let closed = text.split(')').length - text.split('(').length;
  for (; end > 0; end--) {
    const last = text[end - 1] ?? '';
    if (last === ')' ? closed-- <= 0 : !/[?!.,:;*_~'"\]]/.test(last)) break;
  }
  return text.slice(0, end);
}
