// Files put to a message: chosen, dropped or pasted, read, counted, refused in words, vetoed, removed, sent.

import { expect } from '@esm-bundle/chai';
import { expectAccessible, unmount, until } from '../../../test/support/page.js';
import { words } from '../../internal/words.js';
import { chatWith, settled } from '../../../test/support/chat-page.js';
import type { ChatHarness } from '../chat.harness.js';
import { attachWords } from './attach.words.js';
import { largestFile, readFile } from './read-file.js';

const text = (name: string, content: string) => new File([content], name);

function drop(chat: ChatHarness, files: readonly File[]): void {
  const dataTransfer = new DataTransfer();
  for (const file of files) dataTransfer.items.add(file);
  const init = { bubbles: true, composed: true, cancelable: true, dataTransfer };
  chat.field.dispatchEvent(new DragEvent('dragover', init));
  chat.field.dispatchEvent(new DragEvent('drop', init));
}

const pending = (chat: ChatHarness) =>
  [...(chat.find('[part=attachments]')?.querySelectorAll('li') ?? [])].map((item) =>
    item.innerText.replace(/\s+/g, ' '),
  );

describe('<llm-chat> files', () => {
  afterEach(unmount);

  it('reads a dropped file, says what it costs, and puts it before the words between fences', async () => {
    const { chat, element, engine } = await chatWith();
    drop(chat, [text('notes.md', `# Notes\n${'word '.repeat(100)}`)]);
    await until('the cost', () => pending(chat)[0]?.includes(' tokens'));
    expect(pending(chat)[0]).to.match(/^notes\.md \d+ tokens$/);
    expect(chat.announcement).to.equal(attachWords.added('notes.md'));
    await expectAccessible(element);
    expect(chat.sendButton.getAttribute('aria-disabled')).to.equal('false');
    await chat.say('What is in it?');
    await settled(chat);
    const content = engine.requests[0]?.messages[0]?.content ?? '';
    expect(content).to.match(/^File “notes.md”:\n```\n# Notes\n(word )+\n```\n\nWhat is in it\?$/);
    expect(pending(chat)).to.deep.equal([]);
    expect(chat.messages[0]?.text).to.equal('What is in it?');
    expect(chat.find('.files')?.innerText).to.include('notes.md');
    await expectAccessible(element);
  });

  it('sends a file without a word, and keeps it when the question is changed', async () => {
    const { chat, engine } = await chatWith();
    drop(chat, [text('a.txt', 'alpha')]);
    await until('the file', () => pending(chat).length === 1 && !pending(chat)[0]?.includes(attachWords.reading));
    chat.sendButton.click();
    await settled(chat);
    expect(engine.requests[0]?.messages[0]?.content).to.equal('File “a.txt”:\n```\nalpha\n```');
    chat.action(0, 'edit')?.click();
    const field = await until('the field', () => chat.editor);
    field.value = 'Read it';
    field.form?.requestSubmit();
    await until('the request', () => engine.requests.length === 2);
    expect(engine.requests[1]?.messages[0]?.content).to.equal('File “a.txt”:\n```\nalpha\n```\n\nRead it');
  });

  it('refuses what is no text, empty or too large, in words', async () => {
    const { chat, element } = await chatWith();
    drop(chat, [
      new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 1])], 'picture.txt'),
      text('empty.txt', '  \n'),
      new File([new Uint8Array(largestFile + 1)], 'large.csv'),
      text('fine.csv', 'a;b'),
    ]);
    await until('the problems', () => chat.find('[part=attachment-problems]')?.querySelectorAll('li').length === 3);
    const problems = chat.find('[part=attachment-problems]')?.innerText ?? '';
    for (const name of ['picture.txt', 'empty.txt', 'large.csv']) expect(problems).to.include(name);
    await until('the good one', () => pending(chat).length === 1);
    await expectAccessible(element);
  });

  it('says that a file is more than the model reads', async () => {
    const { chat } = await chatWith();
    drop(chat, [text('long.txt', 'x'.repeat(40_000))]);
    await until('the words', () => chat.find('[part=attachment-problems]')?.innerText.includes('10,0'));
  });

  it('lets the page veto, and takes none where the site wants none', async () => {
    const { chat, element } = await chatWith();
    const told: string[] = [];
    element.addEventListener('llm-attach', (event) => {
      told.push(...event.detail.files.map(({ name }) => name));
      event.preventDefault();
    });
    drop(chat, [text('a.txt', 'alpha')]);
    await until('the event', () => told.length === 1);
    expect(told).to.deep.equal(['a.txt']);
    expect(pending(chat)).to.deep.equal([]);
    element.setAttribute('attachments', 'off');
    await element.updateComplete;
    expect(chat.button(words.chat.attach)).to.equal(null);
    drop(chat, [text('b.txt', 'beta')]);
    await element.updateComplete;
    expect(told).to.have.length(1);
  });

  it('removes a file with the focus kept', async () => {
    const { chat, element } = await chatWith();
    drop(chat, [text('a.txt', 'alpha'), text('b.txt', 'beta')]);
    await until('the files', () => pending(chat).length === 2 && pending(chat).every((line) => line.includes('token')));
    chat.button(attachWords.remove('a.txt'))?.click();
    await element.updateComplete;
    await until('the focus', () => chat.focused === chat.button(attachWords.remove('b.txt')));
    chat.button(attachWords.remove('b.txt'))?.click();
    await until('the field', () => chat.focused === chat.field);
    expect(pending(chat)).to.deep.equal([]);
  });

  it('takes files from the clipboard and leaves text there to the field', async () => {
    const { chat } = await chatWith();
    const paste = (fill: (data: DataTransfer) => void): boolean => {
      const clipboardData = new DataTransfer();
      fill(clipboardData);
      return chat.field.dispatchEvent(
        new ClipboardEvent('paste', { bubbles: true, composed: true, cancelable: true, clipboardData }),
      );
    };
    expect(paste((data) => data.setData('text/plain', 'words'))).to.equal(true);
    expect(paste((data) => void data.items.add(text('clip.txt', 'from the clipboard')))).to.equal(false);
    await until('the file', () => pending(chat)[0]?.startsWith('clip.txt'));
  });

  it('decodes UTF-8 and UTF-16, and nothing else', async () => {
    const utf16 = new Uint8Array([0xff, 0xfe, 0x41, 0x00, 0xe9, 0x00]);
    expect(await readFile(new Blob([utf16]))).to.deep.equal({ kind: 'text', text: 'Aé' });
    expect(await readFile(new Blob(['é\r\nx']))).to.deep.equal({ kind: 'text', text: 'é\nx' });
    expect(await readFile(new Blob([new Uint8Array([0xe9, 0x41])]))).to.deep.equal({ kind: 'refused', why: 'no-text' });
    expect(await readFile(new Blob(['a\u0000b']))).to.deep.equal({ kind: 'refused', why: 'no-text' });
  });
});
