// Every case of the corpus in the DOM: nothing of it runs, nothing is fetched, what it says can be read, and it costs no
// more than a moment. The same once more as it streams in.

import { expect } from '@esm-bundle/chai';
import { render } from 'lit';
import { longest } from './blocks.js';
import { effort } from './effort.js';
import { hostileCases } from './hostile.js';
import { formula } from './math.js';
import { originRule } from './origins.js';
import { renderMarkdown, type MarkdownOptions } from './render.js';
import { inert } from './inert.js';
import { MarkdownStream } from './stream.js';

const options: MarkdownOptions = {
  cloudFrom: null,
  cloudName: '',
  copy: () => Promise.resolve(true),
  images: originRule(''),
  links: originRule('*'),
};

/** Milliseconds for one case on a busy machine; most take less than one. */
const patience = 4_000;

const seen = (root: Node): string => (root.textContent ?? '').replace(/\s+/g, '');

describe('bad input', () => {
  it('has more than two hundred cases, no two of one name', () => {
    expect(hostileCases.length).to.be.greaterThan(200);
    expect(new Set(hostileCases.map(({ name }) => name)).size).to.equal(hostileCases.length);
  });

  for (const { name, text, readable } of hostileCases) {
    it(name.slice(0, 100), () => {
      const root = document.createElement('div');
      const begin = performance.now();
      const stream = new MarkdownStream();
      stream.update(text);
      render(renderMarkdown(stream, options), root);
      const took = performance.now() - begin;
      inert(root);
      expect(took).to.be.lessThan(patience);
      if (/\w/.test(text)) expect(seen(root)).to.match(/\w/);
      if (readable !== undefined) expect(root.textContent).to.include(readable);
      // No character that turns or hides text is left in code and links.
      for (const strict of root.querySelectorAll('code, a')) {
        expect(strict.textContent).not.to.match(
          /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u,
        );
      }
      expect(root.textContent).not.to.match(/[\u202d\u202e\u{e0000}-\u{e007f}]/u);
    });
  }

  it('reads each character a bounded number of times, whole and while it comes', () => {
    const steps = 20;
    for (const { name, text } of hostileCases) {
      const begin = effort.characters;
      new MarkdownStream().update(text);
      const whole = effort.characters - begin;
      expect(whole, name).to.be.at.most(3 * text.length + 300);
      const stream = new MarkdownStream();
      for (let step = 1; step <= steps; step++) {
        const before = effort.characters;
        const from = Math.floor((text.length * (step - 1)) / steps);
        const to = Math.floor((text.length * step) / steps);
        stream.update(text.slice(0, to), true);
        // What came, and what is open: a line that is no running text, a paragraph where nothing could be settled.
        expect(effort.characters - before, name).to.be.at.most(3 * (to - from) + 4 * longest);
      }
    }
  });

  it('is inert at every step of a stream', () => {
    for (const { text } of hostileCases.filter((entry) => entry.text.length < 2_000)) {
      const root = document.createElement('div');
      const stream = new MarkdownStream();
      for (let end = 7; end < text.length + 7; end += 7) {
        stream.update(text.slice(0, end));
        render(renderMarkdown(stream, options), root);
      }
      inert(root);
    }
  });

  it('asks the network for nothing', async () => {
    const asked: string[] = [];
    const observer = new PerformanceObserver((list) => asked.push(...list.getEntries().map(({ name }) => name)));
    observer.observe({ type: 'resource' });
    const root = document.createElement('div');
    document.body.append(root);
    const stream = new MarkdownStream();
    stream.update(hostileCases.flatMap(({ text }) => (text.length < 2_000 ? [text] : [])).join('\n\n'));
    render(renderMarkdown(stream, options), root);
    await new Promise((resolve) => setTimeout(resolve, 400));
    observer.disconnect();
    root.remove();
    expect(asked.filter((name) => /canary|example/.test(new URL(name).host))).to.deep.equal([]);
  });

  it('makes formulas of nothing but MathML', () => {
    for (const { text } of hostileCases.filter(({ name }) => name.startsWith('formula'))) {
      const made = formula(text.replace(/^\$+|\$+$/g, ''), false);
      for (const element of made?.querySelectorAll('*') ?? []) {
        expect(element.namespaceURI).to.equal('http://www.w3.org/1998/Math/MathML');
        for (const { name } of element.attributes) expect(name).not.to.match(/href|style|^on|class|id$/);
      }
    }
    expect(formula('\\frac{1}{2}', true)?.querySelectorAll('mn')).to.have.length(2);
    expect(formula('\\frac{1', true)).to.equal(null);
  });
});

describe('images and links that a site allows', () => {
  const shown = (text: string, images: string, links: string): HTMLElement => {
    const root = document.createElement('div');
    const stream = new MarkdownStream();
    stream.update(text);
    render(renderMarkdown(stream, { ...options, images: originRule(images), links: originRule(links) }), root);
    return root;
  };

  it('are those of its list and no others', () => {
    const text =
      '![a](https://cdn.example/a.png) ![b](https://cdn.example.evil.example/b.png) ![c](http://cdn.example/c.png) [x](https://docs.example.org/x) [y](https://example.org/y)';
    const root = shown(text, 'https://cdn.example', 'https://*.example.org');
    expect([...root.querySelectorAll('img')].map(({ src }) => src)).to.deep.equal(['https://cdn.example/a.png']);
    expect([...root.querySelectorAll('a')].map(({ href }) => href)).to.deep.equal(['https://docs.example.org/x']);
    expect(root.textContent).to.include('https://example.org/y');
    expect(shown(text, '*', '').querySelectorAll('img, a')).to.have.length(3);
  });
});
