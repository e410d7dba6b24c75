import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/model-picker.js';
import { expectAccessible, mount, unmount, until, useScheme } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded, type Script } from '../../test/support/scripted-engine.js';
import { words } from '../internal/words.js';
import { ModelPickerHarness } from './model-picker.harness.js';

const ready = { status: { kind: 'ready', model: demoLoaded } } as const;

async function pickerWith(script: Script = {}) {
  const engine = new ScriptedEngine({ state: ready, ...script });
  const page = mount(html`<llm-engine .engine=${engine}><llm-model-picker></llm-model-picker></llm-engine>`);
  const element = page.querySelector('llm-model-picker');
  if (element === null) throw new Error('no picker');
  const picker = new ModelPickerHarness(element);
  await element.updateComplete;
  await until(
    'the catalogue',
    () => picker.models.length > 0 || picker.error !== '' || engine.state.models.length === 0,
  );
  await element.updateComplete;
  return { engine, element, picker };
}

describe('<llm-model-picker>', () => {
  afterEach(unmount);

  for (const scheme of ['light', 'dark'] as const) {
    it(`is accessible, ${scheme}: chosen, loading, failed`, async () => {
      useScheme(scheme);
      const loadError = { code: 'network', message: 'The download broke off.', hint: 'Try again.' } as const;
      const { element, picker } = await pickerWith({ loadTime: 200, loadError });
      await picker.choose('A larger model');
      await expectAccessible(element);
      picker.button?.click();
      await until('the progress', () => picker.progress);
      await expectAccessible(element);
      await until('the failure', () => picker.error !== '');
      await expectAccessible(element);
      useScheme('light');
    });
  }

  it('lists what each model is, and marks the one in use', async () => {
    const { picker } = await pickerWith();
    expect(picker.models.map(({ name, chosen, current }) => [name, chosen, current])).to.deep.equal([
      ['Demo model', true, true],
      ['A larger model', false, false],
    ]);
    expect(picker.models[1]?.text).to.include('386 MB').and.to.include('MIT').and.to.include('32,768');
    expect(picker.button).to.equal(null);
  });

  it('shows the model in use that the page named by its address, and what a catalogue leaves out not at all', async () => {
    const bare = { byteLength: 0, parameters: 0, contextLength: 0, quantisation: '', licence: 'unknown' };
    const listing = { ...bare, id: 'bare', name: 'Bare', description: '', url: 'https://x.example/', languages: [] };
    const model = { ...demoLoaded, id: 'https://site.example/my-model.gguf', name: 'My model' };
    const { picker } = await pickerWith({ models: [listing], state: { status: { kind: 'ready', model } } });
    expect(picker.models.map(({ name, chosen, current }) => [name, chosen, current])).to.deep.equal([
      ['Bare', false, false],
      ['My model', true, true],
    ]);
    expect(picker.models[0]?.text).not.to.match(/0|weights|download/);
  });

  it('chooses without loading, then loads with progress and marks it', async () => {
    const { picker, engine } = await pickerWith({ loadTime: 300 });
    await picker.choose('A larger model');
    expect(engine.loads).to.have.length(0);
    expect(picker.button?.innerText).to.equal(words.picker.load('386 MB'));
    picker.button?.click();
    const progress = await until('the progress', () => picker.progress);
    expect(progress.max).to.equal(386_000_000);
    await until('the model', () => picker.models[1]?.current);
    expect(engine.loads).to.deep.equal(['larger']);
    expect(picker.announcement).to.equal(words.status.ready('A larger model'));
    expect(picker.progress).to.equal(null);
  });

  it('cancels, with the focus kept on the button', async () => {
    const { picker, engine, element } = await pickerWith({ loadTime: 60_000 });
    await picker.choose('A larger model');
    picker.button?.focus();
    picker.button?.click();
    await until('the cancel button', () => picker.button?.innerText === words.picker.cancel);
    expect(element.shadowRoot?.activeElement).to.equal(picker.button);
    picker.button?.click();
    await until('the end', () => engine.state.status.kind === 'ready');
    await until('the words', () => picker.announcement === words.status.cancelled);
    expect(picker.error).to.equal('');
    expect(picker.models[0]?.current).to.equal(true);
  });

  it('gives the focus to the card when its button is gone', async () => {
    const { picker, element } = await pickerWith({ loadTime: 100 });
    await picker.choose('A larger model');
    picker.button?.focus();
    picker.button?.click();
    await until('the model', () => picker.models[1]?.current);
    await element.updateComplete;
    expect(element.shadowRoot?.activeElement).to.equal(picker.radio('A larger model'));
  });

  it('shows a load that another tab asked for, without a button to cancel it', async () => {
    const { picker, engine } = await pickerWith();
    engine.update({
      status: {
        kind: 'loading',
        modelId: 'larger',
        modelName: 'A larger model',
        phase: 'downloading',
        loadedBytes: 1,
        totalBytes: 2,
      },
    });
    await until('the progress', () => picker.progress);
    expect(picker.button).to.equal(null);
  });

  it('shows why a load failed and tells llm-error', async () => {
    const loadError = {
      code: 'model-too-large',
      message: 'This model needs 2 GB.',
      hint: 'Choose a smaller one.',
    } as const;
    const { picker, element } = await pickerWith({ loadError });
    let code = '';
    element.addEventListener('llm-error', (event) => (code = event.detail.code));
    await picker.choose('A larger model');
    picker.button?.click();
    await until('the failure', () => picker.error !== '');
    expect(picker.error).to.include('This model needs 2 GB.').and.to.include('Choose a smaller one.');
    expect(code).to.equal('model-too-large');
  });

  it('says so where the catalogue is empty', async () => {
    const { element } = await pickerWith({ models: [], state: { status: { kind: 'idle' } } });
    await until('the words', () => element.shadowRoot?.textContent.includes(words.picker.empty));
  });

  it('offers the cloud only where it is set and allowed', async () => {
    const { picker, engine } = await pickerWith();
    engine.update({ cloud: { endpoint: 'api.example.com', allowed: true, active: false } });
    await until('the cloud', () => picker.models.length === 3);
    await picker.choose('Cloud (api.example.com)');
    picker.button?.click();
    await until('the request', () => engine.loads.length === 1);
    expect(engine.loads).to.deep.equal(['cloud']);
  });

  it('stays inside 280 px', async () => {
    const { element } = await pickerWith();
    element.style.width = '248px';
    await element.updateComplete;
    expect(element.scrollWidth).to.be.at.most(248);
  });
});
