// Every element with real key presses: what Tab meets, in which order and under which name (the tables), and what the
// keys then do (the walks). keys.ts says what is refused on the way; stories are the states.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ScriptedEngine } from '../support/scripted-engine.js';
import { Keys } from './keys.js';
import { rested, show, StoryBrowser, type OpenedPage } from './open.js';

/** What is met from before the element to behind it, by the story that shows the state. */
const tables: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'components/chat/chat': {
    Empty: ['summary More', 'log Conversation', 'button Add text files', 'textbox Message', 'button Send'],
    Branches: [
      'summary More',
      'button New chat',
      'log Conversation',
      'button Copy this message',
      'button Edit this message',
      'button Delete this message and what follows it',
      'button Previous version',
      'button Next version',
      'button Copy this answer',
      'button Try again',
      'button Delete this message and what follows it',
      'button Add text files',
      'textbox Message',
      'button Send',
    ],
    Markdown: [
      'summary More',
      'button New chat',
      'log Conversation',
      'button Copy this message',
      'button Edit this message',
      'button Delete this message and what follows it',
      'link a link',
      'group Table',
      'button Copy',
      'group Code, html',
      'button Copy this answer',
      'button Try again',
      'button Delete this message and what follows it',
      'button Add text files',
      'textbox Message',
      'button Send',
    ],
    Cloud: [
      'summary More',
      'button New chat',
      'log Conversation',
      'button Copy this message',
      'button Edit this message',
      'button Delete this message and what follows it',
      'button Copy this answer',
      'button Try again',
      'button Delete this message and what follows it',
      'button Add text files',
      'textbox Message',
      'button Send',
      'switch Allow the cloud (api.example.com). Conversations then leave this device.',
    ],
    RightToLeft: [
      'summary More',
      'button New chat',
      'log Conversation',
      'button Copy this message',
      'button Edit this message',
      'button Delete this message and what follows it',
      'button Copy',
      'group Code, js',
      'button Copy this answer',
      'button Try again',
      'button Delete this message and what follows it',
      'button Add text files',
      'textbox Message',
      'button Send',
    ],
    NoEngine: [
      'summary More',
      'log Conversation',
      'button Try again',
      'button Add text files',
      'textbox Message',
      'button Send',
    ],
    SuggestionsOfThePage: [
      'summary More',
      'log Conversation',
      'button A story',
      'button Embedding',
      'button Add text files',
      'textbox Message',
      'button Send',
    ],
  },
  'components/model-picker/model-picker': {
    Search: ['searchbox Search models', 'radio Model 1', 'summary A model of your own'],
    Kept: [
      'radio Demo model',
      'button Delete A larger model from this device',
      'button Delete my-model from this device',
      'summary A model of your own',
    ],
    Downloading: [
      'radio A larger model',
      'button Cancel',
      'button Pause',
      'button Delete my-model from this device',
      'summary A model of your own',
    ],
  },
  'components/metrics/metrics': { AfterAnswers: ['summary History', 'summary Kernels', 'button Copy as JSON'] },
  'components/settings/settings': {
    Chosen: [
      'combobox Model',
      'combobox Runs on',
      'slider Temperature',
      'button Back to the makers’ advice',
      'spinbutton Longest answer',
      'switch Keep conversations',
      'button Back to this site’s settings',
    ],
    HoldsFromTheNextLoad: [
      'combobox Model',
      'combobox Runs on',
      'button Load it again now',
      'slider Temperature',
      'spinbutton Longest answer',
      'switch Keep conversations',
      'button Back to this site’s settings',
    ],
  },
  'components/privacy/privacy': {
    EverythingStaysHere: ['button Erase everything'],
    CloudAllowed: ['switch Allow answers from cloud.example', 'button Erase everything'],
    LeavingNow: ['switch Allow answers from cloud.example', 'button Erase everything'],
  },
  'components/status/status': { Ready: ['button Assistant: ready.'], Failed: ['button Assistant: not working.'] },
};

/** The scripted engine of the story. */
interface Scripted extends Element {
  readonly engine: ScriptedEngine;
}

describe('by keyboard alone', () => {
  let browser: StoryBrowser;
  let opened: OpenedPage;
  let forced: OpenedPage;

  before(async () => {
    browser = await StoryBrowser.open();
    opened = await browser.page({ width: 900 });
    forced = await browser.page({ width: 375, forcedColors: 'active' });
  });

  after(() => browser.close());

  async function begin(element: string, name: string, { page } = opened): Promise<Keys> {
    await show(page, { file: `components/${element}/${element}`, name });
    return await Keys.begin(page);
  }

  for (const [file, stories] of Object.entries(tables)) {
    test(`what Tab meets in ${file.split('/').at(-1) ?? ''}, in its order, seen and named, with no trap`, async () => {
      for (const [name, wanted] of Object.entries(stories)) {
        await show(opened.page, { file, name });
        await rested(opened.page);
        const keys = await Keys.begin(opened.page);
        assert.deepEqual(await keys.walk(), wanted, name);
      }
    });

    test(`the same of ${file.split('/').at(-1) ?? ''} narrow and in high contrast`, async () => {
      const [name = '', wanted] = Object.entries(stories).at(-1) ?? [];
      await show(forced.page, { file, name });
      await rested(forced.page);
      const keys = await Keys.begin(forced.page);
      assert.deepEqual(await keys.walk(), wanted);
    });
  }

  test('a walk refuses what a person could not use', async () => {
    interface Wrong {
      readonly buttons: readonly Readonly<Record<string, string>>[];
      /** Of what stands around them. */
      readonly around?: Readonly<Record<string, string>>;
      readonly complaint: RegExp;
    }
    const [one, two] = [{ 'aria-label': 'One' }, { 'aria-label': 'Two' }];
    const wrong: readonly Wrong[] = [
      { buttons: [one, { ...two, tabindex: '-1' }], complaint: /"Two" in page is not reached/ },
      // It comes first of all, before the page's own.
      { buttons: [one, { ...two, tabindex: '3' }], complaint: /"Two" in page is not reached/ },
      { buttons: [one], around: { 'aria-hidden': 'true' }, complaint: /is in a hidden part/ },
      { buttons: [{}], complaint: /has no name/ },
      { buttons: [one, one], complaint: /is called as another/ },
      { buttons: [{ ...one, style: 'outline: none' }], complaint: /does not show the focus/ },
      { buttons: [one, two], around: { style: 'display: flex; flex-direction: row-reverse' }, complaint: /before it/ },
      {
        buttons: [one, two],
        around: { style: 'display: flex; flex-direction: column-reverse' },
        complaint: /above it/,
      },
      { buttons: [{ ...one, 'data-trap': '' }], complaint: /the way does not end/ },
    ];
    for (const { buttons, around = {}, complaint } of wrong) {
      await show(opened.page, { file: 'components/status/status', name: 'Ready' });
      await opened.page.evaluate(
        ([all, outer]) => {
          const place = document.createElement('div');
          for (const [element, attributes] of [
            [place, outer] as const,
            ...all.map((each) => [place.appendChild(document.createElement('button')), each] as const),
          ]) {
            const { style = '', ...others } = attributes;
            element.style.cssText = style; // as a script may, under a strict policy
            for (const [name, value] of Object.entries(others)) element.setAttribute(name, value);
          }
          document.querySelector('main')?.replaceChildren(place);
          const trap = document.querySelector('[data-trap]');
          trap?.addEventListener('keydown', (event) => event.preventDefault());
        },
        [buttons, around] as const,
      );
      const keys = await Keys.begin(opened.page);
      await assert.rejects(keys.walk(), complaint);
    }
  });

  describe('the chat', () => {
    const answered = () =>
      !document.querySelector('llm-chat')?.busy &&
      document.querySelector('llm-chat')?.shadowRoot?.querySelector('[data-status=done] [data-action=again]') !== null;

    async function conversation(): Promise<Keys> {
      const keys = await begin('chat', 'Empty');
      await keys.to('textbox Message');
      await keys.type('Hello');
      await keys.press('Enter');
      await keys.until('the answer', answered);
      await keys.at('textbox Message');
      return keys;
    }

    test('sends with Enter, writes lines with Shift+Enter, stops with Escape and with its button', async () => {
      const keys = await begin('chat', 'Empty');
      await keys.page.evaluate(() => document.querySelector<Scripted>('llm-engine')?.engine.hold());
      await keys.to('textbox Message');
      await keys.type('One');
      await keys.press('Shift+Enter');
      await keys.type('Two');
      await keys.press('Enter');
      assert.equal(
        await keys.page.evaluate(() => document.querySelector('llm-chat')?.messages[0]?.content),
        'One\nTwo',
      );
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
      const keys = await begin('chat', 'Suggestions');
      await keys.to('button How do I embed the chat?');
      await keys.press('Space');
      await keys.at('textbox Message');
    });

    test('changes a message and turns between its versions', async () => {
      const keys = await conversation();
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
      const keys = await conversation();
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
      const keys = await conversation();
      await keys.to('button New chat', 'Shift+Tab');
      await keys.press('Enter');
      await keys.at('textbox Message');
      const broken = await begin('chat', 'NoEngine');
      await broken.to('button Try again');
      await broken.press('Enter');
      await broken.at('textbox Message');
      await broken.until('the model', () => {
        return document.querySelector<Scripted>('llm-engine')?.engine.state.status.kind === 'ready';
      });
      await broken.at('textbox Message');
    });

    test('takes files and lets them go', async () => {
      const keys = await begin('chat', 'Empty');
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
      const keys = await conversation();
      await keys.to('summary More', 'Shift+Tab');
      await keys.press('Enter', 'Tab');
      await keys.at('button Save as Markdown');
      await keys.press('Tab', 'Tab', 'Tab');
      await keys.at('button Keyboard shortcuts');
      await keys.press('Escape');
      await keys.at('summary More');
      const closed = () =>
        document.querySelector('llm-chat')?.shadowRoot?.querySelector<HTMLDetailsElement>('[part=menu]')?.open ===
        false;
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

    test('lists its keys after "?" and gives the focus back', async () => {
      const keys = await begin('chat', 'Empty');
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
      const keys = await begin('chat', 'History');
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

    test('scrolls the conversation, and jumps back to its end', async () => {
      const keys = await begin('chat', 'Long');
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

  describe('the picker', () => {
    test('searches, chooses with the arrows, loads, pauses, goes on and cancels', async () => {
      const keys = await begin('model-picker', 'DownloadToPlayWith');
      await keys.to('radio Demo model');
      await keys.press('Space', 'ArrowDown');
      await keys.at('radio A larger model');
      await keys.press('ArrowUp', 'Tab');
      await keys.at('button Load (3.9 MB)');
      await keys.press('Enter');
      await keys.at('button Cancel');
      await keys.press('Tab');
      await keys.at('button Pause');
      await keys.press('Space');
      await keys.at('button Resume');
      await keys.press('Enter');
      await keys.at('button Pause');
      await keys.press('Shift+Tab', 'Enter');
      await keys.at('button Load (3.9 MB)');
      const found = await begin('model-picker', 'Search');
      await found.to('searchbox Search models');
      await found.type('stories apache');
      assert.deepEqual(await found.walk(), ['searchbox Search models', 'radio Model 1', 'summary A model of your own']);
    });

    test('asks before it deletes; no is the first answer, Escape is one', async () => {
      const keys = await begin('model-picker', 'Kept');
      await keys.to('button Delete my-model from this device');
      await keys.press('Enter');
      await keys.at('button Keep it');
      assert.deepEqual(await keys.round(), ['button Keep it', 'button Delete']);
      await keys.press('Escape');
      await keys.at('button Delete my-model from this device');
      await keys.press('Enter');
      await keys.at('button Keep it');
      await keys.press('Tab', 'Enter');
      await keys.at('radio Demo model');
      const { deleted } = await keys.page.evaluate(() => ({
        deleted: document.querySelector<Scripted>('llm-engine')?.engine.deleted,
      }));
      assert.equal(deleted?.length, 1);
    });

    test('takes a file and an address, and says what is none', async () => {
      const keys = await begin('model-picker', 'NothingLoaded');
      await keys.to('summary A model of your own');
      await keys.press('Enter');
      await keys.to('button Choose a file');
      const chooser = keys.page.waitForEvent('filechooser');
      await keys.press('Space');
      const buffer = Buffer.from('GGUF');
      await (await chooser).setFiles({ name: 'mine.gguf', mimeType: 'application/octet-stream', buffer });
      await keys.until('the load', () => document.querySelector<Scripted>('llm-engine')?.engine.loads.length === 1);
      await keys.at('button Choose a file');
      await keys.to('textbox Address of a model');
      await keys.type('not an address');
      await keys.press('Enter');
      await keys.at('textbox Address of a model');
      const said = () =>
        document.querySelector('llm-model-picker')?.shadowRoot?.querySelector('[role=status]')?.textContent;
      await keys.until('the refusal', said);
      assert.match((await keys.page.evaluate(said)) ?? '', /no address of a model/);
      await keys.press('Control+A');
      await keys.type('https://models.example/mine.gguf');
      await keys.press('Tab');
      await keys.at('button Load');
      await keys.press('Space');
      await keys.until('the load', () => document.querySelector<Scripted>('llm-engine')?.engine.loads.length === 2);
      await keys.at('button Load');
    });
  });

  test('metrics: opens the history and the kernels, chooses what is drawn, copies', async () => {
    const keys = await begin('metrics', 'Kernels');
    await keys.to('summary History');
    await keys.press('Enter', 'Tab');
    await keys.at('combobox What is drawn');
    await keys.press('ArrowDown');
    await keys.until('the other line', () => {
      const { shadowRoot } = document.querySelector('llm-metrics') ?? {};
      return shadowRoot?.querySelector('[part=chart]')?.ariaLabel?.startsWith('First token after');
    });
    await keys.to('summary Kernels');
    await keys.press('Space');
    await keys.at('summary Kernels');
    await keys.press('Space');
    await keys.until('the times', () => document.querySelector('llm-metrics')?.shadowRoot?.querySelector('table'));
    assert.deepEqual((await keys.walk()).slice(-4), [
      'summary Kernels',
      'button Measure',
      'region Time on the graphics card by kernel',
      'button Copy as JSON',
    ]);
    await keys.page.focus('[data-fence=behind]');
    await keys.to('button Copy as JSON', 'Shift+Tab');
    await keys.press('Enter');
    await keys.until('the copy', async () => (await navigator.clipboard.readText()).startsWith('{'));
    await keys.at('button Copy as JSON');
  });

  test('settings: chooses with the arrows and goes back, with the focus never lost', async () => {
    const keys = await begin('settings', 'Chosen');
    const preferences = () => document.querySelector<Scripted>('llm-engine')?.engine.state.preferences;
    await keys.to('combobox Model');
    await keys.press('ArrowUp');
    await keys.until('the other model', () => {
      return document.querySelector<Scripted>('llm-engine')?.engine.state.preferences.model === 'default';
    });
    await keys.to('slider Temperature');
    await keys.press('ArrowRight');
    await keys.until('the temperature', () => {
      return document.querySelector<Scripted>('llm-engine')?.engine.state.preferences.temperature === 0.5;
    });
    await keys.to('button Back to the makers’ advice');
    await keys.press('Enter');
    await keys.at('slider Temperature');
    await keys.to('spinbutton Longest answer');
    await keys.press('Control+A');
    await keys.type('0');
    await keys.press('Enter');
    await keys.at('spinbutton Longest answer');
    await keys.until('the refusal', () => {
      return document.querySelector('llm-settings')?.shadowRoot?.querySelector('[aria-invalid=true]');
    });
    await keys.to('switch Keep conversations');
    await keys.press('Space');
    await keys.to('button Back to this site’s settings');
    await keys.press('Enter');
    await keys.at('button Back to this site’s settings');
    const site = { model: null, device: null, temperature: null, maxTokens: null, keepConversations: true };
    assert.deepEqual(await keys.page.evaluate(preferences), site);
    const reloads = await begin('settings', 'HoldsFromTheNextLoad');
    await reloads.to('button Load it again now');
    await reloads.press('Enter');
    await reloads.at('combobox Runs on');
  });

  test('privacy: asks before the cloud may answer and before all is erased', async () => {
    const keys = await begin('privacy', 'CloudOff');
    const allowed = () => document.querySelector<Scripted>('llm-engine')?.engine.state.cloud.allowed;
    await keys.to('switch Allow answers from cloud.example');
    await keys.press('Space');
    await keys.at('button Keep it on this device');
    assert.deepEqual(await keys.round(), ['button Keep it on this device', 'button Allow']);
    await keys.press('Escape');
    await keys.at('switch Allow answers from cloud.example');
    assert.equal(await keys.page.evaluate(allowed), false);
    await keys.press('Space');
    await keys.at('button Keep it on this device');
    await keys.press('Tab', 'Enter');
    await keys.until('the consent', allowed);
    await keys.at('switch Allow answers from cloud.example');
    await keys.press('Space');
    await keys.until('the refusal', () => !document.querySelector<Scripted>('llm-engine')?.engine.state.cloud.allowed);
    await keys.press('Tab', 'Enter');
    await keys.at('button Keep it');
    assert.deepEqual(await keys.round(), ['button Keep it', 'button Erase']);
    await keys.press('Enter');
    await keys.at('button Erase everything');
    await keys.press('Space');
    await keys.at('button Keep it');
    await keys.press('Tab', 'Enter');
    await keys.until('the end', () =>
      document.querySelector('llm-privacy')?.shadowRoot?.querySelector('[part=outcome]'),
    );
    await keys.at('button Erase everything');
  });

  test('status: opens its details and closes them with Escape', async () => {
    const keys = await begin('status', 'Ready');
    const open = () =>
      document.querySelector('llm-status')?.shadowRoot?.querySelector('[part=details]:popover-open') ?? null;
    await keys.to('button Assistant: ready.');
    await keys.press('Enter');
    await keys.until('the details', open);
    await keys.at('button Assistant: ready.');
    await keys.press('Escape');
    assert.equal(
      await keys.page.evaluate(
        () => document.querySelector('llm-status')?.shadowRoot?.querySelector('[part=details]:popover-open') ?? null,
      ),
      null,
    );
    await keys.press('Space');
    await keys.until('the details', open);
    await keys.to('button behind');
  });
});
