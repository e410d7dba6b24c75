// The DOM that an answer becomes: whatever the model writes and however it is cut, nothing in it can run or be fetched.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { render } from 'lit';
import { until } from '../../../test/support/until.js';
import { answer, chunkedAnswer } from './arbitrary.js';
import { inert } from './inert.js';
import { originRule } from './origins.js';
import { renderMarkdown, type MarkdownOptions } from './render.js';
import { MarkdownStream } from './stream.js';

const options: MarkdownOptions = {
  cloudFrom: null,
  cloudName: '',
  copy: () => Promise.resolve(true),
  images: originRule(''),
  links: originRule('*'),
};

const shown = (stream: MarkdownStream): HTMLElement => {
  const root = document.createElement('div');
  render(renderMarkdown(stream, options), root);
  return root;
};

// Lit's markers (comments with random numbers) are not part of what is shown.
const withoutComments = (root: HTMLElement): string => root.innerHTML.replace(/<!--[\s\S]*?-->/g, '');

describe('markdown in the DOM', () => {
  it('any text is inert', () => {
    fc.assert(
      fc.property(answer, (text) => {
        const stream = new MarkdownStream();
        stream.update(text);
        inert(shown(stream));
      }),
      { numRuns: 500 },
    );
  });

  it('any text in any chunks is inert at every step and ends as the whole does', () => {
    fc.assert(
      fc.property(chunkedAnswer, (chunks) => {
        const stream = new MarkdownStream();
        const root = document.createElement('div');
        let text = '';
        for (const chunk of chunks) {
          stream.update((text += chunk));
          render(renderMarkdown(stream, options), root);
          inert(root);
        }
        const whole = new MarkdownStream();
        whole.update(text);
        expect(withoutComments(root)).to.equal(withoutComments(shown(whole)));
      }),
      { numRuns: 300 },
    );
  });

  it('asks the network for nothing', async () => {
    const asked: string[] = [];
    const observer = new PerformanceObserver((list) => asked.push(...list.getEntries().map(({ name }) => name)));
    observer.observe({ type: 'resource' });
    const stream = new MarkdownStream();
    stream.update(
      [
        '![pixel](https://canary.example/p.png?q=secret)',
        '<img src="https://canary.example/i.png">',
        '<link rel="prefetch" href="https://canary.example/l">',
        '<style>@import "https://canary.example/s.css"</style>',
        '<svg><image href="https://canary.example/v.svg"/></svg>',
        '[link](https://canary.example/a)',
        '![ref][r]\n\n[r]: https://canary.example/r.png',
      ].join('\n\n'),
    );
    const root = shown(stream);
    document.body.append(root);
    await new Promise((resolve) => setTimeout(resolve, 300));
    observer.disconnect();
    root.remove();
    expect(asked.filter((name) => name.includes('canary'))).to.deep.equal([]);
    expect(root.textContent).to.include('canary.example').and.to.include('<img src=');
  });

  it('shows an unfinished fence as code and an unfinished table as text, then as a table', () => {
    const stream = new MarkdownStream();
    stream.update('```html\n<llm-');
    expect(shown(stream).querySelector('pre')?.textContent).to.equal('<llm-');
    stream.update('| a | b |\n|--');
    expect(shown(stream).querySelector('table')).to.equal(null);
    stream.update('| a | b |\n|--|--|\n| 1 |');
    expect(shown(stream).querySelectorAll('td')).to.have.length(2);
  });

  it('sets the direction of each block by its own text, code from left to right', () => {
    const stream = new MarkdownStream();
    stream.update('مرحبا\n\nHello\n\n```\ncode\n```');
    const root = shown(stream);
    document.body.append(root);
    const directions = [...root.querySelectorAll('p, pre')].map((block) => getComputedStyle(block).direction);
    root.remove();
    expect(directions).to.deep.equal(['rtl', 'ltr', 'ltr']);
  });

  it('colours code when its fence closes, up to a length that is a moment of work', async () => {
    const stream = new MarkdownStream();
    const line = 'const value = 1;\n';
    stream.update(`\`\`\`js\n${line.repeat(600)}\`\`\`\n\n\`\`\`js\n${line}`, true);
    const root = shown(stream);
    document.body.append(root);
    const [long, short] = root.querySelectorAll('code');
    expect(short?.querySelector('[class^=hl-]')).to.equal(null);
    stream.update(`\`\`\`js\n${line.repeat(600)}\`\`\`\n\n\`\`\`js\n${line}\`\`\`\n`);
    render(renderMarkdown(stream, options), root);
    await until('the colours', () => short?.querySelector('[class^=hl-]'));
    root.remove();
    expect(long?.querySelector('[class^=hl-]')).to.equal(null);
    expect(long?.textContent.trim()).to.equal(line.repeat(600).trim());
  });
});
