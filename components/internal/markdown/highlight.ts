// Colours for code, by the words of its language. Fetched when the first fence of an answer closes (render.ts), with a
// module for each language that occurs. speed-highlight finds the tokens and calls back with their text; Lit makes the
// spans, so no string becomes markup.
// Untrusted input: code longer than `longest` stays plain, because patterns are tried on all of it at once.

import { html, nothing } from 'lit';
import { tokenizer, type ShjLanguageData } from '@speed-highlight/core/tokenize';
import { codeColours } from './highlight.styles.js';
import { showHidden } from './hidden.js';

/** Characters: about 40 ms of work in one go on an ordinary machine, once, when the block is whole. */
const longest = 8_000;

type LanguageModule = Promise<{ readonly default: unknown }>;

const modules: Readonly<Record<string, () => LanguageModule>> = {
  bash: () => import('@speed-highlight/core/languages/bash.js'),
  c: () => import('@speed-highlight/core/languages/c.js'),
  css: () => import('@speed-highlight/core/languages/css.js'),
  diff: () => import('@speed-highlight/core/languages/diff.js'),
  docker: () => import('@speed-highlight/core/languages/docker.js'),
  go: () => import('@speed-highlight/core/languages/go.js'),
  html: () => import('@speed-highlight/core/languages/html.js'),
  http: () => import('@speed-highlight/core/languages/http.js'),
  ini: () => import('@speed-highlight/core/languages/ini.js'),
  java: () => import('@speed-highlight/core/languages/java.js'),
  js: () => import('@speed-highlight/core/languages/js.js'),
  jsdoc: () => import('@speed-highlight/core/languages/jsdoc.js'),
  json: () => import('@speed-highlight/core/languages/json.js'),
  lua: () => import('@speed-highlight/core/languages/lua.js'),
  make: () => import('@speed-highlight/core/languages/make.js'),
  pl: () => import('@speed-highlight/core/languages/pl.js'),
  py: () => import('@speed-highlight/core/languages/py.js'),
  regex: () => import('@speed-highlight/core/languages/regex.js'),
  rs: () => import('@speed-highlight/core/languages/rs.js'),
  sql: () => import('@speed-highlight/core/languages/sql.js'),
  todo: () => import('@speed-highlight/core/languages/todo.js'),
  toml: () => import('@speed-highlight/core/languages/toml.js'),
  ts: () => import('@speed-highlight/core/languages/ts.js'),
  xml: () => import('@speed-highlight/core/languages/xml.js'),
  yaml: () => import('@speed-highlight/core/languages/yaml.js'),
};

/** What models write behind a fence. */
const aliases: Readonly<Record<string, string>> = {
  'c++': 'c',
  cc: 'c',
  cpp: 'c',
  cs: 'java',
  csharp: 'java',
  dockerfile: 'docker',
  golang: 'go',
  h: 'c',
  hpp: 'c',
  javascript: 'js',
  jsonc: 'json',
  jsx: 'js',
  kotlin: 'java',
  makefile: 'make',
  markup: 'html',
  mjs: 'js',
  patch: 'diff',
  perl: 'pl',
  python: 'py',
  python3: 'py',
  rust: 'rs',
  sh: 'bash',
  shell: 'bash',
  svg: 'xml',
  tsx: 'ts',
  typescript: 'ts',
  yml: 'yaml',
  zsh: 'bash',
};

const languages = new Map<string, Promise<ShjLanguageData | undefined>>();

function languageOf(name: string): Promise<ShjLanguageData | undefined> {
  let language = languages.get(name);
  if (language === undefined) {
    const load = Object.hasOwn(modules, name) ? modules[name] : undefined;
    // The modules' own types name each of their rules; what matters is the shape that the tokenizer takes.
    language =
      load === undefined ? Promise.resolve(undefined) : load().then((module) => module.default as ShjLanguageData);
    languages.set(name, language);
  }
  return language;
}

/**
 * @param language as the fence names it
 * @param place the node that shows it: its root is given the colours
 * @returns a value for a template, null where the text stays as it is
 */
export async function highlighted(text: string, language: string, place: Node): Promise<unknown> {
  const name = language.toLowerCase();
  const known = Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
  if (text.length > longest || !Object.hasOwn(modules, known)) return null;
  const parts: unknown[] = [];
  const steps = tokenizer(text, known, (part, type) => {
    if (part === '') return;
    const shown = showHidden(part, 'code');
    parts.push(type === undefined ? shown : html`<span class=${`hl-${type}`}>${shown}</span>`);
  });
  for (let step = steps.next(); step.done !== true;) step = steps.next(await languageOf(step.value));
  addColours(place);
  return parts.length === 0 ? nothing : parts;
}

/** The colours come with this module, not with the first download. */
function addColours(place: Node): void {
  const root = place.getRootNode();
  const sheet = codeColours.styleSheet;
  if (!(root instanceof ShadowRoot || root instanceof Document) || sheet === undefined) return;
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}
