// The elements on a page that allows nothing: no inline style, no image, no string as markup. The policies are set before
// the kit is loaded and stay for this test file's page.

import { expect } from '@esm-bundle/chai';
import { mount, until } from '../../test/support/page.js';

const policy = [
  "style-src 'self'",
  "img-src 'none'",
  "object-src 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ');

describe('a strict page', () => {
  it('runs every element without one violation', async () => {
    const violations: string[] = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile} ${event.sample}`),
    );
    const meta = document.createElement('meta');
    meta.httpEquiv = 'Content-Security-Policy';
    meta.content = policy;
    document.head.append(meta);
    // That the policy holds: this throws without one.
    expect(() => Reflect.set(document.createElement('div'), 'innerHTML', '<b></b>')).to.throw(TypeError);

    const [{ html }] = await Promise.all([import('lit'), import('../define/all.js')]);
    const { ScriptedEngine } = await import('../../test/support/scripted-engine.js');
    const { ChatHarness } = await import('../chat/chat.harness.js');
    const before = violations.length;
    const engine = new ScriptedEngine({
      answers: [
        [
          {
            say: '# Hi\n\n<img src=x onerror=alert(1)>\n\n- [x] a\n\n| a |\n|:-:|\n| 1 |\n\n```js\n1\n```\n\n![i](https://canary.example/)',
          },
        ],
      ],
    });
    const page = mount(
      html`<llm-engine .engine=${engine}
        ><llm-chat></llm-chat><llm-model-picker></llm-model-picker><llm-metrics></llm-metrics><llm-status></llm-status
        ><llm-privacy></llm-privacy><llm-settings></llm-settings
      ></llm-engine>`,
    );
    const element = page.querySelector('llm-chat');
    if (element === null) throw new Error('no chat');
    await element.updateComplete;
    const chat = new ChatHarness(element);
    await chat.say('Hello');
    await until('the answer', () => !element.busy && chat.messages[1]?.text.includes('onerror'));
    // What opens only at a press: the details of the chip, the chart of another maker, a dialog.
    const shadow = (tag: string) => page.querySelector(tag)?.shadowRoot;
    shadow('llm-status')?.querySelector('button')?.click();
    const history = shadow('llm-metrics')?.querySelector<HTMLDetailsElement>('[part=history]');
    if (history) history.open = true;
    await until('the details', () => shadow('llm-status')?.querySelector('[part=details]:popover-open dl'));
    const canvas = await until('the chart', () => shadow('llm-metrics')?.querySelector('canvas'));
    expect(canvas.getBoundingClientRect().width, 'it has its size').to.be.above(100);
    shadow('llm-privacy')?.querySelector<HTMLElement>('[part=erase-button]')?.click();
    await until('the dialog', () => shadow('llm-privacy')?.querySelector('dialog[open]'));
    expect(violations.slice(before)).to.deep.equal([]);
  });
});
