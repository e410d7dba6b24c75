// What the engine is told of a page's life: a tab that nobody can see waits for those that somebody looks at. The
// back/forward cache is in engine.test.ts and, with a real one, in test/e2e/hosts.e2e.ts.

import { expect } from '@esm-bundle/chai';
import { ask, read, Tabs, until } from '../../test/support/tabs.js';

describe('PageLife', () => {
  const tabs = new Tabs();

  afterEach(() => {
    tabs.close();
    for (const frame of document.querySelectorAll('iframe')) frame.remove();
  });

  /** Another tab, which asks when it has connected. */
  function open(query: string): HTMLIFrameElement {
    const frame = document.createElement('iframe');
    frame.src = new URL(`../../test/support/scripted-tab.html?name=${tabs.name}&${query}`, import.meta.url).href;
    document.body.append(frame);
    return frame;
  }

  it('has a hidden tab wait for the visible ones, although it asked first', async () => {
    const engine = await tabs.open('visible');
    await engine.load('default');
    const running = await ask(engine, `slow 30 ${'word '.repeat(60)}`);
    await running.next();
    open(`hidden&ask=${encodeURIComponent('slow 30 hidden hidden hidden')}`);
    const { waiting } = await until(engine, (state) => state.waiting.length === 1);
    const [hidden] = waiting;
    const served: string[] = [];
    const stop = engine.subscribe(({ generating }) => {
      const tabId = generating[0]?.tabId;
      if (tabId !== undefined && served.at(-1) !== tabId) served.push(tabId);
    });
    const next = await ask(engine, 'slow 30 visible visible visible');
    expect(
      engine.state.waiting.length === 2
        ? engine.state.waiting
        : (await until(engine, (state) => state.waiting.length === 2)).waiting,
    ).to.deep.equal(['visible', hidden]);
    await Promise.all([read(running), read(next)]);
    await until(engine, ({ generating, waiting: left }) => generating.length === 0 && left.length === 0);
    stop();
    expect(served).to.deep.equal(['visible', hidden]);
  });

  it('tells at once when the page is hidden or shown again', async () => {
    const engine = await tabs.open('a');
    const other = await tabs.open('b');
    await engine.load('default');
    const shown = (state: 'hidden' | 'visible'): void => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    };
    try {
      shown('hidden');
      shown('visible');
      expect(await read(await ask(engine, 'say still here'))).to.equal('still here ');
      expect(other.state.tabs).to.equal(2);
    } finally {
      Reflect.deleteProperty(document, 'visibilityState');
    }
  });
});
