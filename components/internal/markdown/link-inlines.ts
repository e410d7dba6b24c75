// What a link or an image of an answer becomes: to be followed, or to be read where it may not be. Called by inlines.ts;
// pure. Which addresses may be followed is links.ts's to say.

import { showHidden } from './hidden.js';
import { hostOf, safeLink } from './links.js';
import { inlineText, type Inline } from './tokens.js';

/**
 * @param source what the answer wrote where the link's text stands
 */
export function linkOf(address: string, source: string, children: readonly Inline[]): readonly Inline[] {
  const link = safeLink(address);
  const shown = children.map(shownStrictly);
  // Not to be followed, but to be read: what the answer wrote stays visible.
  if (link === null) {
    const strict = showHidden(address, 'code');
    return (strict === source && source !== '') || `mailto:${source}` === address
      ? shown
      : [...shown, { type: 'text', text: ` (${strict})` }];
  }
  const says = source.replace(/^mailto:/i, '');
  const showsHost =
    says === link.host || source === address || address === `mailto:${source}` || address === `http://${source}`;
  return [{ type: 'link', href: link.href, host: showsHost ? '' : link.host, children: shown }];
}

function shownStrictly(inline: Inline): Inline {
  if (inline.type === 'text') return { type: 'text', text: showHidden(inline.text, 'code') };
  return 'children' in inline ? { ...inline, children: inline.children.map(shownStrictly) } : inline;
}

/** An address that is its own text. */
export const bareLinkOf = (address: string, shown: string): readonly Inline[] =>
  linkOf(address, shown, [{ type: 'text', text: showHidden(shown, 'code') }]);

export function imageOf(address: string, children: readonly Inline[]): Inline {
  const link = safeLink(address);
  const fetched = link !== null && !link.href.startsWith('mailto:');
  const alt = showHidden(inlineText(children), 'code');
  return { type: 'image', alt, host: hostOf(address), href: fetched ? link.href : '' };
}
