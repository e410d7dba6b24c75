import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/all.js';
import { mount, unmount, until } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded } from '../../test/support/scripted-engine.js';
import { MetricsHarness } from '../metrics/metrics.harness.js';
import { metricsWords } from '../metrics/metrics.words.js';
import { LlmEngine } from './engine.js';

const ready = { status: { kind: 'ready', model: demoLoaded } } as const;
const metricsIn = (root: ParentNode) => {
  const element = root.querySelector('llm-metrics');
  if (element === null) throw new Error('no metrics');
  return new MetricsHarness(element);
};
const modelOf = (metrics: MetricsHarness) => metrics.figures.get(metricsWords.model);

describe('<llm-engine>', () => {
  afterEach(unmount);

  it('is accessible: nothing but its children', () => {
    const page = mount(html`<llm-engine><p>Hello</p></llm-engine>`);
    const element = page.querySelector('llm-engine');
    expect(element && getComputedStyle(element).display).to.equal('contents');
  });

  it("adds nothing to the page's HTML, and an attribute that is taken away counts as never set", async () => {
    const page = mount(html`<llm-engine trusted-keys="ab" max-download="3" device="wasm"></llm-engine>`);
    const element = page.querySelector('llm-engine');
    await element?.updateComplete;
    expect(element?.getAttributeNames().sort()).to.deep.equal(['device', 'max-download', 'trusted-keys']);
    for (const name of element?.getAttributeNames() ?? []) element?.removeAttribute(name);
    expect([element?.trustedKeys, element?.maxDownload, element?.device]).to.deep.equal(['', 0, 'auto']);
  });

  it('gives every element inside one engine, and tells its state', async () => {
    const engine = new ScriptedEngine({ state: ready });
    const states: string[] = [];
    const page = mount(
      html`<div @llm-state-change=${(event: Event) => states.push(event.type)}>
        <llm-engine .engine=${engine}
          ><llm-metrics></llm-metrics>
          <div><llm-model-picker></llm-model-picker></div
        ></llm-engine>
      </div>`,
    );
    const metrics = metricsIn(page);
    await until('the model', () => modelOf(metrics) === demoLoaded.name);
    const before = states.length;
    engine.update({ tabs: 2 });
    await until('the tabs', () => metrics.figures.get(metricsWords.tabs) === '2');
    expect(states.length - before).to.equal(1);
    expect(page.querySelector('llm-engine')?.state?.tabs).to.equal(2);
  });

  it('hands another engine down when it is given one, and when an element moves', async () => {
    const first = new ScriptedEngine({ state: { status: { kind: 'ready', model: { ...demoLoaded, name: 'First' } } } });
    const second = new ScriptedEngine({
      state: { status: { kind: 'ready', model: { ...demoLoaded, name: 'Second' } } },
    });
    const third = new ScriptedEngine({ state: { status: { kind: 'ready', model: { ...demoLoaded, name: 'Third' } } } });
    const page = mount(
      html`<llm-engine id="a" .engine=${first}><llm-metrics></llm-metrics></llm-engine
        ><llm-engine id="b" .engine=${third}></llm-engine>`,
    );
    const metrics = metricsIn(page);
    await until('the first', () => modelOf(metrics) === 'First');
    const a = page.querySelector<LlmEngine>('#a');
    if (a !== null) a.engine = second;
    await until('the second', () => modelOf(metrics) === 'Second');
    page.querySelector('#b')?.append(metrics.element);
    await until('the third', () => modelOf(metrics) === 'Third');
  });

  it('reaches elements that stood inside it before it was registered', async () => {
    const engine = new ScriptedEngine({ state: ready });
    const page = mount(html`<llm-late-engine><llm-metrics></llm-metrics></llm-late-engine>`);
    const metrics = metricsIn(page);
    await metrics.element.updateComplete;
    expect(modelOf(metrics), 'no provider yet').to.not.equal(demoLoaded.name);
    customElements.define('llm-late-engine', class extends LlmEngine {});
    const late = page.querySelector<LlmEngine>('llm-late-engine');
    if (late !== null) late.engine = engine;
    await until('the model', () => modelOf(metrics) === demoLoaded.name);
  });

  it('is found by any copy of the kit: the context has a registered key', async () => {
    const engine = new ScriptedEngine({ state: ready });
    const page = mount(html`<llm-engine .engine=${engine}><p></p></llm-engine>`);
    let found: unknown = null;
    const request = new Event('context-request', { bubbles: true, composed: true });
    Object.assign(request, {
      context: Symbol.for('llm-elements.engine-store'),
      callback: (store: unknown) => (found = store),
    });
    page.querySelector('p')?.dispatchEvent(request);
    expect(found).to.have.property('connection');
  });

  it('registers once: loading the kit again does nothing', async () => {
    const { register } = await import('../define/register.js');
    register('llm-engine', class extends HTMLElement {});
    expect(customElements.get('llm-engine')).to.equal(LlmEngine);
  });
});
