// Times, rates, sizes of models, dates and names of languages as people read them, in the language spoken now. Used by every
// element but an empty chat; format.ts has the rest.

import { formatNumber, formatUnit, formatWith, keep } from './format.js';
import { languageTag, section } from './texts.js';

export const units = section('units', {
  rate: (number: string) => `${number} tok/s`,
});

/** Milliseconds below a second, else seconds with one decimal. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return formatUnit(milliseconds, 'millisecond', 'short', 0);
  const seconds = milliseconds / 1000;
  // CLDR's English is "sec"; a column of figures reads better with the symbol.
  if (languageTag().startsWith('en')) return `${formatNumber(seconds, 1)} s`;
  return formatUnit(seconds, 'second', 'short', 1);
}

/** A length of time in words: 3 minutes. */
export const formatTime = (value: number, name: 'second' | 'minute' | 'hour' | 'day', digits = 0): string =>
  formatUnit(value, name, 'long', digits);

/** Tokens a second. */
export const formatRate = (tokensPerSecond: number): string =>
  units.rate(formatNumber(tokensPerSecond, tokensPerSecond < 100 ? 1 : 0));

/** Parameters of a model: 5.4 million, 1.5 billion. */
export function formatParameters(count: number): string {
  if (count < 1e6) return formatNumber(count);
  return formatWith(count, { notation: 'compact', compactDisplay: 'long', maximumFractionDigits: 1 });
}

/** A point in time, as short as the language writes it. */
export const formatDate = (time: number, options: Intl.DateTimeFormatOptions): string =>
  keep(`date ${JSON.stringify(options)}`, (tag) => new Intl.DateTimeFormat(tag, options)).format(time);

/** Languages by name, from their tags: English, German and 3 more. */
export function formatLanguages(tags: readonly string[], more: (count: number) => string, shown = 4): string {
  const names = keep('languages', (tag) => new Intl.DisplayNames(tag, { type: 'language' }));
  const name = (tag: string): string => {
    try {
      return names.of(tag) ?? tag;
    } catch {
      return tag; // no tag at all: a catalogue may say what it likes
    }
  };
  const first = tags.slice(0, shown).map(name).join(', ');
  return tags.length > shown ? `${first} ${more(tags.length - shown)}` : first;
}

/** How long something takes still, no more exactly than it is known: 25 seconds, 3 minutes, 1.5 hours. */
export function aboutTime(seconds: number): string {
  if (seconds < 57.5) return formatTime(Math.round(seconds / 5) * 5, 'second');
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? formatTime(minutes, 'minute') : formatTime(Math.round(seconds / 1_800) / 2, 'hour', 1);
}
