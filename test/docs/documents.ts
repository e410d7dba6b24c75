// The project's written pages, as the tests of this folder read them: markdown files, their headings, links and blocks of
// code. Reads the way GitHub does, as far as these pages go. Knows nothing of what is right in them.

import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of the first line inside, counted from 1. */
  readonly line: number;
}

export interface Document {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text with blocks of code left blank, line by line. */
  readonly prose: string;
  /** What `#...` may name. */
  readonly anchors: ReadonlySet<string>;
}

const left = new Set(['node_modules', 'dist', 'dist-storybook', 'fixtures']);

function* markdownUnder(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (left.has(entry.name) || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* markdownUnder(path);
    else if (entry.name.endsWith('.md')) yield path;
  }
}

/** A heading's anchor: GitHub's rule for plain headings. */
const slug = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[`*]/g, '')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');

export function parse(path: string, text: string): Document {
  const [blocks, prose]: [Block[], string[]] = [[], []];
  let open: { language: string; line: number; lines: string[] } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*```(\S*)\s*$/.exec(line);
    if (open === null && fence) open = { language: fence[1] ?? '', line: index + 2, lines: [] };
    else if (open !== null && fence?.[1] === '') {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join('\n') });
      open = null;
    } else if (open !== null) open.lines.push(line);
    else {
      prose.push(line);
      continue;
    }
    prose.push('');
  }
  if (open !== null) throw new Error(`${path}:${open.line}: a block of code is never closed`);
  const headings = prose.flatMap((line) => /^#{1,6}\s+(.*)$/.exec(line)?.[1] ?? []);
  return { path, text, blocks, prose: prose.join('\n'), anchors: new Set(headings.map(slug)) };
}

export const readDocument = (path: string): Document => parse(path, readFileSync(join(root, path), 'utf8'));

/** Every markdown page of the repository. */
export const allDocuments = (): Document[] =>
  [...markdownUnder(root)].map((path) => readDocument(relative(root, path).replaceAll('\\', '/'))).sort(byPath);

/** What a site owner reads: the front page and the guides. */
export const guides = (): Document[] =>
  allDocuments().filter(({ path }) => path === 'README.md' || /^docs\/[^/]+\.md$/.test(path));

const byPath = (one: Document, two: Document): number => (one.path < two.path ? -1 : 1);

export const blocksOf = (path: string, language: string): readonly Block[] =>
  readDocument(path).blocks.filter((block) => block.language === language);

/** The one block of a language that says `mark`. */
export function blockWith(path: string, language: string, mark: string): string {
  const found = blocksOf(path, language).filter(({ text }) => text.includes(mark));
  const [block] = found;
  if (block === undefined || found.length > 1) {
    throw new Error(`${path} has ${found.length} blocks of ${language} with "${mark}"; the test wants one`);
  }
  return block.text;
}
