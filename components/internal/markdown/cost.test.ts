// What a token costs when much stands before it: as many characters read, templates made and nodes of the DOM changed as
// near the beginning. Counted, not timed, so that a busy machine changes nothing; the bench (`npm run bench -- markdown`)
// has the times.

import { expect } from '@esm-bundle/chai';
import { render } from 'lit';
import { effort } from './effort.js';
import { longAnswers } from './long-answers.js';
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
const early = 200;
const late = 10_000;
const window = 100;

interface Cost {
  readonly characters: number;
  readonly templates: number;
  readonly touched: number;
}

/** What the tokens behind the first `from` cost, one by one. */
function costOf(text: string, from: number): Cost {
  const root = document.createElement('div');
  const stream = new MarkdownStream();
  const show = (tokens: number): void => {
    stream.update(text.slice(0, 4 * tokens), true);
    render(renderMarkdown(stream, options), root);
  };
  show(from);
  const observer = new MutationObserver(() => undefined);
  observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
  const before = { ...effort };
  for (let token = 1; token <= window; token++) show(from + token);
  const changes = observer.takeRecords();
  observer.disconnect();
  return {
    characters: effort.characters - before.characters,
    templates: effort.nodes - before.nodes,
    touched: changes.reduce(
      (sum, { addedNodes, removedNodes }) => sum + 1 + addedNodes.length + removedNodes.length,
      0,
    ),
  };
}

describe('the cost of a token', () => {
  for (const { name, text } of longAnswers(late + window)) {
    it(`does not grow with the answer: ${name}`, () => {
      const [first, last] = [costOf(text, early), costOf(text, late)];
      // Where in a sentence a hundred tokens begin makes some difference.
      for (const what of ['characters', 'templates', 'touched'] as const) {
        expect(last[what], `${what}, ${String(first[what])} at first`).to.be.at.most(1.5 * first[what] + 200);
      }
      // A token's own characters, those of its line and of what is open around it.
      expect(last.characters / window).to.be.lessThan(1_200);
      expect(last.touched / window).to.be.lessThan(30);
    });
  }
});
