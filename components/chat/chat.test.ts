// The chat at a glance: accessible in its states, sending, what the engine does, narrow.

import { expect } from '@esm-bundle/chai';
import { expectAccessible, unmount, until, useScheme } from '../../test/support/page.js';
import { demoLoaded } from '../../test/support/scripted-engine.js';
import { words } from '../internal/words.js';
import { chatWith, ready, settled } from '../../test/support/chat-page.js';
import { turnsWords } from './turns/turns.words.js';

const everything = `# Title

Text with **bold**, [a link](https://example.com) and ![an image](https://canary.example/a.png).

- [x] done
- open

| a | b |
|---|---|
| 1 | 2 |

\`\`\`js
let x;
\`\`\``;

describe('<llm-chat>', () => {
  afterEach(unmount);

  for (const scheme of ['light', 'dark'] as const) {
    describe(`is accessible, ${scheme}`, () => {
      before(() => useScheme(scheme));
      after(() => useScheme('light'));

      it('empty, with suggestions and the cloud switch', async () => {
        const { element } = await chatWith({
          state: { ...ready, cloud: { endpoint: 'api.example.com', allowed: false, active: false } },
        });
        element.suggestions = ['Tell a story', 'What can you do?'];
        await element.updateComplete;
        await expectAccessible(element);
      });

      it('with every kind of markdown, a tool call and words from the cloud', async () => {
        const call = {
          id: '1',
          type: 'function',
          function: { name: 'set_theme', arguments: '{"theme":"dark"}' },
        } as const;
        const { element, chat } = await chatWith({
          answers: [[{ say: everything }, { say: '\n\nMore.', backend: 'cloud' }, { call }]],
        });
        await chat.say('Show me all');
        await settled(chat);
        await expectAccessible(element);
      });

      it('waiting, and failed', async () => {
        const { element, chat, engine } = await chatWith({
          answers: [[{ wait: 20 }, { fail: { code: 'device-lost', message: 'The GPU is gone.', hint: 'Try again.' } }]],
        });
        engine.hold();
        await chat.say('Hello');
        await until('the wait', () => chat.lastAnswer);
        await expectAccessible(element);
        engine.release();
        await settled(chat);
        expect(chat.errors).to.have.length(1);
        await expectAccessible(element);
      });
    });
  }

  describe('sending', () => {
    it('sends with Enter, shows both messages, empties the field and keeps the focus', async () => {
      const { chat, element, engine } = await chatWith({ answers: [[{ say: 'Once upon a time.' }]] });
      await chat.say('Tell me a story');
      await settled(chat);
      expect(chat.messages).to.deep.equal([
        { role: 'user', text: 'Tell me a story' },
        { role: 'assistant', text: 'Once upon a time.' },
      ]);
      expect(chat.field.value).to.equal('');
      await until('the focus', () => element.shadowRoot?.activeElement === chat.field);
      expect(engine.requests[0]?.messages).to.deep.equal([{ role: 'user', content: 'Tell me a story' }]);
      const meta = chat.lastAnswer?.querySelector('[part=meta]')?.textContent;
      expect(meta).to.include(turnsWords.onDevice).and.to.include(demoLoaded.name);
    });

    it('starts a line with Shift+Enter and leaves an input method alone', async () => {
      const { chat } = await chatWith();
      chat.type('Hello');
      expect(chat.pressEnter({ shiftKey: true })).to.equal(true);
      expect(chat.pressEnter({ isComposing: true })).to.equal(true);
      expect(chat.pressEnter({ keyCode: 229 })).to.equal(true);
      expect(chat.messages).to.have.length(0);
      expect(chat.pressEnter()).to.equal(false);
      await settled(chat);
      expect(chat.messages).to.have.length(2);
    });

    it('sends nothing for an empty field', async () => {
      const { chat, engine } = await chatWith();
      await chat.say('  \n ');
      chat.sendButton.click();
      expect(engine.requests).to.have.length(0);
    });

    it('lets the page veto by llm-send', async () => {
      const { chat, element, engine } = await chatWith();
      element.addEventListener('llm-send', (event) => event.preventDefault(), { once: true });
      await chat.say('No');
      expect(engine.requests).to.have.length(0);
      expect(chat.field.value).to.equal('No');
    });

    it('passes the system prompt, tools and parameters on', async () => {
      const { chat, element, engine } = await chatWith();
      const tool = { type: 'function', function: { name: 'now' } } as const;
      element.setAttribute('system-prompt', 'Be kind.');
      element.setAttribute('temperature', '0');
      element.setAttribute('max-tokens', '64');
      element.tools = [tool];
      await chat.say('Hi');
      await settled(chat);
      expect(engine.requests[0]).to.deep.equal({
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'Hi' },
        ],
        stream: true,
        tools: [tool],
        temperature: 0,
        max_tokens: 64,
      });
    });

    it("takes a number that is none for absent, and adds nothing to the page's HTML", async () => {
      const { chat, element, engine } = await chatWith();
      element.setAttribute('temperature', 'hot');
      element.setAttribute('max-tokens', '');
      await chat.say('Hi');
      await settled(chat);
      expect(engine.requests[0]).to.deep.equal({ messages: [{ role: 'user', content: 'Hi' }], stream: true });
      expect(element.hasAttribute('name')).to.equal(false);
      for (const attribute of ['welcome', 'placeholder', 'system-prompt', 'label', 'name']) {
        element.setAttribute(attribute, 'x');
        element.removeAttribute(attribute);
      }
      expect([element.welcome, element.placeholder, element.systemPrompt, element.label, element.name]).to.deep.equal(
        Array.from({ length: 5 }, () => ''),
      );
      element.name = 'transcript';
      await element.updateComplete;
      expect(element.getAttribute('name')).to.equal('transcript');
    });

    it('offers suggestions and sends the one that is clicked', async () => {
      const { chat, element } = await chatWith();
      element.setAttribute('suggestions', 'Tell a story | What can you do?');
      await element.updateComplete;
      chat.button('What can you do?')?.click();
      await settled(chat);
      expect(chat.messages[0]).to.deep.equal({ role: 'user', text: 'What can you do?' });
    });
  });

  describe('the engine', () => {
    it('loads with the first message, or at once with autoload', async () => {
      const { chat, engine, element } = await chatWith({ state: { status: { kind: 'idle' } } });
      expect(chat.header).to.include(words.status.idle);
      expect(engine.loads).to.have.length(0);
      element.autoload = true;
      await until('the load', () => engine.loads.length === 1);
      expect(engine.loads).to.deep.equal(['default']);
    });

    it('shows the place in line and another tab at work', async () => {
      const { chat, engine } = await chatWith({ answers: [[{ say: 'x' }]] });
      engine.hold();
      await chat.say('Go');
      engine.update({ generating: [{ tabId: 'other', requestId: '9' }], waiting: ['third', 'this-tab'] });
      await until('the place', () => chat.lastAnswer?.innerText.includes(words.status.place(2)));
      engine.update({ generating: [], waiting: [] });
      engine.release();
      await settled(chat);
      engine.update({ generating: [{ tabId: 'other', requestId: '10' }] });
      await until('the other tab', () => chat.header.includes(words.status.otherTab));
    });

    it('shows the cloud switch only where the site set an endpoint, and follows the state', async () => {
      const { element, engine } = await chatWith();
      const toggle = () => element.shadowRoot?.querySelector<HTMLInputElement>('[role=switch]') ?? null;
      expect(toggle()).to.equal(null);
      engine.update({ cloud: { endpoint: 'api.example.com', allowed: false, active: false } });
      await until('the switch', toggle);
      expect(toggle()?.checked).to.equal(false);
      toggle()?.click();
      await until('the state', () => engine.state.cloud.allowed);
      await element.updateComplete;
      expect(toggle()?.checked).to.equal(true);
    });
  });

  it('stays inside 320 px with long words, tables and code', async () => {
    const wide = `${'x'.repeat(2_000)}\n\n|${' column |'.repeat(30)}\n|${'---|'.repeat(30)}\n\n\`\`\`\n${'y'.repeat(2_000)}\n\`\`\``;
    const { chat, element } = await chatWith({ answers: [[{ say: wide }]] });
    element.style.width = '288px';
    await chat.say('w'.repeat(2_000));
    await settled(chat);
    const scroller = element.shadowRoot?.querySelector('[role=log]');
    expect(scroller?.scrollWidth).to.be.at.most(scroller?.clientWidth ?? 0);
  });
});
