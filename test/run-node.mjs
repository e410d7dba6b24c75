// `npm run test:node [-- path ...]`: unit and property tests that need no browser.
import { resolve } from 'node:path';
import { collect, runNodeTests } from './node-tests.mjs';

const given = process.argv.slice(2);
process.exit(await runNodeTests(given.length > 0 ? given.map((path) => resolve(path)) : collect('.node.test.ts')));
