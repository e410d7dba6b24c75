// Importing the elements on a server does not throw, and each renders there as declarative shadow DOM, without an engine,
// so that an empty chat is on screen before any script has run.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '@lit-labs/ssr';
import { collectResult } from '@lit-labs/ssr/lib/render-result.js';
import { html } from 'lit';

test('the entries can be imported where there is no page', async () => {
  assert.equal('document' in globalThis, false);
  const classes = await import('./index.js');
  assert.equal(typeof classes.LlmChat, 'function');
  await import('../engine/client/index.js');
  await import('../engine/client/language-model/index.js');
});

test('an empty chat renders on a server: field, button, welcome', async () => {
  await import('./define/all.js');
  const page = await collectResult(render(html`<llm-chat welcome="Good day" placeholder="Write here"></llm-chat>`));
  assert.match(page, /<llm-chat[^>]*>\s*<template shadowroot="open" shadowrootmode="open"/);
  assert.match(page, /<textarea[^>]*placeholder="Write here"/);
  assert.match(page, /Good day/);
  assert.match(page, /<style>[^<]*:host/);
});

test('the other elements render on a server, too', async () => {
  await import('./define/all.js');
  for (const tag of [
    html`<llm-model-picker></llm-model-picker>`,
    html`<llm-metrics></llm-metrics>`,
    html`<llm-status></llm-status>`,
    html`<llm-privacy></llm-privacy>`,
    html`<llm-settings></llm-settings>`,
    html`<llm-engine><llm-status></llm-status></llm-engine>`,
  ]) {
    assert.match(await collectResult(render(tag)), /shadowrootmode="open"/);
  }
});
