// The catalogue of everything the elements show or say, and which language is spoken at this moment.
//
// A section (words.ts, model-picker.words.ts, ...) holds the English texts of one part of the kit and travels with the
// code that shows them. The other languages are a module each (words/de.ts, ...), fetched when an element with such a
// `lang` is on the page; until it is there, and where a language lacks it, English is shown. A site may replace single
// texts or add a language (`llmWords`).
//
// The language is the nearest `lang` attribute's: the element's own, an ancestor's (across shadow roots), the
// document's; without one the visitor's (navigator.language). Templates are rendered by one element at a time and
// without a pause, so "the language spoken now" is a variable of this module that `inLanguageOf` sets while it runs;
// reading a section outside gives the page's language.
// Formatters (format.ts) and plural rules follow the same variable. Knows no element and no sentence.

export type Text = string | ((...values: never[]) => string);
export interface Texts {
  readonly [key: string]: Text | Texts;
}

/** The shape of English, with any words in it: what a translation must have, key by key. */
export type Translated<English> = English extends string
  ? string
  : English extends (...values: infer Values) => string
    ? (...values: Values) => string
    : { readonly [Key in keyof English]: Translated<English[Key]> };

/** Some of the texts. */
export type SomeTexts<Whole> = Whole extends Text ? Whole : { readonly [Key in keyof Whole]?: SomeTexts<Whole[Key]> };

/** One language: sections by name. */
export type Sections = Readonly<Record<string, Texts>>;

interface Language {
  /** What numbers are formatted by: a valid BCP 47 tag. */
  readonly tag: string;
  /** Whose texts are shown: a key of `languages`. */
  readonly name: string;
}

const english: Language = { tag: 'en', name: 'en' };

/** Where the texts of a language come from. */
const modules: Readonly<Record<string, () => Promise<{ readonly catalogue: object }>>> = {
  ar: () => import('./words/ar.js'),
  de: () => import('./words/de.js'),
  es: () => import('./words/es.js'),
  ja: () => import('./words/ja.js'),
  zh: () => import('./words/zh.js'),
};

/** Languages that are there, beside English; a site's own among them. */
const languages = new Map<string, Sections>([['en', {}]]);
/** What a site replaced: by language, '*' for all. */
const replaced = new Map<string, Sections[]>();
const listeners = new Set<() => void>();

// Answers that hold until a language is loaded or a text replaced.
const resolved = new Map<string, Language>();
const merged = new Map<Texts, Map<string, Texts>>();

let spoken: Language | null = null;

/** What is formatted now is formatted for readers of this language (BCP 47). */
export const languageTag = (): string => current().tag;

/** Calls back whenever texts may have changed: a language arrived, a site replaced some. */
export function onTexts(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * English texts under a section's name; what is read of the result is in the language spoken at that moment. A section may
 * stand in several files, each with the texts that travel together.
 * Read it where it is shown: a text kept for later stays in its language.
 */
export function section<const English extends Texts>(name: string, texts: English): Translated<English> {
  const spokenNow = { get: (_: object, key: string) => textsOf(name, texts)[key] };
  return new Proxy(texts, spokenNow) as unknown as Translated<English>;
}

/** Runs `run` in the language of this place of the page. */
export function inLanguageOf<Result>(place: Element, run: () => Result): Result {
  const before = spoken;
  spoken = resolve(tagOf(place));
  try {
    return run();
  } finally {
    spoken = before;
  }
}

/** Fetches a language's texts, where the kit has them; resolves when they are shown. */
export async function loadLanguage(tag: string): Promise<void> {
  const name = nameOf(canonical(tag));
  const load = modules[name];
  if (load === undefined || languages.has(name)) return;
  const { catalogue } = await load();
  if (languages.get(name) === catalogue) return; // asked for twice
  languages.set(name, catalogue as Sections);
  changed();
}

/**
 * Replaces texts, for the whole page: those given, in one language or in all.
 * @param texts by section; see the catalogue's type
 * @param language such as 'de'; one that the kit does not have is added, with English where texts are missing
 */
export function replaceTexts(texts: Sections, language = '*'): void {
  const name = language === '*' ? language : nameOf(canonical(language));
  replaced.set(name, [...(replaced.get(name) ?? []), texts]);
  if (name !== '*' && modules[name] === undefined && !languages.has(name)) languages.set(name, {});
  changed();
}

/** The nearest `lang` above or at a place, else what the visitor's browser prefers. */
export function tagOf(place: Element): string {
  for (let node: Element | null = place; node !== null;) {
    const lang = node.closest('[lang]:not([lang=""])')?.getAttribute('lang');
    if (lang) return lang;
    const root = node.getRootNode();
    node = root instanceof ShadowRoot ? root.host : null;
  }
  return pageTag();
}

function pageTag(): string {
  // On a server there is neither.
  if (typeof document === 'undefined') return 'en';
  return document.documentElement.lang || navigator.language;
}

const current = (): Language => spoken ?? resolve(pageTag());

function changed(): void {
  resolved.clear();
  merged.clear();
  for (const listener of [...listeners]) listener();
}

function resolve(tag: string): Language {
  const known = resolved.get(tag);
  if (known !== undefined) return known;
  const valid = canonical(tag);
  const name = nameOf(valid);
  const language = languages.has(name) ? { tag: valid, name } : english;
  resolved.set(tag, language);
  if (language === english && typeof document !== 'undefined') {
    loadLanguage(valid).catch((thrown: unknown) => reportError(thrown));
  }
  return language;
}

/** A tag that Intl takes; English for what is none (a page may write anything into `lang`). */
function canonical(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag.trim().replaceAll('_', '-'))[0] ?? 'en';
  } catch {
    return 'en';
  }
}

/** Which catalogue a tag means: a site's own for the whole tag, else by its language; traditional Chinese is not `zh`. */
function nameOf(tag: string): string {
  if (languages.has(tag)) return tag;
  const { language, script } = new Intl.Locale(tag).maximize();
  return language === 'zh' && script === 'Hant' ? 'zh-Hant' : language;
}

function textsOf(name: string, texts: Texts): Texts {
  const language = current().name;
  const spokenIn = merged.get(texts) ?? new Map<string, Texts>();
  merged.set(texts, spokenIn);
  let whole = spokenIn.get(language);
  if (whole === undefined) {
    const over = [languages.get(language), ...(replaced.get('*') ?? []), ...(replaced.get(language) ?? [])];
    whole = over.reduce((below, sections) => laidOver(below, sections?.[name]), texts);
    spokenIn.set(language, whole);
  }
  return whole;
}

/** `above` where it has a text of the same kind, else `below`; keys that English does not know are dropped. */
function laidOver(below: Texts, above: Texts | undefined): Texts {
  if (above === undefined) return below;
  return Object.fromEntries(
    Object.entries(below).map(([key, text]) => {
      const other = Object.hasOwn(above, key) ? above[key] : undefined;
      if (typeof other !== typeof text || other === undefined) return [key, text];
      return [key, typeof text === 'object' ? laidOver(text, other as Texts) : other];
    }),
  );
}
