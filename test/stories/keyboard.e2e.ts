// Every element with real key presses: what Tab meets, in which order and under which name (the tables). What the keys then
// do is in keyboard-*.e2e.ts; keys.ts says what is refused on the way; stories are the states.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
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
    Dictation: [
      'summary More',
      'log Conversation',
      'button Add text files',
      'textbox Message',
      'button Dictate',
      'button Send',
    ],
    Editing: [
      'summary More',
      'button New chat',
      'log Conversation',
      'textbox Your message in other words',
      'button Cancel',
      'button Send',
      'button Copy this answer',
      'button Try again',
      'button Delete this message and what follows it',
      'button Add text files',
      'textbox Message',
      'button Send',
    ],
    Deleted: [
      'summary More',
      'button New chat',
      'log Conversation',
      'button Copy this message',
      'button Edit this message',
      'button Delete this message and what follows it',
      'button Undo',
      'button Add text files',
      'textbox Message',
      'button Send',
    ],
    ToolCall: [
      'summary More',
      'button New chat',
      'log Conversation',
      'button Copy this message',
      'button Edit this message',
      'button Delete this message and what follows it',
      'summary Asked the page for set_theme',
      'button Answer again',
      'button Delete this message and what follows it',
      'button Copy this answer',
      'button Try again',
      'button Delete this message and what follows it',
      'button Add text files',
      'textbox Message',
      'button Send',
    ],
    Files: [
      'summary More',
      'log Conversation',
      'button Remove notes.md',
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
});
