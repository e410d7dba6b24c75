// What stands around the conversation: saving and opening, forms, the room left, keys and their list, suggestions of the
// page, states for CSS.

import { expect } from '@esm-bundle/chai';
import { html, render } from 'lit';
import { expectAccessible, mount, unmount, until } from '../../test/support/page.js';
import { ScriptedEngine } from '../../test/support/scripted-engine.js';
import type { LlmExportDetail } from '../internal/events.js';
import { words } from '../internal/words.js';
import { chatWith, ready, settled } from '../../test/support/chat-page.js';
import { ChatHarness } from './chat.harness.js';
import { shortcutsWords } from './shortcuts/shortcuts.words.js';
import { menuWords } from './menu/menu.words.js';
import { turnsWords } from './turns/turns.words.js';

const press = (target: EventTarget, key: string) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true }));

describe('<llm-chat> furniture', () => {
  afterEach(unmount);

  it('saves as Markdown and JSON, or lets the page do it', async () => {
    const { chat, element } = await chatWith({ answers: [[{ say: 'An *answer*.' }]] });
    const told: LlmExportDetail[] = [];
    element.addEventListener('llm-export', (event) => {
      told.push(event.detail);
      event.preventDefault();
    });
    await chat.say('A question');
    await settled(chat);
    await chat.menu(menuWords.exportMarkdown);
    await until('the Markdown', () => told.length === 1);
    expect(told[0]).to.include({ format: 'markdown', fileName: 'A question.md' });
    expect(told[0]?.text).to.include('## You\n\nA question\n').and.to.include('An *answer*.');
    await chat.menu(menuWords.exportJson);
    await until('the JSON', () => told.length === 2);
    expect(JSON.parse(told[1]?.text ?? '')).to.have.nested.property(
      'conversation.nodes[1].message.content',
      'An *answer*.',
    );
  });

  it('opens and closes its menu by keyboard, accessibly', async () => {
    const { chat, element } = await chatWith();
    const menu = chat.find<HTMLDetailsElement>('[part=menu]');
    const summary = menu?.querySelector('summary');
    summary?.focus();
    summary?.click();
    expect(menu?.open).to.equal(true);
    await until('what is in it', () => menu?.querySelector('ul'));
    await expectAccessible(element);
    press(menu?.querySelector('button') ?? element, 'Escape');
    expect(menu?.open).to.equal(false);
    await until('the focus', () => chat.focused === summary);
  });

  it('lists its keys after "?", not in a field, and gives the focus back', async () => {
    const { chat, element } = await chatWith();
    press(chat.field, '?');
    await element.updateComplete;
    expect(chat.dialog).to.equal(null);
    const log = chat.find('[role=log]');
    log?.focus();
    press(log ?? element, '?');
    const dialog = await until('the list', () => chat.dialog);
    expect(dialog.innerText).to.include(shortcutsWords.line);
    await expectAccessible(element);
    dialog.close();
    await until('the end', () => chat.dialog === null);
    await until('the focus', () => chat.focused === log);
  });

  it('stops the answer with Escape', async () => {
    const { chat } = await chatWith({ answers: [[{ say: 'One ' }, { wait: 60_000 }]] });
    await chat.say('Go');
    await until('the words', () => chat.messages[1]?.text === 'One');
    press(chat.field, 'Escape');
    await settled(chat);
    expect(chat.lastAnswer?.dataset['status']).to.equal('stopped');
  });

  it('sends a suggestion of the page by its value or its words', async () => {
    const { chat, element, engine } = await chatWith();
    render(
      html`<button slot="suggestions" value="The whole question">Short</button>
        <div slot="suggestions"><button>Just words</button></div>`,
      element,
    );
    element.querySelector('button')?.click();
    await settled(chat);
    expect(engine.requests[0]?.messages[0]?.content).to.equal('The whole question');
    chat.button(words.chat.newChat)?.click();
    await until('the empty chat', () => chat.messages.length === 0);
    element.querySelector<HTMLElement>('div button')?.click();
    await until('the second', () => engine.requests.length === 2);
    expect(engine.requests[1]?.messages[0]?.content).to.equal('Just words');
  });

  it('says how much room is left, and that it is nearly used up', async () => {
    const { chat, element } = await chatWith({ answers: [[{ say: 'Short.' }], [{ say: 'x'.repeat(3_600) }]] });
    expect(chat.find('[part=meter]')).to.equal(null);
    await chat.say('Hello');
    await settled(chat);
    const meter = await until('the meter', () => chat.find('[part=meter]'));
    expect(meter.innerText).to.include('1,024');
    await expectAccessible(element);
    await chat.say('Long, please');
    await settled(chat);
    await until('the remark', () => chat.find('[part=meter]')?.innerText.includes(turnsWords.nearlyFull));
    await expectAccessible(element);
    chat.type('y'.repeat(2_000));
    await until('the end', () => chat.find('[part=meter]')?.innerText.includes(turnsWords.full));
  });

  it('takes part in a form: the conversation or the newest answer, reset, disabled', async () => {
    const engine = new ScriptedEngine({ state: ready, answers: [[{ say: 'Forty-two.' }]] });
    const page = mount(
      html`<llm-engine .engine=${engine}>
        <form>
          <fieldset><llm-chat name="talk"></llm-chat></fieldset>
        </form>
      </llm-engine>`,
    );
    const [form, element] = [page.querySelector('form'), page.querySelector('llm-chat')];
    if (form === null || element === null) throw new Error('no form');
    const chat = new ChatHarness(element);
    await element.updateComplete;
    expect(element.form).to.equal(form);
    expect(new FormData(form).has('talk')).to.equal(false);
    await until('the engine', () => chat.header !== '');
    await chat.say('What?');
    await settled(chat);
    expect(JSON.parse(String(new FormData(form).get('talk')))).to.deep.equal([
      { role: 'user', content: 'What?' },
      { role: 'assistant', content: 'Forty-two.' },
    ]);
    element.formValue = 'answer';
    await element.updateComplete;
    expect(new FormData(form).get('talk')).to.equal('Forty-two.');
    form.querySelector('fieldset')?.setAttribute('disabled', '');
    await element.updateComplete;
    expect(chat.field.disabled).to.equal(true);
    expect(element.matches(':state(disabled)')).to.equal(true);
    expect(new FormData(form).has('talk')).to.equal(false);
    form.querySelector('fieldset')?.removeAttribute('disabled');
    form.reset();
    await until('the empty chat', () => chat.messages.length === 0);
    expect(new FormData(form).has('talk')).to.equal(false);
  });

  it('tells CSS its states', async () => {
    const fail = { code: 'network', message: 'No network.', hint: '' } as const;
    const { chat, element, engine } = await chatWith({ answers: [[{ say: 'One ' }, { wait: 80 }, { fail }]] });
    expect(element.matches(':state(empty)')).to.equal(true);
    await chat.say('Go');
    expect(element.matches(':state(busy)')).to.equal(true);
    await settled(chat);
    await element.updateComplete;
    expect(element.matches(':state(error)')).to.equal(true);
    expect(element.matches(':state(busy)')).to.equal(false);
    const message = 'The network is gone. The download waits.';
    engine.update({ recovering: { cause: 'offline', message, attempt: 1, attemptsAllowed: 5, action: 'reloading' } });
    await element.updateComplete;
    expect(element.matches(':state(offline)')).to.equal(true);
    expect(chat.header).to.include(message);
  });
});
