// The conversation with real key presses: writing, sending, stopping, other words and versions, scrolling. keyboard.e2e.ts
// has what Tab meets; keys.ts says what is refused on the way.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answered, Walking, type Scripted } from './walking.js';

describe('a conversation by keyboard alone', () => {
  const walking = new Walking();

  test('sends with Enter, writes lines with Shift+Enter, stops with Escape and with its button', async () => {
    const keys = await walking.begin('chat', 'Empty');
    await keys.page.evaluate(() => document.querySelector<Scripted>('llm-engine')?.engine.hold());
    await keys.to('textbox Message');
    await keys.type('One');
    await keys.press('Shift+Enter');
    await keys.type('Two');
    await keys.press('Enter');
    assert.equal(await keys.page.evaluate(() => document.querySelector('llm-chat')?.messages[0]?.content), 'One\nTwo');
    await keys.press('Escape');
    await keys.until('the stop', () => document.querySelector('llm-chat')?.busy === false);
    await keys.at('textbox Message');
    await keys.type('Again');
    await keys.press('Enter', 'Tab');
    await keys.at('button Stop answering');
    await keys.press('Space');
    await keys.until('the stop', () => document.querySelector('llm-chat')?.busy === false);
    await keys.at('button Send');
  });

  test('sends a suggestion, and the focus is in the field', async () => {
    const keys = await walking.begin('chat', 'Suggestions');
    await keys.to('button How do I embed the chat?');
    await keys.press('Space');
    await keys.at('textbox Message');
  });

  test('changes a message and turns between its versions', async () => {
    const keys = await walking.conversation();
    await keys.press('ArrowUp');
    await keys.at('textbox Your message in other words');
    await keys.press('Escape');
    await keys.at('button Edit this message');
    await keys.press('Enter');
    await keys.at('textbox Your message in other words');
    await keys.press('End');
    await keys.type(' there');
    await keys.press('Enter');
    await keys.at('textbox Message');
    await keys.until('the answer', answered);
    await keys.to('button Next version', 'Shift+Tab');
    await keys.to('button Previous version', 'Shift+Tab');
    await keys.press('Enter');
    await keys.at('button Previous version');
    assert.equal(await keys.page.evaluate(() => document.querySelector('llm-chat')?.messages[0]?.content), 'Hello');
    await keys.press('Tab', 'Enter');
    await keys.at('button Next version');
    const content = await keys.page.evaluate(() => document.querySelector('llm-chat')?.messages[0]?.content);
    assert.equal(content, 'Hello there');
  });

  test('copies, answers again, deletes and takes it back', async () => {
    const keys = await walking.conversation();
    await keys.to('button Copy this answer', 'Shift+Tab');
    await keys.press('Enter');
    await keys.until('the copy', async () => (await navigator.clipboard.readText()) === 'Hello.');
    await keys.at('button Copy this answer');
    await keys.to('button Try again');
    await keys.press('Space');
    await keys.at('textbox Message');
    await keys.until('the other answer', answered);
    await keys.to('button Delete this message and what follows it', 'Shift+Tab');
    await keys.press('Enter');
    await keys.at('button Undo');
    await keys.press('Enter');
    await keys.at('button Delete this message and what follows it');
    assert.equal(await keys.page.evaluate(() => document.querySelector('llm-chat')?.messages.length), 2);
  });

  test('begins anew, and tries again after a failure, with the focus in the field', async () => {
    const keys = await walking.conversation();
    await keys.to('button New chat', 'Shift+Tab');
    await keys.press('Enter');
    await keys.at('textbox Message');
    const broken = await walking.begin('chat', 'NoEngine');
    await broken.to('button Try again');
    await broken.press('Enter');
    await broken.at('textbox Message');
    await broken.until('the model', () => {
      return document.querySelector<Scripted>('llm-engine')?.engine.state.status.kind === 'ready';
    });
    await broken.at('textbox Message');
  });

  test('scrolls the conversation, and jumps back to its end', async () => {
    const keys = await walking.begin('chat', 'Long');
    await keys.until('the answer', answered);
    await keys.to('log Conversation');
    await keys.press('Home');
    await keys.until('the way back', () => {
      return document.querySelector('llm-chat')?.shadowRoot?.querySelector('.latest') !== null;
    });
    await keys.page.focus('[data-fence=behind]');
    await keys.to('button Jump to the latest message', 'Shift+Tab');
    await keys.press('Enter');
    await keys.at('log Conversation');
    await keys.until('the end', () => {
      const log = document.querySelector('llm-chat')?.shadowRoot?.querySelector('[role=log]');
      return log && log.scrollHeight - log.scrollTop - log.clientHeight < 48;
    });
  });
});
