// The written pages lead where they say: links and their anchors, files and commands that are named. Addresses of other
// sites are not asked (tests need no network), only read.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { allDocuments, parse, root, type Document } from './documents.js';

const documents = new Map(allDocuments().map((document) => [document.path, document]));

/** What is wrong with the links of a page. */
function brokenLinks({ path, prose, anchors }: Document): string[] {
  const plain = prose.replaceAll(/`[^`\n]*`/g, 'code');
  return [...plain.matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, target = '']) => {
    const [file = '', anchor] = target.split('#');
    if (/^[a-z]+:/.test(target)) return URL.canParse(target) ? [] : [`${path}: no URL: ${target}`];
    const wanted = file === '' ? path : normalize(join(dirname(path), decodeURI(file))).replaceAll('\\', '/');
    if (file !== '' && !existsSync(join(root, wanted))) return [`${path}: nothing at ${target}`];
    if (anchor === undefined) return [];
    const known = file === '' ? anchors : documents.get(wanted)?.anchors;
    return known?.has(anchor) ? [] : [`${path}: no heading for ${target}`];
  });
}

describe('the written pages', () => {
  test('every link leads somewhere', () => {
    assert.deepEqual([...documents.values()].flatMap(brokenLinks), []);
    const links = [...documents.values()].flatMap(({ prose }) => [...prose.matchAll(/\]\(/g)]);
    assert.ok(links.length > 60, `the test reads links: ${links.length}`);
  });

  test('a broken link is seen', () => {
    const page = parse('docs/a.md', '# One two\n\n[a](#one-two) [b](#three) [c](nothing.md) [d](embed.md#nowhere)');
    assert.equal(brokenLinks(page).length, 3);
  });

  test('every command of npm that is named exists, and every bench', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const benches = readdirSync(join(root, 'bench'));
    const missing: string[] = [];
    let named = 0;
    for (const { path, text } of documents.values()) {
      for (const [, name = ''] of text.matchAll(/\bnpm run ([a-z][\w:-]*)/g)) {
        named += 1;
        if (!(name in scripts)) missing.push(`${path}: npm run ${name}`);
      }
      for (const [, name = ''] of text.matchAll(/\bnpm run bench -- ([a-z][\w-]*)/g)) {
        if (!benches.some((entry) => entry === name || entry.startsWith(`${name}.`))) missing.push(`${path}: ${name}`);
      }
    }
    assert.deepEqual(missing, []);
    assert.ok(named > 20, `the test reads commands: ${named}`);
  });

  test('every file of the repository that is named by its whole path exists', () => {
    const rooms = readdirSync(root);
    const missing = [...documents.values()]
      .filter(({ path }) => path !== 'CHANGELOG.md')
      .flatMap(({ path, prose }) =>
        [...prose.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|tsx|mjs|js|md|json|py|html|sh))`/g)]
          .map(([, file = '']) => file)
          .filter((file) => rooms.includes(file.split('/')[0] ?? '') && !file.startsWith('dist/'))
          .filter((file) => !existsSync(join(root, file)) && !existsSync(join(root, dirname(path), file)))
          .map((file) => `${path}: ${file}`),
      );
    assert.deepEqual(missing, []);
  });
});
