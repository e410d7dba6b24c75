// What a site does with the chat's looks from outside: its parts through an element of the site's own, its colours by
// inheritance, its size; and what stands under an answer.

import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import { ScriptedEngine } from '../../test/support/scripted-engine.js';
import { chatWith, ready, settled } from '../../test/support/chat-page.js';
import { mount, unmount, until } from '../../test/support/page.js';
import { formatRate } from '../internal/more-formats.js';
import { words } from '../internal/words.js';
import { ChatHarness } from './chat.harness.js';

/** A site's own element with a chat in it. */
class HelpDesk extends HTMLElement {
  constructor() {
    super();
    const chat = document.createElement('llm-chat');
    chat.setAttribute('exportparts', 'composer, base: chat');
    this.attachShadow({ mode: 'open' }).append(chat);
  }
}
customElements.define('help-desk', HelpDesk);

describe('<llm-chat> looks', () => {
  afterEach(unmount);

  it("passes its parts and colours through an element of the site's own", async () => {
    const place = mount(
      html`<style>
          help-desk {
            --llm-accent: rgb(1, 2, 3);
          }
          help-desk::part(chat) {
            outline: 3px dotted rgb(4, 5, 6);
          }
          help-desk::part(composer) {
            margin-block-end: 7px;
          }
        </style>
        <llm-engine .engine=${new ScriptedEngine({ state: ready })}><help-desk></help-desk></llm-engine>`,
    );
    const element = place.querySelector('help-desk')?.shadowRoot?.querySelector('llm-chat');
    if (!element) throw new Error('no chat');
    await element.updateComplete;
    const part = (name: string) => element.shadowRoot?.querySelector(`[part~=${name}]`) ?? document.body;
    expect(getComputedStyle(part('base')).outline).to.equal('rgb(4, 5, 6) dotted 3px');
    expect(getComputedStyle(part('composer')).marginBlockEnd).to.equal('7px');
    const chat = new ChatHarness(element);
    chat.type('Hello');
    await until('the button in the colour', () => {
      return getComputedStyle(chat.sendButton).backgroundColor === 'rgb(1, 2, 3)';
    });
  });

  it('grows its field with the text, up to a height at which it scrolls', async () => {
    const { chat } = await chatWith();
    const empty = chat.field.offsetHeight;
    chat.type('One\nTwo\nThree');
    await until('a higher field', () => chat.field.offsetHeight > empty + 30);
    expect(chat.field.scrollHeight).to.be.at.most(chat.field.offsetHeight);
    chat.type('Line\n'.repeat(60));
    await until('a field that scrolls', () => chat.field.scrollHeight > chat.field.offsetHeight + 100);
    expect(chat.field.offsetHeight).to.be.at.most(160);
    chat.type('');
    await until('the field as it was', () => chat.field.offsetHeight === empty);
  });

  it('says under an answer where it was written, by which model, how fast and how long it is', async () => {
    const { chat, element } = await chatWith({
      pace: 25,
      answers: [[{ say: 'Words that take a moment. '.repeat(4) }]],
    });
    await chat.say('Go');
    await settled(chat);
    const meta = chat.lastAnswer?.querySelector('[part=meta]');
    await until('the facts', () => meta?.textContent.includes('Demo model'));
    expect(meta?.textContent)
      .to.include('On this device')
      .and.to.match(/\d+ tokens/);
    const rate = /[\d.,]+\s*tok\/s/.exec(meta?.textContent ?? '')?.[0] ?? '';
    expect(formatRate(10).replace('10', '')).to.equal(rate.replace(/[\d.,]+/, ''));
    expect(parseFloat(rate)).to.be.greaterThan(0);
    expect(words.chat.assistant).to.equal(element.shadowRoot?.querySelector('[data-status]')?.ariaLabel);
  });
});
