// Answers as they come, fail and are told to the page; conversations that the page reads and sets.

import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import { mount, unmount, until } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded } from '../../test/support/scripted-engine.js';
import type { LlmErrorEvent, LlmMessageEvent } from '../internal/events.js';
import { words } from '../internal/words.js';
import { turnsWords } from './turns/turns.words.js';
import { chatWith, ready, settled } from '../../test/support/chat-page.js';
import { LlmChat } from './chat.js';
import { ChatHarness } from './chat.harness.js';

describe('<llm-chat> answers', () => {
  afterEach(unmount);

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
      await until('the focus', () => element.shadowRoot?.activeElement === chat.sendButton);
      expect(chat.announcement).to.equal(turnsWords.answerStopped);
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
      await until('the way back', () => chat.button(turnsWords.jumpToLatest));
      await settled(chat);
      expect(scroller.scrollTop).to.equal(100);
      chat.button(turnsWords.jumpToLatest)?.click();
      await until('the end', () => fromEnd() < 2 && chat.button(turnsWords.jumpToLatest) === null);
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

  describe('the conversation', () => {
    it('starts a new chat', async () => {
      const { chat, element } = await chatWith();
      await chat.say('Hi');
      await settled(chat);
      chat.button(words.chat.newChat)?.click();
      await until('the empty chat', () => chat.messages.length === 0);
      expect(element.messages).to.deep.equal([]);
      await until('the focus', () => element.shadowRoot?.activeElement === chat.field);
    });

    it('goes on with an answer when the element is moved in the page, and stops it when it is taken out', async () => {
      const { chat, element, engine } = await chatWith({ answers: [[{ say: 'one two three '.repeat(9) }]] });
      engine.hold();
      await chat.say('Go');
      await until('the answer', () => element.busy);
      const home = element.parentElement;
      element.remove();
      home?.append(element);
      await Promise.resolve();
      expect(element.busy).to.equal(true);
      engine.release();
      await settled(chat);
      expect(chat.messages.at(-1)?.text).to.include('three');
      expect(chat.lastAnswer?.dataset['status']).to.equal('done');

      engine.hold();
      await chat.say('Again');
      await until('the next answer', () => element.busy);
      element.remove();
      await until('the stop', () => !element.busy);
      home?.append(element);
      engine.release();
      await settled(chat);
      expect(chat.lastAnswer?.dataset['status']).to.equal('stopped');
      expect(chat.messages).to.have.length(4);
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
});
