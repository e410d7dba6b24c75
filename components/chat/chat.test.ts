import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/chat.js';
import { expectAccessible, mount, unmount, until, useScheme } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded, type Script } from '../../test/support/scripted-engine.js';
import type { LlmErrorEvent, LlmMessageEvent } from '../internal/events.js';
import { words } from '../internal/words.js';
import { LlmChat } from './chat.js';
import { ChatHarness } from './chat.harness.js';

const ready = { status: { kind: 'ready', model: demoLoaded } } as const;

async function chatWith(script: Script = {}) {
  const engine = new ScriptedEngine({ state: ready, ...script });
  const page = mount(html`<llm-engine .engine=${engine}><llm-chat></llm-chat></llm-engine>`);
  const element = page.querySelector('llm-chat');
  if (element === null) throw new Error('no chat');
  const chat = new ChatHarness(element);
  await element.updateComplete;
  await until('the engine', () => chat.header !== '');
  return { engine, element, chat };
}

const settled = (chat: ChatHarness) =>
  until(
    'the answer',
    () =>
      !chat.element.busy &&
      chat.lastAnswer?.dataset['status'] !== 'streaming' &&
      chat.lastAnswer?.dataset['status'] !== 'waiting' &&
      chat.lastAnswer !== null,
  );

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
      expect(element.shadowRoot?.activeElement).to.equal(chat.field);
      expect(engine.requests[0]?.messages).to.deep.equal([{ role: 'user', content: 'Tell me a story' }]);
      const meta = chat.lastAnswer?.querySelector('[part=meta]')?.textContent;
      expect(meta).to.include(words.chat.onDevice).and.to.include(demoLoaded.name);
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

    it('offers suggestions and sends the one that is clicked', async () => {
      const { chat, element } = await chatWith();
      element.setAttribute('suggestions', 'Tell a story | What can you do?');
      await element.updateComplete;
      chat.button('What can you do?')?.click();
      await settled(chat);
      expect(chat.messages[0]).to.deep.equal({ role: 'user', text: 'What can you do?' });
    });
  });

  describe('streaming', () => {
    it('re-renders only the last block', async () => {
      const { chat, engine } = await chatWith({
        answers: [[{ say: 'First.\n\nSec' }, { wait: 60 }, { say: 'ond.\n\nThird.' }]],
      });
      await chat.say('Go');
      await until('the first words', () => chat.messages[1]?.text.includes('Sec'));
      const before = [...(chat.lastAnswer?.querySelectorAll('.block p') ?? [])];
      const firstText = before[0]?.firstChild;
      await settled(chat);
      const after = [...(chat.lastAnswer?.querySelectorAll('.block p') ?? [])];
      expect(after.map((block) => block.textContent)).to.deep.equal(['First.', 'Second.', 'Third.']);
      expect(after[0]).to.equal(before[0]);
      expect(after[0]?.firstChild).to.equal(firstText);
      expect(engine.requests).to.have.length(1);
    });

    it('stops: the text so far stays, the focus stays on the button', async () => {
      const { chat, element } = await chatWith({ answers: [[{ say: 'Once ' }, { wait: 60_000 }]] });
      await chat.say('Go');
      await until('the first words', () => chat.messages[1]?.text === 'Once');
      expect(chat.sendButton.getAttribute('aria-label')).to.equal(words.chat.stop);
      chat.sendButton.focus();
      chat.sendButton.click();
      await settled(chat);
      await element.updateComplete;
      expect(chat.lastAnswer?.dataset['status']).to.equal('stopped');
      expect(chat.messages[1]?.text).to.equal('Once');
      expect(chat.errors).to.have.length(0);
      expect(element.shadowRoot?.activeElement).to.equal(chat.sendButton);
      expect(chat.announcement).to.equal(words.chat.answerStopped);
    });

    it('follows the newest words until the reader scrolls up, and offers the way back', async () => {
      const lines = (count: number) => 'A line.\n\n'.repeat(count);
      const { chat, element } = await chatWith({
        answers: [[{ say: lines(40) }, { wait: 200 }, { say: lines(20) }, { wait: 200 }, { say: lines(20) }]],
      });
      const scroller = element.shadowRoot?.querySelector('[role=log]');
      if (!scroller) throw new Error('no log');
      const fromEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
      await chat.say('Go');
      await until('a long answer', () => scroller.scrollHeight > 1_500);
      expect(fromEnd()).to.be.below(2);
      scroller.scrollTop = 100;
      await until('the way back', () => chat.button(words.chat.jumpToLatest));
      await settled(chat);
      expect(scroller.scrollTop).to.equal(100);
      chat.button(words.chat.jumpToLatest)?.click();
      await until('the end', () => fromEnd() < 2 && chat.button(words.chat.jumpToLatest) === null);
    });

    it('announces whole answers and sentences, never the log itself', async () => {
      const { chat, element } = await chatWith({
        answers: [[{ say: 'One sentence. ' }, { say: 'Another **bold** one.' }]],
      });
      await chat.say('Go');
      await settled(chat);
      await until('the announcement', () => chat.announcement !== '');
      expect(chat.announcement).to.equal('One sentence. Another bold one.');
      expect(element.shadowRoot?.querySelector('[role=log]')?.getAttribute('aria-live')).to.equal('off');
    });

    it('says who wrote it, and where the cloud went on', async () => {
      const { chat } = await chatWith({ answers: [[{ say: 'Here.\n\n' }, { say: 'There.', backend: 'cloud' }]] });
      await chat.say('Go');
      await settled(chat);
      const blocks = [...(chat.lastAnswer?.querySelectorAll<HTMLElement>('.block') ?? [])];
      expect(blocks.map((block) => block.hasAttribute('data-cloud'))).to.deep.equal([false, true]);
      expect(chat.lastAnswer?.innerText).to.include(words.chat.cloudFrom('cloud-model'));
      expect(chat.lastAnswer?.querySelector('[part=meta]')?.textContent).to.include(words.chat.cloud);
    });
  });

  describe('errors', () => {
    const lost = { code: 'device-lost', message: 'The GPU is gone.', hint: 'Try again.' } as const;

    it('shows message and hint, tells llm-error, and tries again', async () => {
      const { chat, element, engine } = await chatWith({
        answers: [[{ say: 'Half' }, { fail: lost }], [{ say: 'Whole.' }]],
      });
      const told: LlmErrorEvent['detail'][] = [];
      element.addEventListener('llm-error', (event) => told.push(event.detail));
      await chat.say('Go');
      await settled(chat);
      expect(told).to.deep.equal([lost]);
      expect(chat.errors[0]).to.include('The GPU is gone.').and.to.include('Try again.');
      expect(chat.messages[1]?.text).to.equal('Half');
      chat.button(words.chat.retry)?.click();
      await until('the second answer', () => chat.messages[1]?.text === 'Whole.');
      expect(chat.errors).to.have.length(0);
      expect(engine.requests[1]?.messages).to.deep.equal([{ role: 'user', content: 'Go' }]);
    });

    it('shows an engine that cannot start, and connects again', async () => {
      const page = mount(html`<llm-engine worker-url="/there-is-no-such-worker.js"><llm-chat></llm-chat></llm-engine>`);
      const element = page.querySelector('llm-chat');
      if (element === null) throw new Error('no chat');
      const chat = new ChatHarness(element);
      await element.updateComplete;
      await until('the failure', () => chat.errors.length === 1, 45_000);
      const provider = page.querySelector('llm-engine');
      if (provider !== null) provider.engine = new ScriptedEngine({ state: ready });
      await until('the other engine', () => chat.header.includes(demoLoaded.name));
      expect(chat.errors).to.have.length(0);
    });

    it('says a lasting failure of the engine aloud, and offers no second try where none can help', async () => {
      const { chat, engine, element } = await chatWith();
      const told: string[] = [];
      element.addEventListener('llm-error', ({ detail }: LlmErrorEvent) => told.push(detail.code));
      const lost = { code: 'engine-lost', message: 'The engine stopped.', hint: 'Send again.' } as const;
      engine.update({ status: { kind: 'failed', error: lost } });
      await element.updateComplete;
      await until('the words', () => chat.announcement === 'The engine stopped. Send again.');
      expect(chat.button(words.chat.retry)).not.to.equal(null);
      const refused = { code: 'invalid-request', message: 'Not in a frame.', hint: '' } as const;
      engine.update({ status: { kind: 'failed', error: refused } });
      await element.updateComplete;
      expect(chat.button(words.chat.retry)).to.equal(null);
      await until('the other words', () => chat.announcement === 'Not in a frame.');
      engine.update({ status: { kind: 'failed', error: { ...lost, message: 'A moment.' } } });
      engine.update(ready);
      await new Promise((resolve) => setTimeout(resolve, 1_700));
      expect(chat.announcement).not.to.include('A moment.');
      expect(told).to.deep.equal(['engine-lost', 'invalid-request', 'engine-lost']);
    });

    it('does not offer to send again what cannot succeed', async () => {
      const error = { code: 'prompt-too-long', message: 'Too long.', hint: 'Begin a new chat.' } as const;
      const { chat } = await chatWith({ answers: [[{ fail: error }]] });
      await chat.say('Go');
      await settled(chat);
      expect(chat.errors[0]).to.include('Too long.');
      expect(chat.button(words.chat.retry)).to.equal(null);
    });

    it('shows that the model could not be loaded', async () => {
      const error = {
        code: 'model-not-found',
        message: 'No model answers at that place.',
        hint: 'Check the address.',
      } as const;
      const { chat } = await chatWith({ state: { status: { kind: 'idle' } }, loadError: error });
      await chat.say('Go');
      await settled(chat);
      expect(chat.errors).to.have.length(1);
      expect(chat.errors[0]).to.include(error.message);
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

  describe('the conversation', () => {
    it('starts a new chat', async () => {
      const { chat, element } = await chatWith();
      await chat.say('Hi');
      await settled(chat);
      chat.button(words.chat.newChat)?.click();
      await until('the empty chat', () => chat.messages.length === 0);
      expect(element.messages).to.deep.equal([]);
      expect(element.shadowRoot?.activeElement).to.equal(chat.field);
    });

    it('goes on being shown when the element is moved in the middle of an answer', async () => {
      const { chat, element, engine } = await chatWith({ pace: 1, answers: [[{ say: 'one two three '.repeat(99) }]] });
      await chat.say('Go');
      await until('words', () => chat.messages.at(-1)?.text.includes('three'));
      const home = element.parentElement;
      element.remove();
      home?.append(element);
      await settled(chat);
      expect(chat.lastAnswer?.dataset['status']).to.equal('stopped');
      engine.hold();
      await chat.say('Again');
      await until('the next message', () => chat.messages.length === 4);
      engine.release();
      element.messages = [{ role: 'user', content: 'Only this' }];
      await until('the change', () => chat.messages.length === 1);
    });

    it('takes a conversation that the page assigned before the element was defined', async () => {
      const early = document.createElement('llm-early-chat');
      Object.assign(early, { messages: [{ role: 'user', content: 'Early' }] });
      mount(html`${early}`);
      customElements.define('llm-early-chat', class extends LlmChat {});
      const element = early as LlmChat;
      await until('the message', () => new ChatHarness(element).messages.length === 1);
      expect(element.messages).to.deep.equal([{ role: 'user', content: 'Early' }]);
      element.messages = [];
      await until('the empty chat', () => new ChatHarness(element).messages.length === 0);
    });

    it('tells each message, reads and takes conversations', async () => {
      const { chat, element, engine } = await chatWith({ answers: [[{ say: 'Hello.' }]] });
      const told: LlmMessageEvent['detail'][] = [];
      element.addEventListener('llm-message', (event) => told.push(event.detail));
      await chat.say('Hi');
      await settled(chat);
      expect(told.map(({ message, provenance }) => [message.role, message.content, provenance?.backend])).to.deep.equal(
        [
          ['user', 'Hi', undefined],
          ['assistant', 'Hello.', 'local'],
        ],
      );
      element.messages = [
        { role: 'user', content: 'Before' },
        { role: 'assistant', content: 'Yes' },
      ];
      await until('the old conversation', () => chat.messages[0]?.text === 'Before');
      await chat.say('After');
      await settled(chat);
      expect(engine.requests.at(-1)?.messages.map(({ content }) => content)).to.deep.equal(['Before', 'Yes', 'After']);
    });

    it('hands a tool call to the page and goes on with its result', async () => {
      const call = {
        id: 'c1',
        type: 'function',
        function: { name: 'set_theme', arguments: '{"theme":"dark"}' },
      } as const;
      const { chat, element, engine } = await chatWith({ answers: [[{ call }], [{ say: 'It is dark now.' }]] });
      element.addEventListener('llm-tool-call', (event) => {
        expect(event.detail).to.deep.equal({
          id: 'c1',
          name: 'set_theme',
          arguments: { theme: 'dark' },
          argumentsText: '{"theme":"dark"}',
        });
        event.respondWith({ ok: true });
      });
      await chat.say('Dark, please');
      await until('the answer', () => chat.messages.at(-1)?.text === 'It is dark now.');
      expect(engine.requests[1]?.messages.slice(1)).to.deep.equal([
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', content: '{"ok":true}', tool_call_id: 'c1' },
      ]);
      const card = element.shadowRoot?.querySelector('[part=tool-call]');
      expect(card?.textContent).to.include('set_theme').and.to.include('dark').and.to.include('{"ok":true}');
    });

    it('tells the model when a tool failed, and survives broken arguments', async () => {
      const call = { id: 'c1', type: 'function', function: { name: 'open', arguments: '{"page":' } } as const;
      const { chat, element, engine } = await chatWith({ answers: [[{ call }], [{ say: 'I could not.' }]] });
      element.addEventListener('llm-tool-call', (event) => {
        expect(event.detail.arguments).to.equal(null);
        event.respondWith(Promise.reject(new Error('no such page')));
      });
      await chat.say('Open it');
      await until('the answer', () => chat.messages.at(-1)?.text === 'I could not.');
      expect(engine.requests[1]?.messages.at(-1)?.content).to.equal('{"error":"no such page"}');
    });

    it('stops a model that calls tools without end', async () => {
      const call = { id: 'c', type: 'function', function: { name: 'again', arguments: '{}' } } as const;
      const { chat, element, engine } = await chatWith({ answers: [[{ call }]] });
      element.addEventListener('llm-tool-call', (event) => event.respondWith('more'));
      await chat.say('Loop');
      await until('the end', () => engine.requests.length === 7);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(engine.requests).to.have.length(7);
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
