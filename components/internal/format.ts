// Numbers as people read them: bytes, tokens, durations, rates. Used by every element's templates; pure.
// Numbers follow the page's language (`lang`), units are short and the same everywhere.

const formatters = new Map<string, Intl.NumberFormat>();

/** `value` with at most `digits` decimals, in the language of the page. */
export function formatNumber(value: number, digits = 0): string {
  // Absent outside a page; an unknown tag in `lang` must not break the chat.
  const language = typeof document === 'undefined' ? '' : document.documentElement.lang;
  const key = `${language} ${String(digits)}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    const options: Intl.NumberFormatOptions = { maximumFractionDigits: digits };
    try {
      formatter = new Intl.NumberFormat(language === '' ? undefined : language, options);
    } catch {
      formatter = new Intl.NumberFormat(undefined, options);
    }
    formatters.set(key, formatter);
  }
  return formatter.format(value);
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, as download sizes are told: 3.9 MB. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${formatNumber(value, unit === 0 || value >= 99.95 ? 0 : 1)} ${byteUnits[unit] ?? 'B'}`;
}

/** Milliseconds below a second, else seconds with one decimal. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${formatNumber(milliseconds)} ms`;
  return `${formatNumber(milliseconds / 1000, 1)} s`;
}

/** Tokens a second. */
export function formatRate(tokensPerSecond: number): string {
  return `${formatNumber(tokensPerSecond, tokensPerSecond < 100 ? 1 : 0)} tok/s`;
}

/** Parameters of a model: 5.4 million, 1.5 billion. */
export function formatParameters(count: number): string {
  if (count >= 1e9) return `${formatNumber(count / 1e9, 1)} billion`;
  if (count >= 1e6) return `${formatNumber(count / 1e6, 1)} million`;
  return formatNumber(count);
}

/** Languages by name, from their tags, in the language of the page: English, German and 3 more. */
export function formatLanguages(tags: readonly string[], more: (count: number) => string, shown = 4): string {
  const page = typeof document === 'undefined' ? '' : document.documentElement.lang;
  const name = (tag: string): string => {
    try {
      return new Intl.DisplayNames(page === '' ? undefined : page, { type: 'language' }).of(tag) ?? tag;
    } catch {
      return tag; // no tag at all: a catalogue may say what it likes
    }
  };
  const names = tags.slice(0, shown).map(name).join(', ');
  return tags.length > shown ? `${names} ${more(tags.length - shown)}` : names;
}
