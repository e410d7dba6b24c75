// Which language an element speaks: by the nearest `lang`, at once when it changes, with what a site replaced.

import { expect } from '@esm-bundle/chai';
import { html, render } from 'lit';
import '../define/chat.js';
import { mount, unmount, until } from '../../test/support/page.js';
import { ScriptedEngine } from '../../test/support/scripted-engine.js';
import { formatNumber } from './format.js';
import { inLanguageOf, loadLanguage, replaceTexts } from './texts.js';
import { words } from './words.js';
import { tokenWords } from './token-words.js';

const engine = () => new ScriptedEngine({});

function field(page: ParentNode): string | undefined {
  return page.querySelector('llm-chat')?.shadowRoot?.querySelector('textarea')?.placeholder;
}

describe('the language of an element', () => {
  afterEach(unmount);

  it('is that of the nearest lang, and changes with it', async () => {
    const page = mount(
      html`<div>
        <llm-engine .engine=${engine()}><llm-chat></llm-chat></llm-engine>
      </div>`,
    );
    const place = page.querySelector('div');
    await until('English', () => field(page) === 'Write a message');
    place?.setAttribute('lang', 'de-AT');
    await until('German', () => field(page) === 'Nachricht schreiben');
    page.querySelector('llm-chat')?.setAttribute('lang', 'en-GB');
    await until('English again', () => field(page) === 'Write a message');
  });

  it('is found above shadow roots', async () => {
    const page = mount(html`<div lang="de"></div>`);
    const outer = page.querySelector('div');
    const root = outer?.attachShadow({ mode: 'open' });
    if (root === undefined) throw new Error('no root');
    render(
      html`<p>
        <llm-engine .engine=${engine()}><llm-chat></llm-chat></llm-engine>
      </p>`,
      root,
    );
    await until('German', () => field(root) === 'Nachricht schreiben');
    outer?.setAttribute('lang', 'en');
    await until('English', () => field(root) === 'Write a message');
    // A site's own root may be in another language than its page.
    root.querySelector('p')?.setAttribute('lang', 'de');
    await until('German again', () => field(root) === 'Nachricht schreiben');
  });

  it('is English where the kit has no such language or the tag is none', async () => {
    const page = mount(
      html`<p lang="eo">
          <llm-engine .engine=${engine()}><llm-chat></llm-chat></llm-engine>
        </p>
        <p lang="not a language">
          <llm-engine .engine=${engine()}><llm-chat></llm-chat></llm-engine>
        </p>`,
    );
    for (const place of page.querySelectorAll('p')) {
      await until('English', () => field(place) === 'Write a message');
      expect(inLanguageOf(place, () => formatNumber(1_234.5, 1))).to.equal('1,234.5');
    }
  });

  it('has its own numbers and plurals, and two can stand side by side', async () => {
    await loadLanguage('de');
    const page = mount(
      html`<p lang="de"></p>
        <p lang="en"></p>`,
    );
    const [german, english] = page.querySelectorAll('p');
    if (german === undefined || english === undefined) throw new Error('not mounted');
    expect(inLanguageOf(german, () => formatNumber(1_234.5, 1))).to.equal('1.234,5');
    expect(inLanguageOf(english, () => tokenWords.tokens(1))).to.equal('1 token');
    expect(inLanguageOf(english, () => tokenWords.tokens(1_234))).to.equal('1,234 tokens');
    const both = inLanguageOf(german, () => [words.chat.send, inLanguageOf(english, () => words.chat.send)]);
    expect(both).to.deep.equal(['Senden', 'Send']);
  });

  it('shows what a site replaced, in one language or in all, and adds a language', async () => {
    const page = mount(
      html`<div lang="x-test-none">
        <llm-engine .engine=${engine()}><llm-chat></llm-chat></llm-engine>
      </div>`,
    );
    const place = page.querySelector('div');
    const say = (lang: string) => {
      place?.setAttribute('lang', lang);
      return until(lang, () => place !== null && inLanguageOf(place, () => words.chat.newChat) !== '');
    };
    replaceTexts({ chat: { placeholder: 'Demandez', nothingKnown: 'x', newChat: 7 as unknown as string } }, 'fr');
    await say('fr');
    await until('the added language', () => field(page) === 'Demandez');
    expect(place && inLanguageOf(place, () => words.chat.newChat)).to.equal('New chat');
    expect(place && inLanguageOf(place, () => formatNumber(1_234))).to.match(/^1\s234$/);
    replaceTexts({ chat: { newChat: 'Encore' } });
    expect(place && inLanguageOf(place, () => words.chat.newChat)).to.equal('Encore');
    replaceTexts({ chat: { newChat: 'New chat' } });
    await say('en');
    await until('English', () => field(page) === 'Write a message');
  });
});
