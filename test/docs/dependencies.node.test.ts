// docs/dependencies.md says what package.json has: every package, its version, its licence as the package itself states it,
// and those that reach visitors with a reason and a size.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readDocument, root } from './documents.js';

interface Package {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package;
const { text } = readDocument('docs/dependencies.md');
const [, shipped = '', building = ''] = text.split(/^## .*$/m);

/** The cells of each line of a table, without its head. */
const rows = (part: string): string[][] =>
  part
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );

/** "@web/test-runner, -chrome" are two packages. */
const names = (cell: string): string[] =>
  cell.split(', ').map((name, index, all) => (name.startsWith('-') ? `${all[index - 1] ?? ''}${name}` : name));

const licenceOf = (name: string): string => {
  const own = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as {
    license?: string;
  };
  return own.license ?? '';
};

/** Packages that what visitors run is made of: whatever the kit's own code imports, tests and stories left out. */
function imported(): string[] {
  const found = new Set<string>();
  for (const room of ['components', 'engine', 'sw', 'kernels']) {
    for (const entry of readdirSync(join(root, room), { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !/\.ts$/.test(file) || /\.(test|stories|harness)\.ts$/.test(file)) continue;
      if (/[\\/]assembly[\\/]|(testing|arbitrary)\.ts$/.test(file)) continue;
      for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(
        /(?:from|import)\s*\(?'((?:@[\w-]+\/)?[\w-][\w.-]*)[^']*'/g,
      ))
        if (!name.startsWith('node:')) found.add(name);
    }
  }
  return [...found].sort();
}

const versions: Readonly<Record<string, string>> = { ...devDependencies, ...dependencies };

describe('docs/dependencies.md', () => {
  test('what is shipped: each package, why, version, size, licence', () => {
    const listed = rows(shipped);
    assert.deepEqual(listed.map(([name]) => name).sort(), imported());
    for (const name of Object.keys(dependencies)) assert.ok(imported().includes(name), `${name} is used`);
    for (const [name = '', version, why = '', size = '', licence] of listed) {
      assert.equal(version, versions[name], `${name}: its version`);
      assert.ok(why.length > 20, `${name}: why`);
      assert.match(size, /\d.*(kB|MB)/, `${name}: its size`);
      assert.equal(licence, licenceOf(name), `${name}: its licence`);
    }
  });

  test('what builds and tests: each package, why, version, licence', () => {
    const listed = new Map<string, { version: string | undefined; licence: string | undefined }>();
    for (const [cell = '', versions = '', why = '', licence = ''] of rows(building)) {
      const [each, licences] = [versions.split(', '), licence.split(', ')];
      assert.ok(why.length > 4, `${cell}: why`);
      for (const [index, name] of names(cell).entries()) {
        const one = (all: readonly string[]): string | undefined => all[all.length === 1 ? 0 : index];
        assert.equal(listed.has(name), false, `${name} stands there twice`);
        listed.set(name, { version: one(each), licence: licences[index] ?? licences[0] });
      }
    }
    const others = Object.keys(devDependencies).filter((name) => !imported().includes(name));
    assert.deepEqual([...listed.keys()].sort(), others.sort());
    for (const [name, { version, licence }] of listed) {
      assert.equal(version, devDependencies[name], `${name}: its version`);
      assert.ok(
        (licence ?? '').includes(licenceOf(name)),
        `${name}: its licence is ${licenceOf(name)}, not ${licence}`,
      );
    }
  });
});
