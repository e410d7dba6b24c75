// An element inside an `<llm-engine>` that is not registered yet (the one script tag fetches them apart) waits for its
// settings, and starts no engine with the defaults meanwhile. Apart from engine.test.ts, which registers everything.

import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import { mount, unmount, until } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded } from '../../test/support/scripted-engine.js';
import { register } from '../define/register.js';
import { LlmMetrics } from '../metrics/metrics.js';
import { MetricsHarness } from '../metrics/metrics.harness.js';
import { metricsWords } from '../metrics/metrics.words.js';
import { defaultEngineStore } from './engine-context.js';

describe('an element inside an engine that is not registered yet', () => {
  afterEach(unmount);

  it('waits for it, across shadow roots too', async () => {
    register('llm-metrics', LlmMetrics);
    const page = mount(html`<llm-engine><p></p></llm-engine>`);
    const inner = document.createElement('llm-metrics');
    page.querySelector('p')?.attachShadow({ mode: 'open' }).append(inner);
    const outer = document.createElement('llm-metrics');
    page.querySelector('llm-engine')?.append(outer);
    await Promise.all([inner.updateComplete, outer.updateComplete]);
    await new Promise((done) => setTimeout(done, 0)); // after all that follows the first update at once
    expect(defaultEngineStore().connection.kind).to.equal('idle');

    const { LlmEngine } = await import('../engine/engine.js');
    register('llm-engine', LlmEngine);
    const engine = page.querySelector('llm-engine');
    if (engine !== null)
      engine.engine = new ScriptedEngine({ state: { status: { kind: 'ready', model: demoLoaded } } });
    for (const element of [inner, outer]) {
      const metrics = new MetricsHarness(element);
      await until('the model', () => metrics.figures.get(metricsWords.model) === demoLoaded.name);
    }
    expect(defaultEngineStore().connection.kind).to.equal('idle');
  });
});
