// Numbers as people read them: bytes, tokens, plurals, by Intl in the language spoken now (texts.ts). Used by every element's
// templates and by the catalogues; no state but formatters, kept by language. What an empty chat does not need, times, rates
// and names of languages, is more-formats.ts.

import { languageTag } from './texts.js';

const kept = new Map<string, unknown>();

export function keep<Formatter>(key: string, make: (tag: string) => Formatter): Formatter {
  const tag = languageTag();
  const whole = `${tag} ${key}`;
  let formatter = kept.get(whole) as Formatter | undefined;
  if (formatter === undefined) {
    formatter = make(tag);
    kept.set(whole, formatter);
  }
  return formatter;
}

export function formatWith(value: number, options: Intl.NumberFormatOptions): string {
  return keep(JSON.stringify(options), (tag) => new Intl.NumberFormat(tag, options)).format(value);
}

/** `value` with at most `digits` decimals. */
export const formatNumber = (value: number, digits = 0): string => formatWith(value, { maximumFractionDigits: digits });

/** A share from 0 to 1: 43 %. */
export const formatPercent = (share: number): string =>
  formatWith(share, { style: 'percent', maximumFractionDigits: 0 });

/** The sentence for a count, by the language's plural rules (Arabic has six forms, Japanese one). */
export function plural(count: number, forms: { readonly [Form in Intl.LDMLPluralRule]?: string } & { other: string }) {
  return forms[keep('plural', (tag) => new Intl.PluralRules(tag)).select(count)] ?? forms.other;
}

export const formatUnit = (value: number, name: string, display: 'short' | 'long', digits: number): string =>
  formatWith(value, { style: 'unit', unit: name, unitDisplay: display, maximumFractionDigits: digits });

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Decimal units, as download sizes are told: 3.9 MB. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let power = 0;
  while (value >= 999.5 && power < byteUnits.length - 1) {
    value /= 1000;
    power += 1;
  }
  return formatUnit(
    value,
    byteUnits[power] ?? 'byte',
    power === 0 ? 'long' : 'short',
    power === 0 || value >= 99.95 ? 0 : 1,
  );
}
