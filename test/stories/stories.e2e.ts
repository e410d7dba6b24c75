// Every story in both schemes: rendered, played, free of axe's violations and of errors on the page; some compared with
// their pictures. The page runs under the strict policy, as any page with the kit may.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import type { ScriptedEngine } from '../support/scripted-engine.js';
import { compare, sameFonts, updating } from './compare.js';
import { origin, show as open, rested, StoryBrowser } from './open.js';
import { schemes, shown, widths } from './shown.js';
import type { StoryName } from './story-page.js';
import type { Surface } from './surface.js';
import { listen } from './voice.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function show(page: Page, story: StoryName, scheme: 'light' | 'dark'): Promise<void> {
  await open(page, story, scheme);
  await rested(page);
}

/** @param colours only what the scheme changes */
const violations = (page: Page, colours: boolean): Promise<string[]> =>
  page.evaluate(async (onlyColours) => {
    const { axe: checker } = window as unknown as {
      axe: { run(context: Document, options: object): Promise<AxeResults> };
    };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const results = await checker.run(document, {
      runOnly: onlyColours ? { type: 'rule', values: ['color-contrast'] } : { type: 'tag', values: tags },
      // A story is a part of a page: no heading of the first level and no landmarks beside it.
      ...(onlyColours ? {} : { rules: { 'page-has-heading-one': { enabled: false }, region: { enabled: false } } }),
    });
    const scheme = onlyColours ? 'dark, ' : '';
    return results.violations.map(
      ({ id, nodes }) => `${scheme}${id}: ${nodes.map(({ html: text }) => text.slice(0, 120)).join(' ')}`,
    );
  }, colours);

/** Parts, states and properties by element. */
class Styled {
  readonly #found = new Map<string, Record<keyof Surface, Set<string>>>();

  add(surfaces: Readonly<Record<string, Surface>>): void {
    for (const [tag, { parts, states, properties }] of Object.entries(surfaces)) {
      const known = this.#found.get(tag) ?? { parts: new Set(), states: new Set(), properties: new Set() };
      this.#found.set(tag, known);
      for (const part of parts) known.parts.add(part);
      for (const state of states) known.states.add(state);
      for (const property of properties) known.properties.add(property);
    }
  }

  /** @returns what is rendered and not documented, or the other way round */
  against(documentation: Readonly<Record<string, Surface>>): string[] {
    return Object.entries(documentation).flatMap(([tag, wanted]) =>
      (['parts', 'states', 'properties'] as const).flatMap((kind) => {
        const there = this.#found.get(tag)?.[kind] ?? new Set();
        const hidden = [...there].filter((name) => !wanted[kind].includes(name));
        const absent = wanted[kind].filter((name) => !there.has(name));
        return [
          ...hidden.map((name) => `${tag} has ${name} (${kind}), which is not documented`),
          ...absent.map((name) => `${tag} documents ${name} (${kind}), which no state has`),
        ];
      }),
    );
  }
}

interface Declaration {
  readonly tagName?: string;
  readonly cssParts?: readonly { readonly name: string }[];
  readonly cssStates?: readonly { readonly name: string }[];
  readonly cssProperties?: readonly { readonly name: string }[];
}

function documented(): Record<string, Surface> {
  const { modules } = JSON.parse(readFileSync('custom-elements.json', 'utf8')) as {
    readonly modules: readonly { readonly declarations?: readonly Declaration[] }[];
  };
  const names = (list: readonly { readonly name: string }[] = []) => list.map(({ name }) => name);
  const elements = modules
    .flatMap(({ declarations = [] }) => declarations)
    .flatMap(({ tagName, cssParts, cssStates, cssProperties }) =>
      // <llm-engine> shows nothing.
      tagName === undefined || tagName === 'llm-engine'
        ? []
        : [[tagName, { parts: names(cssParts), states: names(cssStates), properties: names(cssProperties) }] as const],
    );
  assert.equal(elements.length, 6);
  return Object.fromEntries(elements);
}

describe('stories', () => {
  let browser: StoryBrowser;
  let stories: readonly StoryName[] = [];
  const styled = new Styled();

  before(async () => {
    browser = await StoryBrowser.open();
    const { page } = await browser.page({ width: 1280 });
    await page.goto(`${origin}/`);
    await page.waitForFunction(() => 'stories' in window);
    stories = await page.evaluate(() => window.stories.list());
    await page.context().close();
  });

  after(() => browser.close());

  test('every story in both schemes: played, no error, no violation', async () => {
    assert.ok(stories.length > 40, `only ${stories.length} stories were found`);
    const { page, faults } = await browser.page({ width: 800 });
    const session = await page.context().newCDPSession(page);
    const found: string[] = [];
    for (const story of stories) {
      await show(page, story, 'light').catch((error: unknown) => faults.push(String(error)));
      await page.evaluate(axe);
      const light = await violations(page, false);
      const { faults: unheard } = await listen(page, session);
      const small = await page.evaluate(() => window.reading.small());
      styled.add(await page.evaluate(() => window.surface()));
      await page.evaluate(() => (document.documentElement.dataset['scheme'] = 'dark'));
      const dark = await violations(page, true);
      const where = `${story.file} ${story.name}`;
      found.push(...[...light, ...dark, ...unheard, ...small, ...faults.splice(0)].map((what) => `${where}: ${what}`));
    }
    await page.evaluate(() => document.querySelector('main')?.append(document.createElement('button')));
    assert.equal((await violations(page, false)).length, 1, 'axe sees a button without a name');
    assert.equal((await listen(page, session)).faults.length, 1, 'and so does a screen reader');
    await page.context().close();
    assert.deepEqual(found, []);
  });

  test('parts, states and properties of every element are those that are documented', async () => {
    const { page } = await browser.page({ width: 800 });
    const look = async () => styled.add(await page.evaluate(() => window.surface()));
    // What no story shows: a line of two measurements, which are a second apart, and a browser without network.
    await show(page, { file: 'components/metrics/metrics', name: 'Kernels' }, 'light');
    await page.clock.setFixedTime(new Date('2026-03-01T12:00:05Z'));
    await page.evaluate(() => {
      const { engine } = document.querySelector('llm-engine') as unknown as { readonly engine: ScriptedEngine };
      engine.update({ metrics: { ...engine.state.metrics, tokensPerSecond: 20, requests: 9 } });
    });
    await page.locator('[part=sparkline]').first().waitFor();
    await look();
    await show(page, { file: 'components/status/status', name: 'Ready' }, 'light');
    await page.context().setOffline(true);
    await page.locator('llm-status:state(offline)').waitFor();
    await look();
    await page.context().close();
    assert.deepEqual(styled.against(documented()), []);
  });

  test('the pictures of some are what they were', async (context) => {
    const { page } = await browser.page({ width: 1280 });
    await page.goto(`${origin}/`);
    const fonts = await page.evaluate(() => {
      const canvas = document.createElement('canvas').getContext('2d');
      if (canvas === null) throw new Error('no canvas');
      return ['system-ui', 'sans-serif', 'monospace', 'serif'].map((family) => {
        canvas.font = `16px ${family}`;
        return Math.round(canvas.measureText('The quick brown fox 0123 Ää ش 日本').width * 100) / 100;
      });
    });
    await page.context().close();
    if (!sameFonts(fonts)) {
      const why = 'SKIPPED: this machine has other fonts than the one the screenshots were made on.';
      console.warn(why);
      context.skip(why);
      return;
    }
    for (const story of shown)
      assert.ok(
        stories.some(({ file, name }) => file === story.file && name === story.name),
        `no story ${story.file} ${story.name}`,
      );
    const found: string[] = [];
    for (const width of widths) {
      const { page: canvas } = await browser.page({ width });
      for (const story of shown) {
        for (const scheme of schemes) {
          await show(canvas, story, scheme);
          const picture = await canvas.locator('main').screenshot({ animations: 'disabled', caret: 'hide' });
          const name = `${story.file.split('/').at(-1)}-${story.name}-${width}-${scheme}`;
          const wrong = compare(name, picture);
          if (wrong !== null) found.push(wrong);
        }
      }
      await canvas.context().close();
    }
    if (updating) console.warn('The references were written anew.');
    assert.deepEqual(found, []);
  });
});
