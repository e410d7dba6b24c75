import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/model-picker.js';
import { expectAccessible, mount, unmount, until, useScheme } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded, demoModels, type Script } from '../../test/support/scripted-engine.js';
import type { EngineState, KeptModel, ModelListing } from '../../engine/protocol/state.js';
import { words } from '../internal/words.js';
import { pickerWords } from './model-picker.words.js';
import { ModelPickerHarness } from './model-picker.harness.js';

const ready = { status: { kind: 'ready', model: demoLoaded } } as const;

const downloading = {
  kind: 'loading',
  modelId: 'larger',
  modelName: 'A larger model',
  phase: 'downloading',
  loadedBytes: 123e6,
  totalBytes: 386e6,
  bytesPerSecond: 3.2e6,
  secondsLeft: 82,
} as const;

const larger: KeptModel = {
  source: 'https://site.example/models/larger.gguf',
  name: 'larger',
  quantisation: 'Q4_0',
  byteLength: 386e6,
  storedBytes: 386e6,
  lastUsed: 0,
};
const own: KeptModel = {
  ...larger,
  source: 'file:my.gguf?size=5&time=6',
  name: 'My own',
  byteLength: 9e6,
  storedBytes: 9e6,
};
const storage = { models: [larger, own], usage: 400e6, quota: 10e9, persisted: false } as const;

const many: readonly ModelListing[] = ['Ant', 'Bee', 'Cat', 'Dog', 'Elk', 'Fox'].map((name, index) => ({
  id: name,
  name,
  description: index === 2 ? 'Writes in German.' : '',
  url: `https://site.example/${name}/`,
  byteLength: 1e6,
  licence: 'MIT',
  contextLength: 1024,
  quantisation: 'q4',
  parameters: 1e6,
  languages: index === 3 ? ['ja', 'not a tag', 'de', 'ar', 'zh'] : ['en'],
}));

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
    expect(picker.button?.innerText).to.equal(pickerWords.load('386 MB'));
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
    await until('the cancel button', () => picker.button?.innerText === pickerWords.cancel);
    await until('the focus', () => element.shadowRoot?.activeElement === picker.button);
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
    await until('the focus', () => element.shadowRoot?.activeElement === picker.radio('A larger model'));
  });

  it('shows a load that another tab asked for, and breaks it off for all', async () => {
    const { picker, engine } = await pickerWith();
    engine.update({ status: { ...downloading, modelId: 'larger', modelName: 'A larger model' } });
    await until('the progress', () => picker.progress);
    expect(picker.button?.innerText).to.equal(pickerWords.cancel);
    picker.button?.click();
    await until('the end', () => engine.state.status.kind === 'idle');
    await until('the card without progress', () => picker.progress === null);
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
    await until('the words', () => element.shadowRoot?.textContent.includes(pickerWords.empty));
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

  describe('a download under way', () => {
    it('says how far, how fast and how long still, each as far as it is known', async () => {
      const { picker, engine, element } = await pickerWith();
      engine.update({ status: downloading });
      await until('the progress', () => picker.progress);
      expect(picker.progressText.split('\n').join(' ')).to.equal(
        '123 MB of 386 MB (31%) 3.2 MB a second about 1 minute left',
      );
      const { modelId, modelName, loadedBytes, totalBytes } = downloading;
      const unknown = { kind: 'loading', phase: 'downloading', modelId, modelName, loadedBytes, totalBytes } as const;
      engine.update({ status: { ...unknown, totalBytes: 0 } });
      await element.updateComplete;
      expect(picker.progressText).to.equal('123 MB');
      expect(picker.progress?.hasAttribute('value')).to.equal(false);
      engine.update({ status: { ...unknown, phase: 'preparing' } });
      await element.updateComplete;
      expect(picker.progressText).to.equal(words.status.preparing('A larger model'));
      expect(picker.named(pickerWords.pause)).to.equal(null);
    });

    it('pauses and resumes with one button that keeps the focus, and says so', async () => {
      const { picker, engine, element } = await pickerWith({ loadTime: 60_000 });
      await picker.choose('A larger model');
      picker.button?.click();
      const button = await until('the pause button', () => picker.named(pickerWords.pause));
      await expectAccessible(element);
      button.focus();
      button.click();
      await until('the pause', () => picker.named(pickerWords.resume) === button);
      await until('the words', () => picker.announcement.includes('is paused'));
      expect(engine.state.status).to.include({ phase: 'paused' });
      expect(picker.progressText).to.include(pickerWords.paused);
      await until('the focus', () => element.shadowRoot?.activeElement === button);
      await expectAccessible(element);
      button.click();
      await until('the resumption', () => picker.named(pickerWords.pause) === button);
      expect(engine.state.status).to.include({ phase: 'downloading' });
      await until('the words', () => picker.announcement === words.status.downloadingAloud('A larger model'));
    });
  });

  describe('what is kept on this device', () => {
    it('is marked, with its bytes, beside models of no catalogue; storage used and free is said', async () => {
      const { picker, element } = await pickerWith({ storage });
      await until('the storage', () => picker.storage !== '');
      expect(picker.models.map(({ name }) => name)).to.deep.equal(['Demo model', 'A larger model', 'My own']);
      expect(picker.models[1]?.text).to.include(pickerWords.kept('386 MB'));
      expect(picker.storage).to.include('2 models').and.to.include('395 MB').and.to.include('9.6 GB');
      expect(picker.storage).to.include(pickerWords.storage.mayClear);
      await picker.choose('A larger model');
      expect(picker.button?.innerText).to.equal(pickerWords.load(''));
      await expectAccessible(element);
    });

    it('tells what is left of a download that was broken off', async () => {
      const part = { ...larger, storedBytes: 120e6 };
      const { picker } = await pickerWith({ storage: { ...storage, models: [part] } });
      await until('the storage', () => picker.storage !== '');
      expect(picker.models[1]?.text).to.include(pickerWords.keptPartly('120 MB', '386 MB'));
      await picker.choose('A larger model');
      expect(picker.button?.innerText).to.equal(pickerWords.load('266 MB'));
    });

    it('finds a pack again by its manifest, and a model that was loaded just now', async () => {
      const pack = { ...larger, source: 'https://site.example/models/default/manifest.json' };
      const { picker, engine } = await pickerWith({ storage: { ...storage, models: [pack] } });
      await until('the storage', () => picker.storage !== '');
      expect(picker.models).to.have.length(2);
      expect(picker.models[0]?.text).to.include(pickerWords.kept('386 MB'));
      await engine.load('larger');
      await until('the second one', () => picker.storage.includes('2 models'));
    });

    it('loads a kept file by its name', async () => {
      const { picker, engine } = await pickerWith({ storage });
      await until('the storage', () => picker.models.length === 3);
      await picker.choose('My own');
      picker.button?.click();
      await until('the load', () => engine.loads.length === 1);
      expect(engine.loads).to.deep.equal([own.source]);
    });

    it('says so where nothing is or can be kept', async () => {
      const { picker } = await pickerWith();
      await until('the words', () => picker.storage === pickerWords.storage.never);
      const empty = await pickerWith({ storage: {} });
      await until('the words', () => empty.picker.storage === pickerWords.storage.none);
    });

    it('shows that the storage cannot be read', async () => {
      const storageError = { code: 'storage', message: 'The store cannot be opened.', hint: '' } as const;
      const { picker } = await pickerWith({ storageError });
      await until('the failure', () => picker.error.includes('The store cannot be opened.'));
      expect(picker.models).to.have.length(2);
    });
  });

  describe('deleting', () => {
    const asked = async (name: string) => {
      const page = await pickerWith({ storage });
      await until('the storage', () => page.picker.models.length === 3);
      const button = page.picker.named(pickerWords.deleteNamed(name));
      button?.focus();
      button?.click();
      const dialog = await until('the question', () => page.picker.dialog);
      return { ...page, button, dialog };
    };

    it('asks first; the answer "keep" gives the focus back and deletes nothing', async () => {
      const { picker, element, engine, button, dialog } = await asked('A larger model');
      expect(dialog.innerText).to.include('A larger model').and.to.include('386 MB');
      expect(element.shadowRoot?.activeElement?.textContent.trim()).to.equal(pickerWords.confirm.keep);
      await expectAccessible(element);
      picker.named(pickerWords.confirm.keep)?.click();
      await until('the end', () => picker.dialog === null);
      await until('the focus', () => element.shadowRoot?.activeElement === button);
      expect(engine.deleted).to.deep.equal([]);
    });

    it('deletes, says so, and leaves the focus at the card', async () => {
      const { picker, element, engine, dialog } = await asked('A larger model');
      dialog.querySelector<HTMLElement>('.danger')?.click();
      await until('the deletion', () => picker.storage.includes('1 model'));
      await element.updateComplete;
      expect(engine.deleted).to.deep.equal([larger.source]);
      expect(picker.announcement).to.equal(pickerWords.confirm.deleted('A larger model'));
      await until('the focus', () => element.shadowRoot?.activeElement === picker.radio('A larger model'));
      expect(picker.named(pickerWords.deleteNamed('A larger model'))).to.equal(null);
    });

    it('leaves the focus in the picker when the whole card goes', async () => {
      const { picker, element, dialog } = await asked('My own');
      expect(dialog.innerText).to.include(pickerWords.confirm.textOfFile('9 MB'));
      dialog.querySelector<HTMLElement>('.danger')?.click();
      await until('the deletion', () => picker.models.length === 2);
      await element.updateComplete;
      await until('the focus', () => element.shadowRoot?.activeElement === picker.radio('Demo model'));
    });
  });

  describe("a model of the visitor's own", () => {
    const gguf = () => new File(['GGUF'], 'mine.gguf', { lastModified: 7 });

    it('loads a file that is dropped or chosen', async () => {
      const { picker, element, engine } = await pickerWith();
      expect(picker.dragOver([gguf()])).to.equal(true);
      await element.updateComplete;
      await expectAccessible(element);
      await picker.drop([gguf()]);
      await until('the model', () => picker.models[2]?.current);
      expect(picker.models[2]?.name).to.equal('mine.gguf');
      await picker.chooseFile(gguf());
      expect(engine.loads).to.deep.equal(['file:mine.gguf?size=4&time=7', 'file:mine.gguf?size=4&time=7']);
    });

    it('loads an address that is pasted, and refuses what is none', async () => {
      const { picker, element, engine } = await pickerWith();
      const codes: string[] = [];
      element.addEventListener('llm-error', ({ detail }) => codes.push(detail.code));
      for (const text of ['', 'mine.gguf', 'javascript:alert(1)', 'file:///etc/passwd']) {
        await picker.paste(text);
        expect(picker.error, text).to.include(pickerWords.own.noAddress);
        expect(picker.address?.getAttribute('aria-invalid')).to.equal('true');
      }
      await expectAccessible(element);
      expect(engine.loads).to.deep.equal([]);
      expect(codes).to.deep.equal(Array(4).fill('invalid-request'));
      await picker.paste(' https://site.example/mine.gguf ');
      await until('the load', () => engine.loads.length === 1);
      expect(engine.loads).to.deep.equal(['https://site.example/mine.gguf']);
      expect(picker.error).to.equal('');
    });

    it('shows why the engine refused a file', async () => {
      const loadError = { code: 'model-invalid', message: 'mine.gguf is no GGUF file.', hint: '' } as const;
      const { picker } = await pickerWith({ loadError });
      await picker.drop([gguf()]);
      await until('the failure', () => picker.error.includes('mine.gguf is no GGUF file.'));
    });

    it('takes a second file while the first is still being loaded, and says nothing of the first', async () => {
      const { picker, element, engine } = await pickerWith({ loadTime: 400 });
      const said = new Set<string>();
      const listening = new MutationObserver(() => said.add(picker.announcement));
      listening.observe(element.shadowRoot ?? element, { subtree: true, childList: true, characterData: true });
      await picker.drop([gguf()]);
      await until('the first', () => engine.state.status.kind === 'loading');
      await picker.chooseFile(new File(['GGUF!'], 'second.gguf', { lastModified: 8 }));
      await until('the second', () => picker.models.find(({ current }) => current)?.name === 'second.gguf');
      expect(engine.loads).to.deep.equal(['file:mine.gguf?size=4&time=7', 'file:second.gguf?size=5&time=8']);
      expect(picker.error).to.equal('');
      await until('the announcement', () => picker.announcement === words.status.ready('second.gguf'));
      listening.disconnect();
      expect([...said]).not.to.include(words.status.cancelled);
    });

    it('says that a folder is no file, and takes none when nothing is chosen', async () => {
      const { picker, element, engine } = await pickerWith();
      // Browsers that give no file for a folder: the drag says "Files" and holds none.
      const dataTransfer = new DataTransfer();
      Object.defineProperty(dataTransfer, 'types', { value: ['Files'] });
      const base = element.shadowRoot?.querySelector('[part=base]');
      base?.dispatchEvent(new DragEvent('drop', { bubbles: true, composed: true, cancelable: true, dataTransfer }));
      await until('the words', () => picker.error.includes(pickerWords.own.noFile));
      element.shadowRoot?.querySelector('input[type=file]')?.dispatchEvent(new Event('change'));
      expect(engine.loads).to.deep.equal([]);
    });

    it('leaves text that is dragged to the page, and takes nothing where only the catalogue is offered', async () => {
      const { picker, element, engine } = await pickerWith();
      expect(picker.dragOver([])).to.equal(false);
      element.catalogueOnly = true;
      await element.updateComplete;
      expect(picker.dragOver([gguf()])).to.equal(false);
      await picker.drop([gguf()]);
      expect(picker.address).to.equal(null);
      expect(engine.loads).to.deep.equal([]);
    });
  });

  describe('limits', () => {
    it('says beforehand what is larger than the site allows or than there is room', async () => {
      const { picker } = await pickerWith({ maxDownload: 100e6 });
      expect(picker.models[1]?.text).to.include(pickerWords.aboveLimit('100 MB'));
      expect(picker.models[0]?.text).not.to.include('Larger');
      const tight = await pickerWith({ storage: { models: [], usage: 9.9e9, quota: 10e9 } });
      await until('the room', () => tight.picker.models[1]?.text.includes(pickerWords.aboveRoom('100 MB')));
      await expectAccessible(tight.element);
    });

    it('lets the visitor agree to a download on a metered connection', async () => {
      Object.defineProperty(navigator, 'connection', { configurable: true, value: { saveData: true } });
      try {
        const loadError = { code: 'model-too-large', message: 'Over a metered connection.', hint: '' } as const;
        const { picker, engine } = await pickerWith({ loadError });
        await picker.choose('A larger model');
        picker.button?.click();
        (await until('the offer', () => picker.named(pickerWords.loadAnyway))).click();
        await until('the second load', () => engine.loads.length === 2);
        expect(engine.confirmed).to.deep.equal([false, true]);
        await until('the second refusal', () => picker.error !== '');
        expect(picker.named(pickerWords.loadAnyway)).to.equal(null);
      } finally {
        Reflect.deleteProperty(navigator, 'connection');
      }
    });
  });

  describe('search', () => {
    it('is there for more than a handful of models', async () => {
      expect((await pickerWith()).picker.search).to.equal(null);
      const { picker, element } = await pickerWith({ models: many, state: { status: { kind: 'idle' } } });
      const names = () => picker.models.map(({ name }) => name);
      expect(names()).to.have.length(6);
      await picker.find('german');
      expect(names()).to.deep.equal(['Cat', 'Dog']);
      await expectAccessible(element);
      await picker.find('japanese arabic');
      expect(names()).to.deep.equal(['Dog']);
      expect(picker.models[0]?.text).to.include('not a tag').and.to.include('and 1 more');
      await picker.find('nothing like it');
      expect(names()).to.deep.equal([]);
      expect(element.shadowRoot?.textContent).to.include(pickerWords.noMatch('nothing like it'));
      await picker.find('');
      expect(names()).to.have.length(6);
    });

    it('never hides a download under way', async () => {
      const { picker, engine } = await pickerWith({ models: many, state: { status: { kind: 'idle' } } });
      engine.update({ status: { ...downloading, modelId: 'Elk', modelName: 'Elk' } });
      await picker.find('fox');
      expect(picker.models.map(({ name }) => name)).to.deep.equal(['Elk', 'Fox']);
    });
  });

  for (const direction of ['ltr', 'rtl'] as const) {
    it(`begins and ends no line of facts with a dot, ${direction}`, async () => {
      const { element } = await pickerWith();
      element.dir = direction;
      element.style.width = '280px';
      await element.updateComplete;
      const about = element.shadowRoot?.querySelectorAll('.about')[1];
      const facts = [...(about?.querySelectorAll<HTMLElement>('.facts > span') ?? [])];
      const box = about?.getBoundingClientRect();
      const inset = (fact: Element) => {
        const { left, right } = fact.getBoundingClientRect();
        return direction === 'ltr' ? left - (box?.left ?? 0) : (box?.right ?? 0) - right;
      };
      const firsts = facts.filter((fact, index) => fact.offsetTop !== facts[index - 1]?.offsetTop);
      expect(firsts.length).to.be.above(1);
      const dot = parseFloat(getComputedStyle(facts[0] ?? element, '::before').inlineSize);
      for (const fact of firsts) expect(inset(fact)).to.be.closeTo(-dot, 1);
      if (about) expect(getComputedStyle(about).overflowX).to.equal('clip');
    });
  }

  it('stays inside 280 px', async () => {
    const { element, picker } = await pickerWith({ storage, models: [...demoModels, ...many] });
    picker.open();
    element.style.width = '248px';
    await until('the storage', () => picker.storage !== '');
    await element.updateComplete;
    expect(element.scrollWidth).to.be.at.most(248);
  });

  describe('verdicts', () => {
    const verdicts: EngineState['verdicts'] = [
      { modelId: 'Ant', tier: 'well', device: 'webgpu', tokensPerSecond: 90 },
      { modelId: 'Bee', tier: 'too-large', device: null, tokensPerSecond: null },
      { modelId: 'Cat', tier: 'slow', device: 'wasm', tokensPerSecond: 6.7 },
      { modelId: 'Dog', tier: 'well', device: 'webgpu', tokensPerSecond: 20 },
      { modelId: 'Elk', tier: 'unknown', device: 'webgpu', tokensPerSecond: null },
    ];
    const sized = many.map((model, index) => ({ ...model, parameters: 1e6 * (index + 1) }));
    const names = (picker: ModelPickerHarness) => picker.models.map(({ name }) => name);

    it('says in words how each model would do, the larger ones that run well first', async () => {
      const { engine, picker, element } = await pickerWith({ models: sized, verdicts, state: {} });
      await until('the verdicts', () => picker.verdicts.some((verdict) => verdict !== ''));
      expect(names(picker)).to.deep.equal(['Dog', 'Ant', 'Elk', 'Fox', 'Cat', 'Bee']);
      expect(picker.verdicts).to.deep.equal([
        pickerWords.verdicts.well,
        pickerWords.verdicts.well,
        '',
        '',
        'slow here: about 5 words a second',
        pickerWords.verdicts['too-large'],
      ]);
      expect(engine.assessed, 'judged once').to.equal(1);
      await expectAccessible(element);
      useScheme('dark');
      await expectAccessible(element);
      useScheme('light');
    });

    it('moves nothing while the focus is on a card', async () => {
      const { engine, picker, element } = await pickerWith({ models: sized, state: {} });
      element.shadowRoot?.querySelector<HTMLElement>('input[type=radio]')?.focus();
      engine.update({ verdicts });
      await until('the verdicts', () => picker.verdicts.some((verdict) => verdict !== ''));
      expect(names(picker)).to.deep.equal(sized.map(({ name }) => name));
      (document.activeElement as HTMLElement).blur();
      engine.update({ tabs: 2 });
      await until('the order', () => names(picker)[0] === 'Dog');
    });

    it('finds models by their verdict', async () => {
      const { picker } = await pickerWith({ models: sized, verdicts, state: {} });
      await until('the verdicts', () => picker.verdicts.some((verdict) => verdict !== ''));
      await picker.find('runs well');
      expect(names(picker)).to.deep.equal(['Dog', 'Ant']);
    });
  });
});
