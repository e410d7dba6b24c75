// What `npm pack` would give a site: every entry of package.json's exports is built, has types, names only packages that
// are installed with it, and can be imported on a server, which renders an empty chat. Nothing is packed here; the parts
// that make the package are run for themselves.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { buildForServers } from '../components/build-for-servers.mjs';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);
const { exports, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string; node?: string; default?: string }>;
  dependencies: Record<string, string>;
};
// Inside the repository, so that packages are found from there.
mkdirSync(join(root, '.cache'), { recursive: true });
const work = mkdtempSync(join(root, '.cache/package-'));
after(() => rmSync(work, { recursive: true, force: true }));

const entries = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry]));

describe('the package', () => {
  test('has a file for every entry that browsers load', () => {
    const config = readFileSync(join(root, 'rollup.config.mjs'), 'utf8');
    for (const { default: file } of entries) {
      const [, name = ''] = /^\.\/dist\/([\w-]+)\.js$/.exec(file ?? '') ?? [];
      if (file !== undefined) assert.match(config, new RegExp(`^\\s+'?${name}'?: resolve\\(root,`, 'm'), file);
    }
    for (const file of Object.values(exports))
      if (typeof file === 'string') assert.ok(existsSync(join(root, file)), file);
  });

  test('has types for every entry, of packages that are installed with it', async () => {
    const settings = { extends: '../../tsconfig.types.json', compilerOptions: { outDir: './types', rootDir: '../..' } };
    const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.types.json'), 'utf8')) as { include: string[] };
    const own = { ...settings, include: include.map((file) => `../../${file}`) };
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(own));
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', work]);
    for (const { types } of entries) {
      const file = types.startsWith('./dist/types/')
        ? join(work, 'types', types.slice('./dist/types/'.length))
        : join(root, types);
      assert.ok(existsSync(file), types);
    }
    const named = new Set<string>();
    for (const entry of readdirSync(join(work, 'types'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
      for (const [, name = ''] of text.matchAll(/(?:from|import) ?\(?['"]((?:@[\w-]+\/)?[\w-]+)/g)) named.add(name);
    }
    named.delete('lit-html'); // brought and exported by lit
    assert.deepEqual(
      [...named].filter((name) => !(name in dependencies)),
      [],
    );
    assert.ok(named.has('lit'));
  });

  test('can be imported on a server, and renders an empty chat there', async () => {
    await buildForServers(join(work, 'server'));
    for (const { node } of entries) {
      if (node !== undefined) assert.ok(existsSync(join(work, 'server', node.slice('./dist/server/'.length))), node);
    }
    writeFileSync(
      join(work, 'page.mjs'),
      `import { LlmChat } from './server/index.js';
       import { autoload } from './server/autoload.js';
       import './server/define.js';
       import { render } from '@lit-labs/ssr';
       import { collectResult } from '@lit-labs/ssr/lib/render-result.js';
       import { html } from 'lit';
       if (typeof document !== 'undefined') throw new Error('this is no server');
       const page = await collectResult(render(html\`<llm-chat welcome="Good day"></llm-chat>\`));
       console.log(JSON.stringify({ page, kinds: [typeof LlmChat, typeof autoload] }));`,
    );
    const { stdout } = await run(process.execPath, [join(work, 'page.mjs')]);
    const { page, kinds } = JSON.parse(stdout) as { page: string; kinds: string[] };
    assert.deepEqual(kinds, ['function', 'function']);
    assert.match(page, /<llm-chat[^>]*>\s*<template shadowroot="open" shadowrootmode="open"/);
    assert.match(page, /Good day/);
  });

  test("the elements' manifest names the public surface and stays below 100 kB", () => {
    assert.ok(statSync(join(root, 'custom-elements.json')).size < 100_000);
    const { modules } = JSON.parse(readFileSync(join(root, 'custom-elements.json'), 'utf8')) as {
      modules: { path: string; declarations?: { members?: { name: string; privacy?: string }[] }[] }[];
    };
    for (const { path, declarations = [] } of modules) {
      assert.doesNotMatch(path, /internal|\.test\.|\.stories\./);
      for (const { members = [] } of declarations)
        for (const { name, privacy } of members)
          assert.ok(!name.startsWith('#') && privacy !== 'private', `${path}: ${name}`);
    }
  });
});
