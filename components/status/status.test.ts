import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/status.js';
import type { EngineState } from '../../engine/protocol/state.js';
import { expectAccessible, mount, unmount, until, useScheme } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded, type Script } from '../../test/support/scripted-engine.js';
import { StatusHarness } from './status.harness.js';
import { chipWords } from './status.words.js';

const ready = { kind: 'ready', model: demoLoaded } as const;
const loading = {
  kind: 'loading',
  modelId: 'default',
  modelName: 'Demo model',
  phase: 'downloading',
  loadedBytes: 43,
  totalBytes: 100,
} as const;
const lost = {
  cause: 'device-lost',
  message: 'The graphics card was lost; the model is loaded again.',
  attempt: 1,
  attemptsAllowed: 2,
  action: 'reloading',
} as const;
const elsewhere = [{ tabId: 'another', requestId: '1' }];
const cloud = { endpoint: 'cloud.example', allowed: true, active: true };

/** Every state of the chip: what the engine says, what is read, the CSS state. */
const states: readonly (readonly [state: Partial<EngineState>, text: string, cssState: string])[] = [
  [{}, 'not loaded', 'idle'],
  [{ status: loading }, 'loading 43%', 'loading'],
  [{ status: { ...loading, phase: 'preparing' } }, 'preparing', 'loading'],
  [{ status: { ...loading, phase: 'paused' } }, 'download paused', 'paused'],
  [{ status: ready }, 'ready', 'ready'],
  [{ status: ready, generating: [{ tabId: 'this-tab', requestId: '1' }] }, 'answering', 'answering'],
  [{ status: ready, generating: elsewhere }, 'busy in another tab', 'busy'],
  [{ status: ready, generating: elsewhere, waiting: ['third', 'this-tab'] }, 'waiting, number 2 in line', 'waiting'],
  [{ status: ready, generating: elsewhere, cloud }, 'answering from the cloud', 'cloud'],
  [{ status: ready, recovering: lost }, 'device lost: reloading', 'recovering'],
  [{ status: ready, recovering: { ...lost, action: 'gave-up' } }, 'device lost: not mended', 'failed'],
  [
    { status: { kind: 'failed', error: { code: 'network', message: 'No answer.', hint: '' } } },
    'not working',
    'failed',
  ],
];

async function statusWith(script: Script = {}) {
  const engine = new ScriptedEngine(script);
  const page = mount(html`<llm-engine .engine=${engine}><llm-status></llm-status></llm-engine>`);
  const element = page.querySelector('llm-status');
  if (element === null) throw new Error('no status');
  const status = new StatusHarness(element);
  await element.updateComplete;
  await until('the engine', () => status.text !== chipWords.connecting);
  return { engine, element, status, page };
}

describe('<llm-status>', () => {
  afterEach(() => {
    unmount();
    useScheme('light');
    document.documentElement.dir = '';
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`is accessible in every state, closed and open, ${scheme}`, async () => {
      useScheme(scheme);
      const { engine, element, status } = await statusWith();
      const { state: before } = engine;
      for (const [state] of states) {
        engine.update({ ...before, ...state });
        await element.updateComplete;
        await expectAccessible(element);
      }
      await status.press();
      await expectAccessible(element);
    });
  }

  it('says each state in a word or two, and carries it for CSS', async () => {
    const { engine, element, status } = await statusWith();
    const { state: before } = engine;
    for (const [state, text, cssState] of states) {
      engine.update({ ...before, ...state });
      await until(text, () => status.text === text);
      expect(element.matches(`:state(${cssState})`), `${text}: ${cssState}`).to.equal(true);
      const others = states.map(([, , other]) => other).filter((other) => other !== cssState);
      expect(others.some((other) => element.matches(`:state(${other})`))).to.equal(false);
    }
  });

  it('says aloud what changed, never a figure that moves, nor what page opens with', async () => {
    const { engine, status } = await statusWith();
    expect(status.announcement).to.equal('');
    const said: string[] = [];
    for (const loadedBytes of [1, 20, 60]) {
      engine.update({ status: { ...loading, loadedBytes } });
      await new Promise((resolve) => setTimeout(resolve, 20));
      said.push(status.announcement);
    }
    expect(new Set(said)).to.deep.equal(new Set(['Assistant: loading.']));
    engine.update({ status: ready });
    await until('the word', () => status.announcement === 'Assistant: ready.');
    engine.update({ generating: elsewhere });
    await until('the chip', () => status.text === chipWords.otherTab);
    expect(status.announcement).to.equal('Assistant: ready.');
  });

  it('shows details at a press, closes them on Escape and gives the focus back', async () => {
    const { status } = await statusWith({ state: { status: ready, tabs: 3, cloud: { ...cloud, active: false } } });
    expect(status.details).to.equal(null);
    status.button.focus();
    await status.press();
    const details = await until('the details', () => status.details);
    expect(details.get(chipWords.model)).to.equal(demoLoaded.name);
    expect(details.get(chipWords.runsOn)).to.equal(`graphics card: ${demoLoaded.deviceName}`);
    expect(details.get(chipWords.tabs)).to.equal('3');
    expect(details.get(chipWords.privacy)).to.equal(chipWords.mayLeave('cloud.example'));
    await status.press();
    expect(status.details).to.equal(null);
    await until('the focus', () => document.activeElement === status.element);
  });

  it('shows what broke and what is done about it', async () => {
    const { status } = await statusWith({ state: { status: ready, recovering: lost } });
    await status.press();
    expect(status.detailText).to.include(lost.message).and.include('1 of 2');
  });

  it('says that there is no network, and that what is here goes on', async () => {
    const { status, element } = await statusWith({ state: { status: ready } });
    const online = Object.getOwnPropertyDescriptor(Navigator.prototype, 'onLine');
    Object.defineProperty(navigator, 'onLine', { configurable: true, value: false });
    try {
      dispatchEvent(new Event('offline'));
      await until('the word', () => status.text === chipWords.offline);
      expect(element.matches(':state(offline)')).to.equal(true);
      await status.press();
      expect(status.detailText).to.include(chipWords.offlineDetail);
    } finally {
      Reflect.deleteProperty(navigator, 'onLine');
      expect(online).to.not.equal(undefined);
    }
    dispatchEvent(new Event('online'));
    await until('the word', () => status.text === chipWords.ready);
  });

  for (const dir of ['ltr', 'rtl'] as const) {
    it(`keeps the details inside a narrow window's edge, ${dir}`, async () => {
      document.documentElement.dir = dir;
      const { status, element } = await statusWith({ state: { status: ready } });
      element.style.cssText = 'position: fixed; inset-inline-end: 0; inset-block-end: 0; max-inline-size: 120px';
      await status.press();
      const panel = await until('the panel', () => element.shadowRoot?.querySelector('[part=details]:popover-open'));
      const { left, right, top, bottom } = panel.getBoundingClientRect();
      expect(left).to.be.at.least(0);
      expect(right).to.be.at.most(innerWidth);
      expect(top).to.be.at.least(0);
      expect(bottom).to.be.at.most(innerHeight);
    });
  }

  it('tells of an engine that cannot be reached', async () => {
    const element = document.createElement('llm-engine');
    element.engine = null;
    element.workerUrl = 'https://other.example/no-worker.js';
    const page = mount(html`${element}`);
    const chip = document.createElement('llm-status');
    element.append(chip);
    const status = new StatusHarness(chip);
    await chip.updateComplete;
    await until('the failure', () => status.text === chipWords.failed);
    await status.press();
    expect(status.detailText).to.not.equal('');
    page.remove();
  });
});
