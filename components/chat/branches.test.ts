// What a person does with messages: other words, another answer, back and forth between versions, deleting and undoing,
// going on; the focus is never lost, and everything works by keyboard.

import { expect } from '@esm-bundle/chai';
import { expectAccessible, unmount, until } from '../../test/support/page.js';
import { chatWith, settled } from '../../test/support/chat-page.js';
import { turnsWords } from './turns/turns.words.js';

const three = { answers: [[{ say: 'First.' }], [{ say: 'Second.' }], [{ say: 'Third.' }]] };

describe('<llm-chat> branches', () => {
  afterEach(unmount);

  it('changes a question: a branch, and the way back with the focus kept', async () => {
    const { chat, element, engine } = await chatWith(three);
    await chat.say('One');
    await settled(chat);
    chat.action(0, 'edit')?.click();
    const field = await until('the field', () => chat.editor);
    await element.updateComplete;
    await until('the focus', () => chat.focused === field);
    expect(field.value).to.equal('One');
    await expectAccessible(element);
    field.value = 'Two';
    field.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, composed: true, cancelable: true }),
    );
    await until('the other answer', () => chat.messages[1]?.text === 'Second.');
    await settled(chat);
    expect(chat.messages[0]?.text).to.equal('Two');
    await until('the focus', () => chat.focused === chat.field);
    expect(engine.requests[1]?.messages).to.deep.equal([{ role: 'user', content: 'Two' }]);
    expect(chat.version(0)).to.equal('2 / 2');
    await expectAccessible(element);
    const back = chat.action(0, 'earlier');
    back?.focus();
    back?.click();
    await until('the first version', () => chat.messages[0]?.text === 'One');
    expect(chat.messages[1]?.text).to.equal('First.');
    await until('the focus', () => chat.focused === chat.action(0, 'earlier'));
    expect(chat.focused?.getAttribute('aria-disabled')).to.equal('true');
    expect(chat.announcement).to.equal(turnsWords.version(1, 2));
    chat.action(0, 'later')?.click();
    await until('the second version', () => chat.messages[0]?.text === 'Two');
  });

  it('leaves the question alone after Escape, gives the focus back, and knows an input method', async () => {
    const { chat, element } = await chatWith();
    await chat.say('One');
    await settled(chat);
    chat.action(0, 'edit')?.click();
    const field = await until('the field', () => chat.editor);
    const press = (init: KeyboardEventInit) =>
      field.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, composed: true, cancelable: true, ...init }));
    press({ key: 'Enter', isComposing: true });
    press({ key: 'Enter', shiftKey: true });
    expect(chat.editor).not.to.equal(null);
    press({ key: 'Escape' });
    await element.updateComplete;
    expect(chat.editor).to.equal(null);
    await until('the focus', () => chat.focused === chat.action(0, 'edit'));
    expect(chat.version(0)).to.equal('');
  });

  it('opens the last question with the arrow key in the empty field', async () => {
    const { chat } = await chatWith();
    await chat.say('One');
    await settled(chat);
    const up = () =>
      chat.field.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp', bubbles: true, composed: true }));
    chat.type('x');
    up();
    expect(chat.editor).to.equal(null);
    chat.type('');
    up();
    await until('the field', () => chat.editor);
  });

  it('asks for an answer again, beside the first', async () => {
    const { chat, element } = await chatWith(three);
    await chat.say('One');
    await settled(chat);
    chat.action(1, 'again')?.click();
    await until('the second', () => chat.messages[1]?.text === 'Second.');
    await settled(chat);
    expect(chat.version(1)).to.equal('2 / 2');
    chat.action(1, 'earlier')?.click();
    await until('the first', () => chat.messages[1]?.text === 'First.');
    expect(element.messages.map(({ content }) => content)).to.deep.equal(['One', 'First.']);
  });

  it('deletes with all that follows, lets the page veto, and undoes', async () => {
    const { chat, element } = await chatWith(three);
    await chat.say('One');
    await settled(chat);
    await chat.say('More');
    await until('the second', () => chat.messages[3]?.text === 'Second.');
    await settled(chat);
    let told = 0;
    element.addEventListener(
      'llm-delete',
      (event) => {
        told = event.detail.count;
        event.preventDefault();
      },
      { once: true },
    );
    chat.action(2, 'delete')?.click();
    await element.updateComplete;
    expect(told).to.equal(2);
    expect(chat.messages).to.have.length(4);
    chat.action(2, 'delete')?.click();
    await until('the deletion', () => chat.messages.length === 2);
    await element.updateComplete;
    expect(chat.announcement).to.equal(turnsWords.deleted(2));
    await until('the focus', () => chat.focused === chat.button(turnsWords.undo));
    await expectAccessible(element);
    chat.button(turnsWords.undo)?.click();
    await until('the messages', () => chat.messages.length === 4);
    await element.updateComplete;
    await until('the focus', () => chat.focused === chat.action(2, 'delete'));
    expect(chat.button(turnsWords.undo)).to.equal(null);
  });

  it('deletes the first message too, and the chat is empty', async () => {
    const { chat, element } = await chatWith();
    await chat.say('One');
    await settled(chat);
    chat.action(0, 'delete')?.click();
    await until('the empty chat', () => chat.messages.length === 0);
    expect(element.messages).to.deep.equal([]);
    chat.button(turnsWords.undo)?.click();
    await until('the messages', () => chat.messages.length === 2);
  });

  it('goes on with an answer that broke off', async () => {
    const fail = { code: 'device-lost', message: 'The GPU is gone.', hint: '' } as const;
    const { chat, engine } = await chatWith({ answers: [[{ say: 'Once upon' }, { fail }], [{ say: ' a time.' }]] });
    await chat.say('Tell');
    await settled(chat);
    chat.action(1, 'proceed')?.click();
    await until('the rest', () => chat.messages[1]?.text === 'Once upon a time.');
    await settled(chat);
    expect(engine.requests[1]?.resume?.text).to.equal('Once upon');
    expect(chat.errors).to.deep.equal([]);
    await until('the focus', () => chat.focused === chat.field);
    expect(chat.action(1, 'proceed')).to.equal(null);
  });

  it('does nothing with messages while an answer is written', async () => {
    const { chat, engine } = await chatWith({ answers: [[{ say: 'One.' }], [{ say: 'Two ' }, { wait: 60_000 }]] });
    await chat.say('First');
    await settled(chat);
    await chat.say('Second');
    await until('the words', () => chat.messages[3]?.text === 'Two');
    for (const name of ['edit', 'delete']) {
      expect(chat.action(0, name)?.getAttribute('aria-disabled')).to.equal('true');
      chat.action(0, name)?.click();
    }
    chat.action(1, 'again')?.click();
    expect(chat.messages).to.have.length(4);
    expect(engine.requests).to.have.length(2);
    chat.element.stop();
  });
});
