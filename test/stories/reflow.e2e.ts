// Nothing is cut off and nothing scrolls sideways: 280 pixels wide, right to left with Arabic words, with letters of twice
// the size (WCAG 2.2: 1.4.4, 1.4.10), everything opened that opens; and nothing moves for those who asked for that.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import type { AxeResults } from 'axe-core';
import { rested, show, StoryBrowser, type OpenedPage } from './open.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const states: Readonly<Record<string, readonly string[]>> = {
  chat: [
    'Markdown',
    'Cloud',
    'Failed',
    'Editing',
    'Branches',
    'Files',
    'History',
    'NearlyFull',
    'ToolCall',
    'Suggestions',
  ],
  'model-picker': ['Downloading', 'Kept', 'TooLarge', 'AsksBeforeDeleting', 'OwnFileFails'],
  metrics: ['Kernels', 'AfterAnswers'],
  settings: ['Chosen', 'HoldsFromTheNextLoad', 'NoLimit'],
  privacy: ['CloudAllowed', 'ErasedInPart'],
  status: ['DeviceLost', 'AnsweringFromTheCloud'],
};

describe('every element', () => {
  let browser: StoryBrowser;
  let opened: OpenedPage;

  before(async () => {
    browser = await StoryBrowser.open();
    opened = await browser.page({ width: 280 });
  });

  after(() => browser.close());

  for (const [element, names] of Object.entries(states)) {
    test(`${element} fits where it is narrow, where letters are large and where lines begin on the right`, async () => {
      const { page } = opened;
      const found: string[] = [];
      const look = async (where: string) => {
        await page.evaluate(async () => {
          await window.reading.settled();
          // Observers of sizes have their turn with the next frame.
          for (let frame = 0; frame < 2; frame++) await new Promise((resume) => requestAnimationFrame(resume));
        });
        const faults = await page.evaluate(() => [...window.reading.overflowing(), ...window.reading.small()]);
        found.push(...faults.map((fault) => `${where}: ${fault}`));
      };
      for (const name of names) {
        await page.setViewportSize({ width: 280, height: 800 });
        await show(page, { file: `components/${element}/${element}`, name });
        await rested(page);
        await page.evaluate(() => {
          for (const each of window.reading.flat(document.body)) {
            if (each instanceof HTMLDetailsElement) each.open = true;
            if (each instanceof HTMLButtonElement && each.popoverTargetElement !== null) each.click();
          }
        });
        await look(`${name}, 280 pixels`);
        await page.evaluate(() => {
          document.documentElement.dir = 'rtl';
          document.documentElement.lang = 'ar';
        });
        await look(`${name}, 280 pixels, Arabic`);
        await page.setViewportSize({ width: 640, height: 800 });
        await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
        await look(`${name}, large letters, Arabic`);
        await page.evaluate(() => {
          document.documentElement.dir = 'ltr';
          document.documentElement.lang = 'de';
        });
        await look(`${name}, large letters, German`);
      }
      assert.deepEqual(found, []);
    });
  }

  test('nothing moves where less motion is asked for, and something does where it is not', async () => {
    const { page } = opened;
    const moving = () =>
      page.evaluate(() =>
        [...window.reading.flat(document.body)]
          .filter((each) => each.getAnimations().some(({ playState }) => playState === 'running'))
          .map(({ className }) => className),
      );
    for (const motion of ['reduce', 'no-preference'] as const) {
      await page.emulateMedia({ reducedMotion: motion });
      for (const [element, name] of [
        ['chat', 'Loading'],
        ['status', 'DeviceLost'],
        ['model-picker', 'Preparing'],
      ] as const) {
        await show(page, { file: `components/${element}/${element}`, name });
        await rested(page);
        if (motion === 'reduce') assert.deepEqual(await moving(), [], `${element} ${name}`);
        else assert.notDeepEqual(await moving(), [], `${element} ${name}`);
      }
    }
    await page.emulateMedia({ reducedMotion: 'reduce' });
  });

  test('text is as strong as can be where more contrast is asked for, and not where it is not', async () => {
    const { page } = opened;
    const tooWeak = () =>
      page.evaluate(async () => {
        const { axe: checker } = window as unknown as {
          axe: { run(context: Document, options: object): Promise<AxeResults> };
        };
        const { violations, passes } = await checker.run(document, {
          runOnly: { type: 'rule', values: ['color-contrast-enhanced'] },
        });
        return { weak: violations.flatMap(({ nodes }) => nodes.map(({ html }) => html)), looked: passes.length };
      });
    const weakAtOtherTimes: string[] = [];
    await page.setViewportSize({ width: 640, height: 800 });
    for (const [element, names] of Object.entries(states)) {
      for (const name of names) {
        for (const scheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ contrast: 'more' });
          await show(page, { file: `components/${element}/${element}`, name }, scheme);
          await rested(page);
          await page.evaluate(axe);
          const { weak, looked } = await tooWeak();
          assert.deepEqual(weak, [], `${element} ${name}, ${scheme}`);
          assert.equal(looked, 1, `${element} ${name} has text to look at`);
          await page.emulateMedia({ contrast: 'no-preference' });
          weakAtOtherTimes.push(...(await tooWeak()).weak);
        }
      }
    }
    assert.notDeepEqual(weakAtOtherTimes, [], 'the wish changes something');
  });
});
