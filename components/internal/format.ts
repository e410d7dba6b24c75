// Numbers as people read them: bytes, tokens, durations, rates, plurals, by Intl in the language spoken now (texts.ts).
// Used by every element's templates and by the catalogues; no state but formatters, kept by language.

import { languageTag, section } from './texts.js';

export const units = section('units', {
  rate: (number: string) => `${number} tok/s`,
});

const kept = new Map<string, unknown>();

function keep<Formatter>(key: string, make: (tag: string) => Formatter): Formatter {
  const tag = languageTag();
  const whole = `${tag} ${key}`;
  let formatter = kept.get(whole) as Formatter | undefined;
  if (formatter === undefined) {
    formatter = make(tag);
    kept.set(whole, formatter);
  }
  return formatter;
}

function number(value: number, options: Intl.NumberFormatOptions): string {
  return keep(JSON.stringify(options), (tag) => new Intl.NumberFormat(tag, options)).format(value);
}

/** `value` with at most `digits` decimals. */
export const formatNumber = (value: number, digits = 0): string => number(value, { maximumFractionDigits: digits });

/** A share from 0 to 1: 43 %. */
export const formatPercent = (share: number): string => number(share, { style: 'percent', maximumFractionDigits: 0 });

/** The sentence for a count, by the language's plural rules (Arabic has six forms, Japanese one). */
export function plural(count: number, forms: { readonly [Form in Intl.LDMLPluralRule]?: string } & { other: string }) {
  return forms[keep('plural', (tag) => new Intl.PluralRules(tag)).select(count)] ?? forms.other;
}

const unit = (value: number, name: string, display: 'short' | 'long', digits: number): string =>
  number(value, { style: 'unit', unit: name, unitDisplay: display, maximumFractionDigits: digits });

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Decimal units, as download sizes are told: 3.9 MB. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let power = 0;
  while (value >= 999.5 && power < byteUnits.length - 1) {
    value /= 1000;
    power += 1;
  }
  return unit(value, byteUnits[power] ?? 'byte', power === 0 ? 'long' : 'short', power === 0 || value >= 99.95 ? 0 : 1);
}

/** Milliseconds below a second, else seconds with one decimal. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return unit(milliseconds, 'millisecond', 'short', 0);
  const seconds = milliseconds / 1000;
  // CLDR's English is "sec"; a column of figures reads better with the symbol.
  if (languageTag().startsWith('en')) return `${formatNumber(seconds, 1)} s`;
  return unit(seconds, 'second', 'short', 1);
}

/** A length of time in words: 3 minutes. */
export const formatTime = (value: number, name: 'second' | 'minute' | 'hour' | 'day', digits = 0): string =>
  unit(value, name, 'long', digits);

/** Tokens a second. */
export const formatRate = (tokensPerSecond: number): string =>
  units.rate(formatNumber(tokensPerSecond, tokensPerSecond < 100 ? 1 : 0));

/** Parameters of a model: 5.4 million, 1.5 billion. */
export function formatParameters(count: number): string {
  if (count < 1e6) return formatNumber(count);
  return number(count, { notation: 'compact', compactDisplay: 'long', maximumFractionDigits: 1 });
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
