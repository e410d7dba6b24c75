// What stands around a conversation with real key presses: files, the menu, the list of keys, kept conversations, speaking
// and listening. keyboard-chat.e2e.ts has the conversation itself.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { OpenedPage } from './open.js';
import { scriptSpeech } from './speech.js';
import { Walking } from './walking.js';

describe('what stands around a conversation, by keyboard alone', () => {
  const walking = new Walking();

  test('takes files and lets them go', async () => {
    const keys = await walking.begin('chat', 'Empty');
    await keys.to('button Add text files');
    const chooser = keys.page.waitForEvent('filechooser');
    await keys.press('Enter');
    const file = (name: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(`This is ${name}.`) });
    await (await chooser).setFiles([file('one.txt'), file('two.txt')]);
    await keys.until('the files', () => {
      return document.querySelector('llm-chat')?.shadowRoot?.querySelectorAll('[data-file]').length === 2;
    });
    await keys.at('button Add text files');
    await keys.to('button Remove two.txt', 'Shift+Tab');
    await keys.to('button Remove one.txt', 'Shift+Tab');
    await keys.press('Enter');
    await keys.at('button Remove two.txt');
    await keys.press('Enter');
    await keys.at('textbox Message');
  });

  test('opens its menu, which Escape and leaving it close, and saves', async () => {
    const keys = await walking.conversation();
    await keys.to('summary More', 'Shift+Tab');
    await keys.press('Enter', 'Tab');
    await keys.at('button Save as Markdown');
    await keys.press('Tab', 'Tab', 'Tab');
    await keys.at('button Keyboard shortcuts');
    await keys.press('Escape');
    await keys.at('summary More');
    const closed = () =>
      document.querySelector('llm-chat')?.shadowRoot?.querySelector<HTMLDetailsElement>('[part=menu]')?.open === false;
    await keys.until('the closed menu', closed);
    await keys.press('Space');
    await keys.to('button New chat');
    await keys.until('the closed menu', closed);
    await keys.to('summary More', 'Shift+Tab');
    await keys.press('Enter', 'Tab');
    const download = keys.page.waitForEvent('download');
    await keys.press('Enter');
    assert.equal((await download).suggestedFilename(), 'Hello.md');
    await keys.at('summary More');
  });

  test('saves a conversation as JSON and opens it again, from the menu', async () => {
    const keys = await walking.conversation();
    await keys.to('summary More', 'Shift+Tab');
    await keys.press('Enter', 'Tab', 'Tab');
    await keys.at('button Save as JSON');
    const download = keys.page.waitForEvent('download');
    await keys.press('Enter');
    const saved = await (await download).path();
    await keys.to('button New chat');
    await keys.press('Enter');
    await keys.at('textbox Message');
    await keys.until('the empty chat', () => document.querySelector('llm-chat')?.messages.length === 0);
    await keys.to('summary More', 'Shift+Tab');
    await keys.press('Enter');
    await keys.to('button Open a saved conversation');
    const chooser = keys.page.waitForEvent('filechooser');
    await keys.press('Space');
    await keys.at('summary More');
    await (
      await chooser
    ).setFiles({
      name: 'Hello.json',
      mimeType: 'application/json',
      buffer: readFileSync(saved),
    });
    await keys.until('the conversation', () => document.querySelector('llm-chat')?.messages.length === 2);
    await keys.at('summary More');
    assert.deepEqual(
      await keys.page.evaluate(() => document.querySelector('llm-chat')?.messages.map(({ content }) => content)),
      ['Hello', 'Hello.'],
    );
  });

  test('lists its keys after "?" and gives the focus back', async () => {
    const keys = await walking.begin('chat', 'Empty');
    await keys.to('log Conversation');
    await keys.press('?');
    await keys.at('button Close');
    assert.deepEqual(await keys.round(), ['button Close']);
    await keys.press('Escape');
    await keys.at('log Conversation');
    await keys.to('summary More', 'Shift+Tab');
    await keys.press('Enter');
    await keys.to('button Keyboard shortcuts');
    await keys.press('Enter');
    await keys.at('button Close');
    await keys.press('Enter');
    await keys.at('summary More');
  });

  test('searches, renames, deletes and opens kept conversations in a dialog that keeps the focus', async () => {
    const keys = await walking.begin('chat', 'History');
    await keys.at('searchbox Search conversations');
    await keys.press('Escape');
    await keys.at('textbox Message');
    await keys.to('button Conversations', 'Shift+Tab');
    await keys.press('Enter');
    await keys.at('searchbox Search conversations');
    await keys.until('the list', () => {
      return document.querySelector('llm-chat')?.shadowRoot?.querySelectorAll('dialog [data-id]').length === 2;
    });
    const [first, open = ''] = await keys.round();
    assert.equal(first, 'searchbox Search conversations');
    assert.match(open, /^button How do I embed the chat\?/);
    await keys.at('searchbox Search conversations');
    await keys.to('button Rename How do I embed the chat?');
    await keys.press('Enter');
    await keys.at('textbox New name');
    await keys.press('Control+A');
    await keys.type('Embedding');
    await keys.press('Enter');
    await keys.until('the other name', () => {
      return (
        document.querySelector('llm-chat')?.shadowRoot?.querySelector('dialog .title')?.textContent === 'Embedding'
      );
    });
    await keys.at(/^button Embedding /);
    await keys.to('button Delete Embedding');
    await keys.press('Enter');
    await keys.at('button Cancel');
    await keys.press('Enter');
    await keys.at('button Delete Embedding');
    await keys.press('Enter');
    await keys.at('button Cancel');
    await keys.press('Shift+Tab', 'Enter');
    await keys.at('button Delete A story about a brave mouse');
    await keys.press('Escape');
    await keys.at('button Conversations');
    await keys.press('Enter');
    await keys.at('searchbox Search conversations');
    await keys.until('the list', () => {
      return document.querySelector('llm-chat')?.shadowRoot?.querySelector('dialog button.open') !== null;
    });
    await keys.press('Tab', 'Enter');
    await keys.at('textbox Message');
    assert.equal(await keys.page.evaluate(() => document.querySelector('llm-chat')?.messages.length), 1);
  });

  test('finds a kept conversation by its words and deletes one; what is found is spoken', async () => {
    const keys = await walking.begin('chat', 'History');
    await keys.at('searchbox Search conversations');
    await keys.type('mouse');
    await keys.until('what is found', () => {
      const root = document.querySelector('llm-chat')?.shadowRoot;
      return (
        root?.querySelectorAll('dialog [data-id]').length === 1 &&
        [...root.querySelectorAll('[role=status]')].some((voice) => voice.textContent.includes('1 conversation'))
      );
    });
    await keys.at('searchbox Search conversations');
    const [search, open = '', ...others] = await keys.round();
    assert.equal(search, 'searchbox Search conversations');
    assert.match(open, /^button A story about a brave mouse/);
    assert.deepEqual(others, [
      'button Rename A story about a brave mouse',
      'button Delete A story about a brave mouse',
      'button Close',
    ]);
    await keys.to('button Delete A story about a brave mouse');
    await keys.press('Enter');
    await keys.at('button Cancel');
    await keys.press('Shift+Tab', 'Enter');
    await keys.until('the empty list', () => {
      return document.querySelector('llm-chat')?.shadowRoot?.querySelectorAll('dialog [data-id]').length === 0;
    });
    await keys.at('searchbox Search conversations');
    await keys.press('Control+A', 'Delete');
    await keys.until('the rest', () => {
      return document.querySelector('llm-chat')?.shadowRoot?.querySelectorAll('dialog [data-id]').length === 1;
    });
    await keys.press('Tab');
    await keys.at(/^button How do I embed the chat\?/);
    await keys.press('Space');
    await keys.at('textbox Message');
  });

  describe('with the voice of the browser', () => {
    let opened: OpenedPage;

    before(async () => {
      opened = await walking.browser.page({ width: 900 });
      await scriptSpeech(opened.page);
    });

    test('asks where the voice goes, listens, writes what it hears and stops', async () => {
      const keys = await walking.begin('chat', 'Dictation', opened);
      await keys.to('button Dictate');
      await keys.press('Enter');
      await keys.at('button Close');
      assert.deepEqual(await keys.round(), ['button Close', 'button Cancel', 'button Start dictating']);
      await keys.press('Escape');
      await keys.at('button Dictate');
      assert.equal(await keys.page.evaluate(() => window.speech.listening), false);
      await keys.press('Space');
      await keys.at('button Close');
      await keys.press('Tab', 'Tab', 'Enter');
      await keys.at('button Stop dictating');
      await keys.page.evaluate(() => window.speech.hear('tell me a story'));
      await keys.until('the words', () => {
        const field = document.querySelector('llm-chat')?.shadowRoot?.querySelector('textarea');
        return field?.value === 'tell me a story';
      });
      await keys.press('Enter');
      await keys.at('button Dictate');
      assert.equal(await keys.page.evaluate(() => window.speech.listening), false);
      // Who has agreed is not asked again; sending ends it.
      await keys.press('Enter');
      await keys.at('button Stop dictating');
      await keys.to('textbox Message', 'Shift+Tab');
      await keys.press('Enter');
      await keys.until('the silence', () => !window.speech.listening);
      assert.equal(
        await keys.page.evaluate(() => document.querySelector('llm-chat')?.messages[0]?.content),
        'tell me a story',
      );
    });

    test('reads an answer aloud and stops', async () => {
      const keys = await walking.conversation(opened);
      await keys.until('the button', () => {
        return document.querySelector('llm-chat')?.shadowRoot?.querySelector('[data-action=read]');
      });
      await keys.to('button Read aloud', 'Shift+Tab');
      await keys.press('Enter');
      await keys.at('button Stop reading');
      assert.deepEqual(await keys.page.evaluate(() => window.speech.said.splice(0)), ['Hello.']);
      await keys.press('Space');
      await keys.at('button Read aloud');
      assert.equal(await keys.page.evaluate(() => window.speech.silenced), 1);
      await keys.press('Enter');
      await keys.at('button Stop reading');
      await keys.page.evaluate(() => window.speech.finish());
      await keys.at('button Read aloud');
    });
  });
});
