import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/metrics.js';
import { noMetrics, type EngineMetrics, type EngineState } from '../../engine/protocol/state.js';
import { expectAccessible, mount, unmount, until, useScheme } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded } from '../../test/support/scripted-engine.js';
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
  contextTokens: 31,
};

async function metricsWith(state: Partial<EngineState>) {
  const engine = new ScriptedEngine({ state });
  const page = mount(html`<llm-engine .engine=${engine}><llm-metrics></llm-metrics></llm-engine>`);
  const element = page.querySelector('llm-metrics');
  if (element === null) throw new Error('no metrics');
  const metrics = new MetricsHarness(element);
  await element.updateComplete;
  await until('the state', () => metrics.figures.get(metricsWords.tabs) === '1');
  return { engine, element, metrics };
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
});
