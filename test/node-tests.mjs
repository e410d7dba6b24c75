// Runs TypeScript tests with Node's own runner. Called by `npm run test:node [-- paths]`, `npm run test:e2e` and
// test/run.mjs; Node 20's runner takes no glob patterns, so the files are collected here.

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const rooms = ['components', 'engine', 'kernels', 'sw', 'models', 'server', 'test', 'bench'];

function* filesUnder(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

/** @param {string} suffix for instance '.node.test.ts' */
export const collect = (suffix) =>
  rooms.flatMap((room) => [...filesUnder(join(root, room))].filter((path) => path.endsWith(suffix))).sort();

/** Milliseconds for one file, on the slowest of machines: one that hangs is a failure, and the others still run. */
const patience = 15 * 60_000;

/** @returns {Promise<number>} the exit code; 1 when there is nothing to run, so that a lost pattern cannot pass */
export function runNodeTests(files, concurrency = 2) {
  if (files.length === 0) {
    console.error('No test file matches.');
    return Promise.resolve(1);
  }
  const limits = [`--test-concurrency=${concurrency}`, `--test-timeout=${patience}`];
  const args = ['--import', 'tsx', '--test', ...limits, '--test-reporter=spec'];
  return new Promise((done) => {
    const child = spawn(process.execPath, [...args, ...files.map((file) => relative(root, file))], {
      cwd: root,
      stdio: 'inherit',
    });
    child.on('exit', (code) => done(code ?? 1));
  });
}
