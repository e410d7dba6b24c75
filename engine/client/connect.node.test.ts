// connect() on a page where no engine can be: told in words for the site's owner, before anything obscure fails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from './connect.js';

test('a page without https is told so', async () => {
  Object.assign(globalThis, { isSecureContext: false, location: { href: 'http://intranet.example/' } });
  await assert.rejects(connect(), { name: 'EngineError', code: 'engine-lost', message: /https/, hint: /https/ });
});
