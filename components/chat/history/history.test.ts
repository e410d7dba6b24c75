// Kept conversations: written while they go on, back after a reload, searched, opened, renamed, deleted; faults are told and
// nothing else is lost.

import { expect } from '@esm-bundle/chai';
import { expectAccessible, unmount, until } from '../../../test/support/page.js';
import type { Conversation } from '../../../engine/protocol/conversations.js';
import { words } from '../../internal/words.js';
import { chatWith, settled } from '../../../test/support/chat-page.js';
import type { ChatHarness } from '../chat.harness.js';
import { historyWords } from './history.words.js';

const kept = (id: string, title: string, text: string, updated: number): Conversation => ({
  id,
  title,
  created: updated,
  updated,
  nodes: [
    { id: `${id}-q`, parent: null, created: updated, message: { role: 'user', content: text } },
    { id: `${id}-a`, parent: `${id}-q`, created: updated, message: { role: 'assistant', content: 'Yes.' } },
  ],
  leaf: `${id}-a`,
});
const conversations = [kept('one', 'Birds', 'Tell me of the sparrow', 1_000), kept('two', 'Tea', 'How long?', 2_000)];

const titles = (chat: ChatHarness) =>
  [...(chat.dialog?.querySelectorAll<HTMLElement>('.kept .title') ?? [])].map((title) => title.innerText);

async function opened(chat: ChatHarness): Promise<HTMLDialogElement> {
  chat.button(words.chat.history)?.click();
  const dialog = await until('the dialog', () => chat.dialog);
  await until('the list', () => dialog.querySelector('.kept'));
  return dialog;
}

describe('<llm-chat history>', () => {
  beforeEach(() => sessionStorage.clear());
  afterEach(unmount);

  it('keeps nothing without the attribute', async () => {
    const { chat, engine } = await chatWith();
    await chat.say('Hello');
    await settled(chat);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await engine.conversations.list()).total).to.equal(0);
    expect(chat.button(words.chat.history)).to.equal(null);
  });

  it('keeps the conversation, and brings it back after the tab was loaded again', async () => {
    const first = await chatWith({ answers: [[{ say: 'Kept.' }]] }, { history: '' });
    await first.chat.say('Keep this');
    await settled(first.chat);
    let listed: readonly { readonly id: string }[] = [];
    await until('the writing', () => {
      void first.engine.conversations.list().then(({ conversations: all }) => (listed = all));
      return listed.length === 1;
    });
    const whole = await first.engine.conversations.read(listed[0]?.id ?? '');
    expect(whole.nodes.map(({ message }) => message.content)).to.deep.equal(['Keep this', 'Kept.']);
    unmount();
    const again = await chatWith({ conversations: [whole] }, { history: '' });
    await until('the conversation', () => again.chat.messages.length === 2);
    expect(again.chat.messages[1]?.text).to.equal('Kept.');
    await again.chat.say('And more');
    await settled(again.chat);
    await until('the same conversation', () => again.chat.messages.length === 4);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await again.engine.conversations.list()).total).to.equal(1);
  });

  it('keeps what an interrupted answer has, and offers to go on after the reload', async () => {
    const first = await chatWith({ answers: [[{ say: 'Half of' }, { wait: 60_000 }]] }, { history: '' });
    await first.chat.say('Tell');
    await until('the words', () => first.chat.messages[1]?.text === 'Half of');
    let whole: Conversation | null = null;
    await until('the half on the device', () => {
      void first.engine.conversations.list().then(async ({ conversations: [one] }) => {
        if (one !== undefined) whole = await first.engine.conversations.read(one.id);
      });
      return whole?.nodes[1]?.message.content === 'Half of';
    });
    const record = whole as unknown as Conversation;
    expect(record.nodes[1]?.status).to.equal('open');
    // The tab dies without a farewell: the first element's own clean end would write it as stopped.
    const again = await chatWith({ conversations: [record], answers: [[{ say: ' it.' }]] }, { history: '' });
    await until('the conversation', () => again.chat.lastAnswer?.dataset['status'] === 'interrupted');
    (await until('the way on', () => again.chat.action(1, 'proceed'))).click();
    await until('the whole', () => again.chat.messages[1]?.text === 'Half of it.');
    expect(again.engine.requests[0]?.resume?.text).to.equal('Half of');
  });

  it('lists, searches and opens, accessible and by keyboard', async () => {
    const { chat, element } = await chatWith({ conversations }, { history: '' });
    chat.button(words.chat.history)?.focus();
    const dialog = await opened(chat);
    expect(titles(chat)).to.deep.equal(['Tea', 'Birds']);
    await expectAccessible(element);
    const search = dialog.querySelector<HTMLInputElement>('.search');
    if (search === null) throw new Error('no search');
    search.value = 'SPARROW';
    search.dispatchEvent(new InputEvent('input', { bubbles: true }));
    await until('the match', () => titles(chat).length === 1);
    expect(dialog.querySelector<HTMLElement>('.excerpt')?.innerText).to.include('sparrow');
    expect(dialog.querySelector('[role=status]')?.textContent).to.include(historyWords.found(1));
    search.value = 'nothing like it';
    search.dispatchEvent(new InputEvent('input', { bubbles: true }));
    await until('no match', () => dialog.innerText.includes(historyWords.noMatch('nothing like it')));
    search.value = '';
    search.dispatchEvent(new InputEvent('input', { bubbles: true }));
    await until('both', () => titles(chat).length === 2);
    dialog.querySelectorAll<HTMLElement>('.kept .open')[1]?.click();
    await until('the conversation', () => chat.messages[0]?.text === 'Tell me of the sparrow');
    await until('the dialog is gone', () => chat.dialog === null);
    await until('the focus', () => chat.focused === chat.field);
  });

  it('renames and deletes, after a question, with the focus kept', async () => {
    const { chat, engine } = await chatWith({ conversations }, { history: '' });
    const dialog = await opened(chat);
    chat.button(historyWords.rename('Tea'))?.click();
    const field = await until('the field', () => dialog.querySelector<HTMLInputElement>('.kept form input'));
    await until('the focus', () => chat.focused === field);
    field.value = 'Green tea';
    field.form?.requestSubmit();
    await until('the new name', () => titles(chat).includes('Green tea'));
    await until('the focus', () => chat.focused?.classList.contains('open'));
    chat.button(historyWords.delete('Birds'))?.click();
    await until('the question', () => dialog.querySelector('.question'));
    await until('the safe answer', () => chat.focused === chat.button(historyWords.cancel));
    chat.button(historyWords.deleteNow)?.click();
    await until('the deletion', () => titles(chat).length === 1);
    expect((await engine.conversations.list()).total).to.equal(1);
    await until('the focus', () => chat.focused === chat.button(historyWords.delete('Green tea')));
  });

  it('begins anew when the open conversation is deleted, and does not write it again', async () => {
    const { chat, engine } = await chatWith({}, { history: '' });
    await chat.say('Gone soon');
    await settled(chat);
    await until('the keeper', () => sessionStorage.length > 0);
    await opened(chat);
    chat.button(historyWords.delete('Gone soon'))?.click();
    await until('the question', () => chat.button(historyWords.deleteNow));
    chat.button(historyWords.deleteNow)?.click();
    await until('the empty chat', () => chat.messages.length === 0);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await engine.conversations.list()).total).to.equal(0);
  });

  it('starts another conversation with "New chat"; both are kept', async () => {
    const { chat, engine } = await chatWith({}, { history: '' });
    await chat.say('First');
    await settled(chat);
    chat.button(words.chat.newChat)?.click();
    await until('the empty chat', () => chat.messages.length === 0);
    await chat.say('Second');
    await settled(chat);
    let total = 0;
    await until('both', () => {
      void engine.conversations.list().then((list) => (total = list.total));
      return total === 2;
    });
  });

  it('tells a store that fails once, and the chat goes on', async () => {
    const conversationError = { code: 'storage', message: 'There is no room.', hint: 'Delete something.' } as const;
    const { chat } = await chatWith({ conversationError }, { history: '' });
    await chat.say('Hello');
    await settled(chat);
    await until('the notice', () => chat.errors.length === 1);
    expect(chat.errors[0]).to.include('There is no room.');
    chat.button(words.chat.close)?.click();
    await until('no notice', () => chat.errors.length === 0);
    await chat.say('More');
    await until('the second answer', () => chat.messages.length === 4);
    await settled(chat);
    chat.button(words.chat.history)?.click();
    const dialog = await until('the dialog', () => chat.dialog);
    await until('the words', () => dialog.querySelector('[part=error]'));
  });

  it('keeps nothing where the visitor switched it off, and says so', async () => {
    const page = await chatWith({}, { history: '' });
    const { chat, engine } = page;
    engine.update({ preferences: { ...engine.state.preferences, keepConversations: false } });
    await chat.say('Not this');
    await settled(chat);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await engine.conversations.list()).total).to.equal(0);
    const dialog = await opened(chat);
    expect(dialog.innerText).to.include(historyWords.off);
  });
});
