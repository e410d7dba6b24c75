// `npm run test:e2e [-- path ...]`: the built demo in real Chromium, driven as a visitor would. Builds first.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { collect, runNodeTests } from './node-tests.mjs';

if (!process.env.LLM_ELEMENTS_BUILT) {
  const built = spawnSync('npm', ['run', 'build', '--silent'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (built.status !== 0) process.exit(built.status ?? 1);
}
const given = process.argv.slice(2);
process.exit(await runNodeTests(given.length > 0 ? given.map((path) => resolve(path)) : collect('.e2e.ts'), 1));
