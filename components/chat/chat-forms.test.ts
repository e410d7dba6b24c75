// A chat as a part of a page's form: what is submitted, what a browser keeps to restore the form, and what disabling and
// resetting come to. Source: HTML standard, "Form-associated custom elements".

import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import { mount, unmount, until } from '../../test/support/page.js';
import { ScriptedEngine, type Script } from '../../test/support/scripted-engine.js';
import type { Conversation } from '../../engine/protocol/conversations.js';
import { ready, settled } from '../../test/support/chat-page.js';
import { ChatHarness } from './chat.harness.js';

const kept: Conversation = {
  id: 'kept',
  title: 'Birds',
  created: 1_000,
  updated: 1_000,
  nodes: [{ id: 'q', parent: null, created: 1_000, message: { role: 'user', content: 'Tell me of the sparrow' } }],
  leaf: 'q',
};

async function formWith(script: Script = {}) {
  const engine = new ScriptedEngine({ state: ready, answers: [[{ say: 'Forty-two.' }]], ...script });
  const page = mount(
    html`<llm-engine .engine=${engine}>
      <form id="form">
        <fieldset>
          <llm-chat name="talk" history suggestions="What now?"></llm-chat>
        </fieldset>
        <button>Save</button>
      </form>
    </llm-engine>`,
  );
  const [form, element] = [page.querySelector('form'), page.querySelector('llm-chat')];
  const fieldset = page.querySelector('fieldset');
  if (form === null || element === null || fieldset === null) throw new Error('no form');
  let submissions = 0;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submissions++;
  });
  const chat = new ChatHarness(element);
  await element.updateComplete;
  await until('the engine', () => chat.header !== '');
  return { engine, form, fieldset, element, chat, submissions: () => submissions };
}

describe('<llm-chat> in a form', () => {
  // What the browser is given to keep, which no page can read back.
  const states: unknown[] = [];
  const { setFormValue } = ElementInternals.prototype;
  before(() => {
    ElementInternals.prototype.setFormValue = function (value, state) {
      states.push(state);
      setFormValue.call(this, value, state);
    };
  });
  after(() => {
    ElementInternals.prototype.setFormValue = setFormValue;
  });
  beforeEach(() => {
    sessionStorage.clear();
    states.length = 0;
  });
  afterEach(unmount);

  it('submits the conversation and never the form by itself', async () => {
    const { form, element, chat, submissions } = await formWith();
    await chat.say('What?');
    await settled(chat);
    expect(submissions()).to.equal(0);
    const said = [
      { role: 'user', content: 'What?' },
      { role: 'assistant', content: 'Forty-two.' },
    ];
    expect(JSON.parse(String(new FormData(form).get('talk')))).to.deep.equal(said);
    form.requestSubmit();
    expect(submissions()).to.equal(1);
    element.name = '';
    await element.updateComplete;
    expect([...new FormData(form).keys()]).to.deep.equal([]);
  });

  it('belongs to the form that its attribute names, wherever it stands', async () => {
    const { form, element, chat } = await formWith();
    await chat.say('What?');
    await settled(chat);
    element.setAttribute('form', 'another');
    expect(element.form).to.equal(null);
    expect(new FormData(form).has('talk')).to.equal(false);
    element.setAttribute('form', 'form');
    expect(element.form === form).to.equal(true);
    expect(new FormData(form).has('talk')).to.equal(true);
  });

  it('does nothing while its fieldset is disabled, and everything again afterwards', async () => {
    const { engine, form, fieldset, element, chat } = await formWith();
    fieldset.disabled = true;
    await element.updateComplete;
    const suggestion = chat.find<HTMLButtonElement>('[part=suggestion]');
    expect(suggestion?.disabled).to.equal(true);
    suggestion?.click();
    chat.sendButton.click();
    expect(engine.requests).to.deep.equal([]);
    fieldset.disabled = false;
    await element.updateComplete;
    chat.find('[part=suggestion]')?.click();
    await settled(chat);
    expect(engine.requests).to.have.length(1);
    fieldset.disabled = true;
    await element.updateComplete;
    await until('the disabled row', () => chat.action(1, 'again')?.ariaDisabled === 'true');
    for (const name of ['again', 'delete']) chat.action(1, name)?.click();
    chat.action(0, 'edit')?.click();
    await element.updateComplete;
    expect(engine.requests).to.have.length(1);
    expect(element.messages).to.have.length(2);
    expect(chat.editor).to.equal(null);
    expect(new FormData(form).has('talk')).to.equal(false);
  });

  it('ends a running answer when the form is reset, and moves no focus', async () => {
    const { engine, form, element, chat } = await formWith();
    engine.hold();
    await chat.say('What?');
    await until('the question', () => element.busy);
    form.querySelector('button')?.focus();
    form.reset();
    await until('the empty chat', () => !element.busy && element.messages.length === 0);
    expect(document.activeElement === form.querySelector('button')).to.equal(true);
    expect(new FormData(form).has('talk')).to.equal(false);
  });

  it('leaves the browser nothing of a conversation to keep but its id', async () => {
    const { chat } = await formWith();
    await chat.say('My secret');
    await settled(chat);
    await until('the value', () => states.length > 0);
    expect(states.every((state) => typeof state === 'string' && !state.includes('secret'))).to.equal(true);
    expect(states.at(-1)).not.to.equal('');
  });

  it('opens the kept conversation when the browser restores the form, unless one is open or it is gone', async () => {
    const { element, chat } = await formWith({ conversations: [kept] });
    element.formStateRestoreCallback('gone');
    element.formStateRestoreCallback('');
    element.formStateRestoreCallback(new FormData());
    element.formStateRestoreCallback('kept');
    await until('the conversation', () => chat.messages[0]?.text === 'Tell me of the sparrow');
    element.newChat();
    await element.updateComplete;
    await chat.say('Another');
    await settled(chat);
    element.formStateRestoreCallback('kept');
    await new Promise((resolve) => requestAnimationFrame(resolve));
    expect(element.messages[0]?.content).to.equal('Another');
  });

  it('says why the conversation that the browser restores cannot be opened', async () => {
    const conversationError = {
      code: 'conversation-unreadable',
      message: 'The key of this conversation is gone.',
      hint: 'It can be deleted in the list.',
    } as const;
    const { element, chat } = await formWith({ conversations: [kept], conversationError });
    element.formStateRestoreCallback('kept');
    await until('the reason', () => chat.errors[0]?.includes(conversationError.message));
    expect(chat.messages).to.deep.equal([]);
  });
});
