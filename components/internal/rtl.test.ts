// Every element mirrored: what stands at the beginning of a line from left to right stands at its beginning from right to
// left, too. Boxes are compared, each with its mirror image; text that has a direction of its own is left out.

import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/all.js';
import { mount, unmount } from '../../test/support/page.js';
import { loadLanguage } from './texts.js';
import { ScriptedEngine, demoLoaded } from '../../test/support/scripted-engine.js';

const tags = ['llm-chat', 'llm-model-picker', 'llm-metrics', 'llm-settings', 'llm-privacy', 'llm-status'] as const;

interface Box {
  readonly name: string;
  readonly left: number;
  readonly right: number;
}

/** Boxes of what is laid out inside an element, its shadow tree included, by their distance from its edges. */
function boxes(element: Element): readonly Box[] {
  const frame = element.getBoundingClientRect();
  const found: Box[] = [];
  const visit = (root: ParentNode) => {
    for (const child of root.children) {
      const style = getComputedStyle(child);
      if (child.hasAttribute('dir') || style.display === 'none' || child instanceof HTMLOptionElement) continue;
      const { left, right, width } = child.getBoundingClientRect();
      const laidOut = !style.display.startsWith('inline') && style.display !== 'contents' && style.clipPath === 'none';
      if (laidOut && width > 1 && !(child instanceof SVGElement)) {
        found.push({
          name: `${child.localName}.${child.className}`,
          left: left - frame.left,
          right: frame.right - right,
        });
      }
      if (!(child instanceof SVGElement)) visit(child);
    }
  };
  if (element.shadowRoot !== null) visit(element.shadowRoot);
  return found;
}

async function laidOut(tag: string, direction: 'ltr' | 'rtl'): Promise<readonly Box[]> {
  const engine = new ScriptedEngine({ state: { status: { kind: 'ready', model: demoLoaded } } });
  const page = mount(html`<llm-engine .engine=${engine} dir=${direction}></llm-engine>`);
  const element = document.createElement(tag);
  element.style.inlineSize = '600px';
  page.querySelector('llm-engine')?.append(element);
  await new Promise((resolve) => setTimeout(resolve, 250));
  return boxes(element);
}

describe('from right to left', () => {
  afterEach(unmount);

  for (const tag of tags) {
    it(`<${tag}> is mirrored`, async () => {
      const ltr = await laidOut(tag, 'ltr');
      const rtl = await laidOut(tag, 'rtl');
      expect(ltr.length).to.be.greaterThan(1);
      expect(rtl.map(({ name }) => name)).to.deep.equal(ltr.map(({ name }) => name));
      const wrong = ltr.filter((box, index) => {
        const mirror = rtl[index];
        return mirror === undefined || Math.abs(box.left - mirror.right) > 2 || Math.abs(box.right - mirror.left) > 2;
      });
      expect(wrong.map(({ name }) => name)).to.deep.equal([]);
    });
  }
});

describe('280 pixels wide', () => {
  afterEach(unmount);

  for (const tag of tags) {
    for (const language of ['en', 'de', 'ar']) {
      it(`<${tag}> in ${language} stays inside`, async () => {
        const engine = new ScriptedEngine({ state: { status: { kind: 'ready', model: demoLoaded } } });
        await loadLanguage(language);
        const page = mount(html`<llm-engine .engine=${engine} lang=${language}></llm-engine>`);
        const element = document.createElement(tag);
        element.style.inlineSize = '280px';
        page.querySelector('llm-engine')?.append(element);
        await new Promise((resolve) => setTimeout(resolve, 250));
        const frame = element.getBoundingClientRect();
        expect(frame.width).to.be.at.most(280);
        const over = boxes(element).filter(({ left, right }) => left < -1 || right < -1);
        expect(over.map(({ name }) => name)).to.deep.equal([]);
      });
    }
  }
});
