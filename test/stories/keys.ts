// A person at the keyboard: presses real keys, knows where the focus is by role and name as a screen reader would say
// them, and walks through a page from before everything to behind it. Called by the keyboard tests.
// What a walk refuses: a control that Tab does not reach, an order other than that of reading, a focus that is not seen or
// has no name, two of the same name in one group, a way that does not end.

import assert from 'node:assert/strict';
import type { CDPSession, Page } from 'playwright-core';
import type { Focus } from './reading.js';

export interface Stop extends Focus {
  readonly role: string;
  readonly name: string;
  readonly description: string;
}

/** "button Send", as the tables of the tests have it. */
export const said = ({ role, name }: Stop): string =>
  `${role === 'DisclosureTriangle' ? 'summary' : role} ${name}`.trim();

const patience = 5_000;
/** More stops than any element has: a way this long does not end. */
const mostStops = 80;

export class Keys {
  readonly page: Page;
  readonly #session: CDPSession;

  private constructor(page: Page, session: CDPSession) {
    this.page = page;
    this.#session = session;
  }

  /** Begins before everything on the page. */
  static async begin(page: Page): Promise<Keys> {
    await page.evaluate(() => window.reading.fence());
    const keys = new Keys(page, await page.context().newCDPSession(page));
    await keys.page.focus('[data-fence=before]');
    return keys;
  }

  async press(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.page.keyboard.press(name);
      await this.page.evaluate(() => window.reading.settled());
    }
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
    await this.page.evaluate(() => window.reading.settled());
  }

  /** What has the focus, in a screen reader's words. */
  async focus(): Promise<Stop> {
    const focus = await this.page.evaluate(() => window.reading.focused());
    if (focus.id === 0) return { ...focus, role: 'nothing', name: '', description: '' };
    const { result } = await this.#session.send('Runtime.evaluate', { expression: 'window.reading.active()' });
    const objectId = result.objectId ?? '';
    const { nodes } = await this.#session.send('Accessibility.getPartialAXTree', { objectId, fetchRelatives: false });
    const text = (value: { readonly value?: unknown } | undefined) => String(value?.value ?? '');
    const [node] = nodes;
    return { ...focus, role: text(node?.role), name: text(node?.name), description: text(node?.description) };
  }

  /** Waits until the focus is on what is said like this: "button Undo". */
  async at(wanted: string | RegExp): Promise<void> {
    const deadline = Date.now() + patience;
    for (;;) {
      const stop = await this.focus();
      if (typeof wanted === 'string' ? said(stop) === wanted : wanted.test(said(stop))) return;
      if (Date.now() > deadline)
        assert.fail(`the focus is on "${said(stop)}" (${stop.what}), not on "${String(wanted)}"`);
    }
  }

  /** Tab, or Shift+Tab, until the focus is on what is said like this. */
  async to(wanted: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    const met: string[] = [];
    for (let count = 0; count < mostStops; count++) {
      await this.press(key);
      const stop = said(await this.focus());
      if (stop === wanted) return;
      met.push(stop);
      if (/^button (before|behind)$/.test(stop)) break;
    }
    assert.fail(`"${wanted}" is not met on the way: ${met.join(', ')}`);
  }

  /** Until `condition` holds in the page. */
  async until(what: string, condition: () => unknown): Promise<void> {
    await this.page
      .waitForFunction(condition, undefined, { timeout: patience })
      .catch((error: unknown) => assert.fail(`not within ${String(patience)} ms: ${what} (${String(error)})`));
    await this.page.evaluate(() => window.reading.settled());
  }

  /** From before everything to behind it and back. @returns what was met, in the words of `said` */
  async walk(): Promise<readonly string[]> {
    await this.page.focus('[data-fence=before]');
    await this.focus(); // what had it before is not compared with
    const forth = await this.#through('Tab');
    const wanted = await this.page.evaluate(() => window.reading.expected());
    const reached = new Set(forth.map(({ id }) => id));
    const faults = [
      ...wanted.filter(({ id }) => !reached.has(id)).map(({ what }) => `${what} is not reached`),
      ...forth.flatMap((stop) => stop.faults),
      ...nameless(forth),
      ...alike(forth),
    ];
    const order = forth.filter(({ id }) => wanted.some((each) => each.id === id)).map(({ id }) => id);
    if (faults.length === 0 && order.join() !== wanted.map(({ id }) => id).join()) {
      faults.push(`the order is ${forth.map(said).join(', ')}; it reads ${wanted.map(({ what }) => what).join(', ')}`);
    }
    // Of radio buttons without a choice the first is met on the way forth, the last on the way back.
    const settled = (stops: readonly Stop[]) => stops.filter(({ role }) => role !== 'radio').map(said);
    const back = settled(await this.#through('Shift+Tab')).reverse();
    if (back.join() !== settled(forth).join()) faults.push(`the way back is another one: ${back.join(', ')}`);
    assert.deepEqual(faults, []);
    return forth.map(said);
  }

  /** The way through an open modal dialog, round and back where it began. @returns what was met */
  async round(): Promise<readonly string[]> {
    const wanted = await this.page.evaluate(() => window.reading.expected());
    const first = await this.focus();
    const met: Stop[] = [first];
    const faults: string[] = [];
    for (let count = 0; count <= wanted.length; count++) {
      await this.press('Tab');
      const stop = await this.focus();
      // Between the last and the first the browser's own controls have their turn.
      if (stop.id === 0) continue;
      if (!(await this.page.evaluate(() => window.reading.trapped()))) faults.push(`${stop.what} is outside`);
      if (stop.id === first.id) break;
      met.push(stop);
    }
    for (const { id, what } of wanted) if (!met.some((stop) => stop.id === id)) faults.push(`${what} is not reached`);
    if (said(await this.focus()) !== said(first)) faults.push(`the way does not come back to ${first.what}`);
    assert.deepEqual([...faults, ...nameless(met), ...alike(met)], []);
    return met.map(said);
  }

  async #through(key: 'Tab' | 'Shift+Tab'): Promise<readonly Stop[]> {
    const stops: Stop[] = [];
    for (;;) {
      await this.press(key);
      const stop = await this.focus();
      if (stop.role === 'button' && (stop.name === 'behind' || stop.name === 'before')) {
        const faults = [...(stops.at(-1)?.faults ?? []), ...stop.faults];
        return stops.map((each, index) => (index === stops.length - 1 ? { ...each, faults } : each));
      }
      stops.push(stop);
      if (stops.length > mostStops) assert.fail(`the way does not end: ${stops.slice(-6).map(said).join(', ')}`);
    }
  }
}

const nameless = (stops: readonly Stop[]): string[] =>
  stops.filter(({ name }) => name.trim() === '').map(({ what, role }) => `${what} (${role}) has no name`);

/** Two of the same role and name in one message, card or dialog cannot be told apart. */
function alike(stops: readonly Stop[]): string[] {
  const keys = stops.map((stop) => `${said(stop)} ${String(stop.group)}`);
  return stops
    .filter((_stop, index) => keys.indexOf(keys[index] ?? '') !== index)
    .map((stop) => `${stop.what} is called as another control beside it`);
}
