import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/metrics.js';
import type { ProfileReport } from '../../engine/protocol/profile.js';
import { noMetrics, type EngineMetrics, type EngineState } from '../../engine/protocol/state.js';
import { expectAccessible, mount, unmount, until, useScheme } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded, type Script } from '../../test/support/scripted-engine.js';
import { metricsWords } from './metrics.words.js';
import { MetricsHarness } from './metrics.harness.js';

const ready = { status: { kind: 'ready', model: demoLoaded } } as const;
const measured: EngineMetrics = {
  ...noMetrics,
  timeToFirstToken: 1_234,
  tokensPerSecond: 42.26,
  promptTokens: 30,
  completionTokens: 1,
  totalCompletionTokens: 12_345,
  requests: 1,
  kvBytes: 1_048_576,
  kvHotBytes: 1_048_576,
  contextTokens: 31,
};

const kernels: ProfileReport = {
  kind: 'kernels',
  running: false,
  kernels: [
    { label: 'matvec q4 2048x1024', dispatches: 300, milliseconds: 30 },
    { label: 'attend', dispatches: 100, milliseconds: 10 },
  ],
};

async function metricsWith(state: Partial<EngineState>, script: Script = {}) {
  const engine = new ScriptedEngine({ ...script, state });
  const page = mount(html`<llm-engine .engine=${engine}><llm-metrics></llm-metrics></llm-engine>`);
  const element = page.querySelector('llm-metrics');
  if (element === null) throw new Error('no metrics');
  const metrics = new MetricsHarness(element);
  await element.updateComplete;
  await until('the state', () => metrics.figures.get(metricsWords.tabs) === '1');
  return { engine, element, metrics };
}

/** Publishes figures a second apart. */
async function measure(engine: ScriptedEngine, speeds: readonly number[]) {
  const real = Date.now;
  try {
    for (const [index, tokensPerSecond] of speeds.entries()) {
      const at = real() + index * 1_000;
      Date.now = () => at;
      engine.update({ metrics: { ...measured, tokensPerSecond, timeToFirstToken: 100 * (index + 1) } });
    }
  } finally {
    Date.now = real;
  }
}

describe('<llm-metrics>', () => {
  afterEach(unmount);

  for (const scheme of ['light', 'dark'] as const) {
    it(`is accessible, ${scheme}: with figures, without, failed`, async () => {
      useScheme(scheme);
      const { element, engine } = await metricsWith({});
      await expectAccessible(element);
      engine.update({ ...ready, metrics: measured, notes: ['The GPU was lost; the processor goes on.'] });
      await element.updateComplete;
      await expectAccessible(element);
      engine.update({ status: { kind: 'failed', error: { code: 'device-lost', message: 'Lost.', hint: 'Reload.' } } });
      await element.updateComplete;
      await expectAccessible(element);
      useScheme('light');
    });

    it(`is accessible with lines, chart and kernels, ${scheme}`, async () => {
      useScheme(scheme);
      const { element, metrics, engine } = await metricsWith(ready, { profile: kernels });
      await measure(engine, [10, 40, 20]);
      await metrics.open('history');
      await until('the chart', () => element.shadowRoot?.querySelector('canvas'));
      await metrics.open('kernels');
      await until('the table', () => metrics.kernels.length > 0);
      await expectAccessible(element);
      useScheme('light');
    });
  }

  it('shows the figures as people read them', async () => {
    const { metrics } = await metricsWith({ ...ready, metrics: measured });
    const { figures } = metrics;
    expect(figures.get(metricsWords.timeToFirstToken)).to.equal('1.2 s');
    expect(figures.get(metricsWords.speed)).to.equal('42.3 tok/s');
    expect(figures.get(metricsWords.answer)).to.equal('1 token');
    expect(figures.get(metricsWords.total)).to.equal('12,345 tokens');
    expect(figures.get(metricsWords.context)).to.equal('31 of 1,024');
    expect(figures.get(metricsWords.conversationMemory)).to.equal('1 MB');
    expect(figures.get(metricsWords.decoder)).to.equal('onnx');
    expect(figures.get(metricsWords.device)).to.equal(`GPU: ${demoLoaded.deviceName}`);
    expect(figures.get(metricsWords.queue)).to.equal(metricsWords.idle);
  });

  it('says "none yet" before the first answer, not a nought', async () => {
    const { metrics } = await metricsWith({});
    for (const name of [metricsWords.speed, metricsWords.answer]) {
      expect(metrics.figures.get(name)).to.include(metricsWords.none).and.not.match(/\d/);
    }
  });

  it('shows the line', async () => {
    const { metrics, engine } = await metricsWith(ready);
    engine.update({ generating: [{ tabId: 'a', requestId: '1' }], waiting: ['b', 'c'] });
    await until('the line', () => metrics.figures.get(metricsWords.queue) === metricsWords.waiting(1, 2));
  });

  it('says the figures once, after an answer', async () => {
    const { metrics, engine } = await metricsWith({ ...ready, metrics: { ...measured, requests: 1 } });
    engine.update({ metrics: { ...measured, tokensPerSecond: 10 } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(metrics.announcement).to.equal('');
    engine.update({ metrics: { ...measured, requests: 2 } });
    await until('the words', () => metrics.announcement === metricsWords.spoken('42.3 tok/s', '1.2 s'));
  });

  it('shows what is usual over the newest answers', async () => {
    const { metrics } = await metricsWith({
      ...ready,
      metrics: {
        ...measured,
        tokensPerSecondP50: 40,
        tokensPerSecondP90: 31.5,
        timeToFirstTokenP50: 180,
        timeToFirstTokenP90: 950,
      },
    });
    expect(metrics.usual(metricsWords.speed)).to.equal('usually 40 tok/s, nine in ten at least 31.5 tok/s');
    expect(metrics.usual(metricsWords.timeToFirstToken)).to.equal('usually 180 ms, nine in ten within 950 ms');
  });

  it('shows cache, fallbacks, memory and energy, and says what is not in use', async () => {
    const { metrics, element } = await metricsWith({
      ...ready,
      metrics: {
        ...measured,
        requests: 20,
        totalPromptTokens: 400,
        cachedPromptTokens: 100,
        fallbacks: 1,
        gpuBytes: 5_000_000,
        energyJoules: 12.4,
      },
    });
    const { figures } = metrics;
    expect(figures.get(metricsWords.cached)).to.equal('25%, 100 of 400');
    expect(figures.get(metricsWords.fallbacks)).to.equal('1 (5%)');
    expect(figures.get(metricsWords.gpuMemory)).to.equal('5 MB');
    expect(figures.get(metricsWords.energy)).to.equal('about 12 J');
    expect(element.shadowRoot?.textContent).to.include(metricsWords.energyDetail);
    expect(figures.get(metricsWords.acceptance)).to.equal(metricsWords.unused);
    expect(figures.get(metricsWords.coldMemory)).to.equal(metricsWords.unused);
  });

  it('draws lines of the last values, with their meaning in words', async () => {
    const { metrics, engine, element } = await metricsWith(ready);
    expect(metrics.trends).to.deep.equal([]);
    await measure(engine, [10, 40, 20]);
    await element.updateComplete;
    expect(metrics.trends).to.deep.equal([
      'First token after of late: between 100 ms and 300 ms, now 300 ms',
      'Speed of late: between 10 tok/s and 40 tok/s, now 20 tok/s',
    ]);
  });

  it('loads the chart only when the history is opened, draws what is chosen and says it in words', async () => {
    const { metrics, engine, element } = await metricsWith(ready);
    const details = await metrics.open('history');
    expect(details.innerText).to.include(metricsWords.history.empty);
    await measure(engine, [10, 40, 20]);
    const canvas = await until('the chart', () => element.shadowRoot?.querySelector('canvas'));
    expect(canvas.getBoundingClientRect().height).to.be.within(150, 260);
    const chart = element.shadowRoot?.querySelector('[part=chart]');
    expect(chart?.getAttribute('aria-label')).to.include('between 10 and 40, now 20');
    const select = details.querySelector('select');
    if (select === null) throw new Error('nothing to choose');
    select.value = 'firstToken';
    select.dispatchEvent(new Event('change'));
    await until('the other', () => chart?.getAttribute('aria-label')?.includes('between 100 and 300, now 300'));
    expect(element.shadowRoot?.querySelectorAll('canvas').length).to.equal(1);
    details.open = false;
    await until('it goes', () => element.shadowRoot?.querySelector('canvas') === null);
  });

  it('measures kernels while one looks, and no longer', async () => {
    const { metrics, engine } = await metricsWith(ready, { profile: kernels });
    const details = await metrics.open('kernels');
    expect(engine.profiled).to.deep.equal([undefined]);
    await until('the table', () => metrics.kernels.length === 2);
    expect(metrics.kernels[0]).to.deep.equal(['matvec q4 2048x1024', '75%', '30 ms', '300', '100 µs']);
    metrics.button(metricsWords.kernels.measure)?.click();
    await until('measuring', () => metrics.button(metricsWords.kernels.stop));
    expect(engine.profiled.at(-1)).to.equal(true);
    details.open = false;
    await until('the end', () => engine.profiled.at(-1) === false);
  });

  it('says why there are no kernels', async () => {
    const { metrics } = await metricsWith(ready, { profile: { kind: 'none', reason: 'device' } });
    const details = await metrics.open('kernels');
    await until('the words', () => details.innerText.includes(metricsWords.kernels.reasons.device));
  });

  it('gives the figures as JSON, with nothing of conversations', async () => {
    const { element, engine } = await metricsWith({ ...ready, metrics: measured });
    await measure(engine, [1, 2]);
    const report = JSON.parse(element.report) as { metrics: EngineMetrics; history: unknown[]; model: { id: string } };
    expect(report.metrics.tokensPerSecond).to.equal(2);
    expect(report.history.length).to.equal(2);
    expect(report.model.id).to.equal(demoLoaded.id);
  });

  it('copies them, or says that this browser did not allow it', async () => {
    const { metrics } = await metricsWith({ ...ready, metrics: measured });
    const written: string[] = [];
    const { clipboard } = navigator;
    const use = (writeText: (text: string) => Promise<void>) =>
      Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText } });
    try {
      use(async (text) => void written.push(text));
      metrics.button(metricsWords.copy)?.click();
      await until('the word', () => metrics.announcement === metricsWords.copied);
      expect(written[0]).to.include('"tokensPerSecond": 42.26');
      use(() => Promise.reject(new Error('no')));
      metrics.button(metricsWords.copy)?.click();
      await until('the word', () => metrics.announcement === metricsWords.copyFailed);
    } finally {
      Reflect.deleteProperty(navigator, 'clipboard');
      expect(navigator.clipboard).to.equal(clipboard);
    }
  });

  it('fits 280 pixels, in both directions', async () => {
    const { element, metrics, engine } = await metricsWith(ready, { profile: kernels });
    await measure(engine, [10, 40]);
    element.style.inlineSize = '280px';
    await metrics.open('history');
    await metrics.open('kernels');
    await until('the chart', () => element.shadowRoot?.querySelector('canvas'));
    for (const dir of ['ltr', 'rtl']) {
      document.documentElement.dir = dir;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const frame = element.shadowRoot?.querySelector('.frame');
      expect(frame && frame.scrollWidth - frame.clientWidth, dir).to.equal(0);
    }
    document.documentElement.dir = '';
  });
});
