// Finds conversations by words: all of them must occur, anywhere, regardless of case and accents. No index is kept: what
// is sealed is opened and read, which takes a few milliseconds for hundreds of conversations, and nothing of the words
// lies around unsealed. Pure; called by conversation-store.ts.

import type { Conversation } from '../protocol/conversations.js';

/** Characters of text around the first word found. */
const before = 40;
const excerptLength = 160;

/** The words to look for; none for a blank query. */
export function wordsOf(query: string): readonly string[] {
  return fold(query).split(/\s+/).filter(Boolean);
}

/** @returns an excerpt around the first word found ('' where only the title has it); null where a word is missing */
export function find(words: readonly string[], { title, nodes }: Conversation): string | null {
  const texts = nodes.flatMap(({ message, attachments = [] }) => [
    ...(message.role === 'system' ? [] : [message.content ?? '']),
    ...attachments.map(({ name }) => name),
  ]);
  const missing = new Set(words);
  const tell = (folded: string): void => {
    for (const word of missing) if (folded.includes(word)) missing.delete(word);
  };
  tell(fold(title));
  let excerpt = '';
  for (const text of texts) {
    const folded = fold(text);
    const at = Math.min(...words.map((word) => folded.indexOf(word)).filter((index) => index >= 0));
    if (Number.isFinite(at) && excerpt === '') excerpt = around(text, at, folded.length);
    tell(folded);
    if (missing.size === 0 && excerpt !== '') break;
  }
  return missing.size === 0 ? excerpt : null;
}

/** Lower case and without accents, as people type what they look for. */
function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** @param at in the folded text, whose length may differ: the place is near enough for an excerpt */
function around(text: string, at: number, foldedLength: number): string {
  const place = foldedLength === 0 ? 0 : Math.floor((at / foldedLength) * text.length);
  const from = Math.max(0, (foldedLength === text.length ? at : place) - before);
  const part = [...text.slice(from, from + excerptLength * 2)].slice(0, excerptLength).join('');
  const cut = part
    .replace(/^[\uDC00-\uDFFF]/, '')
    .replace(/\s+/g, ' ')
    .trim();
  return `${from > 0 ? '…' : ''}${cut}${from + part.length < text.length ? '…' : ''}`;
}
