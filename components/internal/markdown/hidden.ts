// Characters that are not seen but change what is read: they turn the order of text, have no width, or carry text that
// only a machine reads. Called by inlines.ts and render.ts on everything an answer shows; pure.
// In code and links all of them are shown by their number, because what is seen must be what runs and what is followed
// (Trojan Source, CVE-2021-42574). In running text those that other scripts need stay: joiners, marks and isolates.
// Tag characters (U+E0000 and on) smuggle whole sentences and are shown everywhere; flags made of them lose their pattern.

const turning = /[\u202d\u202e\u{e0000}-\u{e007f}\u2028\u2029\0]/gu;
const hidden =
  /[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}\0]/gu;

const named = (character: string): string =>
  `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;

/** The text with such characters by their number: ⟨U+202E⟩. */
export function showHidden(text: string, where: 'text' | 'code'): string {
  return text.replace(where === 'code' ? hidden : turning, named);
}

/** Code as it is copied: without what a reader could not have seen. */
export const withoutHidden = (text: string): string => text.replace(hidden, '');
