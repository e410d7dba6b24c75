// `npm test`: every test there is, in three parts, and one closing line. A part that fails does not hide the others.
import { spawnSync } from 'node:child_process';
import { findBrowser } from '../server/browser.mjs';

findBrowser(); // first, so that a missing browser is said (or installed) before minutes have passed
const shell = process.platform === 'win32';
const parts = [
  ['unit and property tests', ['run', 'test:node', '--silent']],
  ['browser tests', ['run', 'test:browser', '--silent']],
  ['end-to-end tests', ['run', 'test:e2e', '--silent']],
];
const results = parts.map(([title, args]) => {
  const started = Date.now();
  console.log(`\n== ${title}`);
  const { status } = spawnSync('npm', args, { stdio: 'inherit', shell });
  return { title, passed: status === 0, seconds: Math.round((Date.now() - started) / 1000) };
});
console.log('');
for (const { title, passed, seconds } of results)
  console.log(`${passed ? 'passed' : 'FAILED'}  ${title} (${seconds} s)`);
const failed = results.filter(({ passed }) => !passed).length;
console.log(`parts: ${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
