// docs/hosting.md says what server/headers.mjs sends: each snippet is read as its host reads it (as far as these lines
// go), and for a handful of paths gives the same headers. A header that is added in one place only fails here.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { headersFor } from './headers.mjs';

type Headers = Record<string, string>;
type Host = (path: string) => Headers;

const document = readFileSync(join(import.meta.dirname, '../docs/hosting.md'), 'utf8');

function snippet(language: string): string {
  const match = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(document);
  assert.ok(match?.[1], `docs/hosting.md has a snippet for ${language}`);
  return match[1];
}

/** `map` blocks and `add_header`; a variable's value is the first regular expression that matches, an empty one unsent. */
function nginx(text: string): Host {
  const maps = new Map<string, { pattern: string; value: string }[]>();
  for (const [, name = '', body = ''] of text.matchAll(/^map \$uri (\$\w+) \{\n([^]*?)^\}/gm)) {
    const lines = [...body.matchAll(/^\s*("[^"]*"|default)\s+"([^"]*)";$/gm)];
    assert.equal(lines.length, body.trim().split('\n').length, `every line of ${name} is read`);
    maps.set(
      name,
      lines.map(([, pattern = '', value = '']) => ({ pattern: pattern.replaceAll('"', ''), value })),
    );
  }
  const added = [...text.matchAll(/^add_header ([\w-]+) (?:"([^"]*)"|(\$\w+))( always)?;$/gm)];
  assert.equal(added.length, text.match(/^add_header/gm)?.length, 'every add_header is read');
  const mapped = (name: string, path: string): string => {
    const lines = maps.get(name) ?? [];
    const exact = lines.find(({ pattern }) => pattern === path);
    const like = lines.find(({ pattern }) => pattern.startsWith('~') && new RegExp(pattern.slice(1)).test(path));
    return (exact ?? like ?? lines.find(({ pattern }) => pattern === 'default'))?.value ?? '';
  };
  return (path) => {
    const all = added.map(([, name = '', value, variable]) => [name, value ?? mapped(variable ?? '', path)] as const);
    return Object.fromEntries(all.filter(([, value]) => value !== ''));
  };
}

/** `Header set`, plain or within an `<If>` on the path; later ones win. */
function apache(text: string): Host {
  const rules: { test: RegExp; name: string; value: string }[] = [];
  let inside = /^/;
  for (const line of text.trim().split('\n')) {
    const begin = /^<If "%\{REQUEST_URI\} =~ m#(.*)#">$/.exec(line);
    const set = /^\s*Header (?:always )?set ([\w-]+) "([^"]*)"$/.exec(line);
    if (begin?.[1] !== undefined) inside = new RegExp(begin[1]);
    else if (line === '</If>') inside = /^/;
    else if (set) rules.push({ test: inside, name: set[1] ?? '', value: set[2] ?? '' });
    else assert.match(line, /^(AddType|AddOutputFilterByType DEFLATE) /, `read: ${line}`);
  }
  return (path) => {
    const matching = rules.filter(({ test }) => test.test(path));
    return Object.fromEntries(matching.map(({ name, value }) => [name, value]));
  };
}

/** Paths with `*`; all that match count, and one header twice is joined by a comma. */
function headersFile(text: string): Host {
  const rules: { test: RegExp; name: string; value: string }[] = [];
  let path = '';
  for (const line of text.trimEnd().split('\n')) {
    const header = /^ {2}([\w-]+): (.+)$/.exec(line);
    if (header) {
      const pattern = path.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace('*', '.*');
      rules.push({ test: new RegExp(`^${pattern}$`), name: header[1] ?? '', value: header[2] ?? '' });
    } else {
      assert.match(line, /^\/\S*$/, `read: ${line}`);
      assert.ok((line.match(/\*/g) ?? []).length <= 1, 'one asterisk a path');
      path = line;
    }
    assert.ok(line.length <= 2000, 'a line has at most 2,000 characters');
  }
  return (path) => {
    const found: Headers = {};
    for (const { name, value } of rules.filter((rule) => rule.test.test(path))) {
      found[name] = found[name] === undefined ? value : `${found[name]}, ${value}`;
    }
    return { 'Cache-Control': 'no-cache', ...found }; // as good as what both hosts send by themselves
  };
}

const hosts: readonly (readonly [name: string, host: Host])[] = [
  ['nginx', nginx(snippet('nginx'))],
  ['Apache', apache(snippet('apache'))],
  ['Cloudflare Pages and Netlify', headersFile(snippet('_headers'))],
];

describe('docs/hosting.md', () => {
  for (const [name, host] of hosts) {
    test(`${name} sends what the kit's own server sends`, () => {
      for (const path of [
        '/',
        '/shop/index.html',
        '/chunks/of-the-site.js',
        '/llm-elements/define.js',
        '/llm-elements/engine-worker.js',
        '/llm-elements/sw.js',
        '/llm-elements/kit-manifest.json',
        '/llm-elements/chunks/ort.wasm.bundle.min-DALb6pIJ.js',
        '/llm-elements/ort/ort-wasm-simd-threaded-0123456789ab.wasm',
        '/llm-elements/kernels/simd-0123456789ab.wasm',
        '/llm-elements/models/models.json',
        '/llm-elements/models/default/manifest.json',
        `/llm-elements/models/default/${'a'.repeat(64)}.bin`,
      ]) {
        assert.deepEqual(host(path), headersFor(path, { kit: '/llm-elements/' }), path);
      }
    });
  }
});
