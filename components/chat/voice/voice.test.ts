// Dictating and reading aloud with stand-ins for the browser's speech: where the voice goes is said before anything is heard,
// what is understood lands in the field, only voices of the device read unless the site allows others.

import { expect } from '@esm-bundle/chai';
import { chatWith, settled } from '../../../test/support/chat-page.js';
import { expectAccessible, unmount, until } from '../../../test/support/page.js';
import { words } from '../../internal/words.js';
import { piecesOf } from './read-aloud.js';
import { voiceWords } from './voice.words.js';
import { turnsWords } from '../turns/turns.words.js';

class FakeRecognition extends EventTarget {
  static last: FakeRecognition | null = null;
  static started = 0;
  lang = '';
  continuous = false;
  interimResults = false;

  start(): void {
    FakeRecognition.last = this;
    FakeRecognition.started += 1;
  }

  stop(): void {
    this.dispatchEvent(new Event('end'));
  }

  abort(): void {
    this.dispatchEvent(new Event('end'));
  }

  hear(...parts: readonly string[]): void {
    this.dispatchEvent(Object.assign(new Event('result'), { results: parts.map((transcript) => [{ transcript }]) }));
  }

  fail(error: string): void {
    this.dispatchEvent(Object.assign(new Event('error'), { error }));
    this.stop();
  }
}

const scope = globalThis as unknown as Record<string, unknown>;
const names = ['SpeechRecognition', 'webkitSpeechRecognition'];

describe('<llm-chat dictation>', () => {
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  beforeEach(() => {
    for (const name of names) Object.defineProperty(scope, name, { value: FakeRecognition, configurable: true });
    FakeRecognition.started = 0;
  });
  afterEach(() => {
    unmount();
    for (const [index, name] of names.entries()) {
      const kept = before[index];
      if (kept === undefined) Reflect.deleteProperty(scope, name);
      else Object.defineProperty(scope, name, kept);
    }
  });

  it('has no button unless the site asks for it', async () => {
    const { chat } = await chatWith();
    expect(chat.button(words.chat.dictate)).to.equal(null);
  });

  it('says where the voice goes before it listens, then writes what it hears behind what is there', async () => {
    const { chat, element } = await chatWith({}, { dictation: '' });
    chat.type('Please');
    (await until('the button', () => chat.button(words.chat.dictate))).click();
    const dialog = await until('the question', () => chat.dialog);
    expect(dialog.innerText).to.include(voiceWords.online);
    expect(FakeRecognition.started).to.equal(0);
    await expectAccessible(element);
    chat.button(voiceWords.start)?.click();
    await until('the listening', () => chat.button(words.chat.dictateStop));
    expect(chat.announcement).to.equal(voiceWords.listening);
    FakeRecognition.last?.hear('tell me');
    FakeRecognition.last?.hear('tell me', ' a story');
    expect(chat.field.value).to.equal('Please tell me a story');
    expect(chat.sendButton.getAttribute('aria-disabled')).to.equal('false');
    chat.button(words.chat.dictateStop)?.click();
    await until('the end', () => chat.button(words.chat.dictate));
    (await until('the button', () => chat.button(words.chat.dictate))).click();
    await until('the second time without a question', () => FakeRecognition.started === 2);
    expect(chat.dialog).to.equal(null);
  });

  it('tells a refused microphone in words, and silence not at all', async () => {
    const { chat } = await chatWith({}, { dictation: '' });
    (await until('the button', () => chat.button(words.chat.dictate))).click();
    await until('the question', () => chat.dialog);
    chat.button(voiceWords.start)?.click();
    await until('the listening', () => chat.button(words.chat.dictateStop));
    FakeRecognition.last?.fail('no-speech');
    await until('the end', () => chat.button(words.chat.dictate));
    expect(chat.errors).to.deep.equal([]);
    (await until('the button', () => chat.button(words.chat.dictate))).click();
    await until('the listening', () => chat.button(words.chat.dictateStop));
    FakeRecognition.last?.fail('not-allowed');
    await until('the words', () => chat.errors[0]?.includes(voiceWords.failed.denied));
  });

  it('stops listening when the message is sent', async () => {
    const { chat } = await chatWith({}, { dictation: '' });
    (await until('the button', () => chat.button(words.chat.dictate))).click();
    await until('the question', () => chat.dialog);
    chat.button(voiceWords.start)?.click();
    await until('the listening', () => chat.button(words.chat.dictateStop));
    FakeRecognition.last?.hear('Hello');
    chat.pressEnter();
    await settled(chat);
    expect(chat.messages[0]?.text).to.equal('Hello');
    FakeRecognition.last?.hear('Hello again');
    expect(chat.field.value).to.equal('');
  });
});

describe('<llm-chat> reading aloud', () => {
  const speech = Object.getOwnPropertyDescriptor(globalThis, 'speechSynthesis');
  const maker = Object.getOwnPropertyDescriptor(globalThis, 'SpeechSynthesisUtterance');
  let said: (EventTarget & { text: string })[] = [];
  let cancelled = 0;

  class FakeUtterance extends EventTarget {
    voice: unknown = null;
    lang = '';
    constructor(readonly text: string) {
      super();
    }
  }

  const speakWith = (voices: readonly { readonly lang: string; readonly localService: boolean }[]) => {
    said = [];
    cancelled = 0;
    const fake = Object.assign(new EventTarget(), {
      getVoices: () => voices,
      speak: (utterance: FakeUtterance) => said.push(utterance),
      cancel: () => (cancelled += 1),
    });
    Object.defineProperty(scope, 'speechSynthesis', { value: fake, configurable: true });
    Object.defineProperty(scope, 'SpeechSynthesisUtterance', { value: FakeUtterance, configurable: true });
  };

  afterEach(() => {
    unmount();
    if (speech !== undefined) Object.defineProperty(scope, 'speechSynthesis', speech);
    if (maker !== undefined) Object.defineProperty(scope, 'SpeechSynthesisUtterance', maker);
  });

  it('reads the words of an answer without its marks, and stops', async () => {
    speakWith([{ lang: 'en-GB', localService: true }]);
    const { chat, element } = await chatWith({ answers: [[{ say: 'One **bold** word.\n\n```js\nlet x;\n```' }]] });
    await chat.say('Go');
    await settled(chat);
    const button = await until('the button', () => chat.action(1, 'read'));
    button.click();
    expect(said.map(({ text }) => text).join(' '))
      .to.include('One bold word.')
      .and.not.to.include('**');
    await until('the way to stop', () => chat.button(turnsWords.readAloudStop));
    await expectAccessible(element);
    chat.button(turnsWords.readAloudStop)?.click();
    expect(cancelled).to.equal(1);
    await until('the end', () => chat.button(turnsWords.readAloud));
    chat.action(1, 'read')?.click();
    await until('it reads again', () => chat.button(turnsWords.readAloudStop));
    said.at(-1)?.dispatchEvent(new Event('end'));
    await until('its own end', () => chat.button(turnsWords.readAloud));
  });

  it('has no button where every voice would send the text away, unless the site allows that', async () => {
    speakWith([{ lang: 'en-US', localService: false }]);
    const { chat, element } = await chatWith();
    await chat.say('Go');
    await settled(chat);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(chat.action(1, 'read')).to.equal(null);
    element.setAttribute('read-aloud', 'any');
    await until('the button', () => chat.action(1, 'read'));
  });

  it('says long texts in pieces, and loses none of them', () => {
    const text = `${'A sentence of some length. '.repeat(40)}${'x'.repeat(900)}`;
    const pieces = piecesOf(text);
    expect(pieces.every((piece) => piece.length <= 220)).to.equal(true);
    expect(pieces.join('').replace(/\s/g, '')).to.equal(text.replace(/\s/g, ''));
    expect(piecesOf('  \n ')).to.deep.equal([]);
  });
});
