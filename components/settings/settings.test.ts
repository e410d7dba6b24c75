import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/settings.js';
import { noPreferences } from '../../engine/protocol/preferences.js';
import { expectAccessible, mount, unmount, until, useScheme } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded, demoModels, type Script } from '../../test/support/scripted-engine.js';
import { SettingsHarness } from './settings.harness.js';
import { settingsWords } from './settings.words.js';

const ready = { status: { kind: 'ready', model: demoLoaded } } as const;
const noRoom = { code: 'storage', message: 'There is no room for your settings.', hint: 'Free some.' } as const;

async function settingsWith(script: Script = {}) {
  const engine = new ScriptedEngine(script);
  const page = mount(html`<llm-engine .engine=${engine}><llm-settings></llm-settings></llm-engine>`);
  const element = page.querySelector('llm-settings');
  if (element === null) throw new Error('no settings');
  const settings = new SettingsHarness(element);
  await element.updateComplete;
  await until('the engine', () => settings.options('model').length > 1);
  return { engine, element, settings, page };
}

describe('<llm-settings>', () => {
  afterEach(() => {
    unmount();
    useScheme('light');
    document.documentElement.dir = '';
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`is accessible in every state, ${scheme}`, async () => {
      useScheme(scheme);
      const { element, engine, settings } = await settingsWith({ state: ready, preferencesError: noRoom });
      await expectAccessible(element);
      engine.update({ preferences: { ...noPreferences, device: 'wasm', temperature: 0.3, maxTokens: 100 } });
      await element.updateComplete;
      expect(settings.notice).to.not.equal('');
      await expectAccessible(element);
      await settings.limitTo('-3');
      await settings.flip();
      await until('the notice', () => settings.error !== '');
      await expectAccessible(element);
    });
  }

  it('shows what the visitor chose, whichever tab they chose it in', async () => {
    const { engine, element, settings } = await settingsWith();
    expect(settings.values).to.deep.equal({
      model: '',
      device: '',
      temperature: settingsWords.temperature.standard,
      maxTokens: '',
      keepConversations: true,
    });
    expect(settings.options('model')).to.deep.equal([
      settingsWords.standardOf(demoModels[0]?.name ?? ''),
      ...demoModels.map(({ name }) => name),
    ]);
    engine.update({
      preferences: { model: 'larger', device: 'webgpu', temperature: 1.2, maxTokens: 300, keepConversations: false },
    });
    await element.updateComplete;
    expect(settings.values).to.deep.equal({
      model: 'larger',
      device: 'webgpu',
      temperature: '1.2',
      maxTokens: '300',
      keepConversations: false,
    });
    expect(element.matches(':state(changed)')).to.equal(true);
  });

  it('asks the engine for each choice, and tells the page', async () => {
    const { engine, settings, page } = await settingsWith();
    const told: unknown[] = [];
    page.addEventListener('llm-settings-change', (event) => told.push(event.detail));
    await settings.choose('model', 'larger');
    await settings.choose('device', 'wasm');
    await settings.slide(0.4);
    await settings.limitTo('250');
    await settings.flip();
    const wanted = { model: 'larger', device: 'wasm', temperature: 0.4, maxTokens: 250, keepConversations: false };
    await until('all of it', () => JSON.stringify(engine.state.preferences).includes('"keepConversations":false'));
    expect(engine.state.preferences).to.deep.equal(wanted);
    expect(told).to.deep.equal([
      { model: 'larger' },
      { device: 'wasm' },
      { temperature: 0.4 },
      { maxTokens: 250 },
      { keepConversations: false },
    ]);
    await until('the word', () => settings.announcement === settingsWords.savedAloud);
    await settings.choose('model', '');
    await settings.limitTo('');
    await until('back', () => engine.state.preferences.maxTokens === null);
    expect(engine.state.preferences.model).to.equal(null);
  });

  it('a slider that moves shows its figure and asks for nothing until it is let go', async () => {
    const { engine, settings } = await settingsWith();
    await settings.slide(1.5, { let: false });
    expect(settings.values.temperature).to.equal('1.5');
    expect(engine.state.preferences.temperature).to.equal(null);
    await settings.slide(1.6);
    await until('the figure', () => engine.state.preferences.temperature === 1.6);
    settings.button(settingsWords.temperature.reset)?.click();
    await until('the advice', () => settings.values.temperature === settingsWords.temperature.standard);
  });

  it('refuses a limit that is none, says what is wanted, and keeps what held', async () => {
    const { engine, element, settings } = await settingsWith({
      state: { preferences: { ...noPreferences, maxTokens: 100 } },
    });
    for (const bad of ['0', '-5', '1.5', '9999999']) {
      await settings.limitTo(bad);
      expect(settings.limit.getAttribute('aria-invalid'), bad).to.equal('true');
      expect(settings.limit.value, 'what was typed stays, to be corrected').to.equal(bad);
      expect(engine.state.preferences.maxTokens).to.equal(100);
    }
    expect(element.shadowRoot?.querySelector('#max-tokens-wrong')).to.not.equal(null);
    await settings.limitTo('64');
    await until('the limit', () => engine.state.preferences.maxTokens === 64);
    expect(settings.limit.getAttribute('aria-invalid')).to.equal('false');
  });

  it('shows what holds when the site cancels a change', async () => {
    const { engine, settings, page } = await settingsWith();
    page.addEventListener('llm-settings-change', (event) => event.preventDefault());
    await settings.choose('device', 'wasm');
    await until('the old value', () => settings.values.device === '');
    await settings.flip();
    expect(settings.values.keepConversations).to.equal(true);
    expect(engine.state.preferences).to.deep.equal(noPreferences);
  });

  it('says when a choice could not be kept, though it acts', async () => {
    const { engine, settings, page } = await settingsWith({ preferencesError: noRoom });
    const errors: string[] = [];
    page.addEventListener('llm-error', (event) => errors.push(event.detail.code));
    await settings.flip();
    await until('the notice', () => settings.error.includes(noRoom.message));
    expect(errors).to.deep.equal(['storage']);
    expect(engine.state.preferences.keepConversations).to.equal(false);
    expect(settings.values.keepConversations).to.equal(false);
  });

  it('offers to load the model again where its device is not the chosen one', async () => {
    const { engine, settings } = await settingsWith({ state: ready });
    expect(settings.notice).to.equal('');
    await settings.choose('device', 'wasm');
    await until('the notice', () => settings.notice.includes(settingsWords.device.devices.webgpu));
    settings.button(settingsWords.device.reload)?.click();
    await until('the load', () => engine.loads.length === 1);
    expect(engine.loads).to.deep.equal([demoLoaded.id]);
    engine.update({ status: { kind: 'ready', model: { ...demoLoaded, device: 'wasm' } } });
    await until('silence', () => settings.notice === '');
  });

  it('goes back to the site’s settings with one press', async () => {
    const { engine, settings } = await settingsWith({
      state: {
        preferences: { model: 'larger', device: 'wasm', temperature: 1, maxTokens: 5, keepConversations: false },
      },
    });
    settings.button(settingsWords.reset)?.click();
    await until('the settings', () => JSON.stringify(engine.state.preferences).includes('"maxTokens":null'));
    expect(engine.state.preferences).to.deep.equal(noPreferences);
    await until('the button', () => settings.button(settingsWords.reset)?.ariaDisabled === 'true');
    expect(settings.announcement).to.equal(settingsWords.resetAloud);
  });

  it('keeps a chosen model that no catalogue lists', async () => {
    const own = 'https://other.example/model.gguf';
    const { settings } = await settingsWith({ state: { preferences: { ...noPreferences, model: own } } });
    expect(settings.values.model).to.equal(own);
  });

  it('fits 280 and 900 pixels, in both directions', async () => {
    const { element } = await settingsWith({ state: { ...ready, preferences: { ...noPreferences, device: 'wasm' } } });
    for (const width of [280, 900]) {
      element.style.inlineSize = `${String(width)}px`;
      for (const dir of ['ltr', 'rtl']) {
        document.documentElement.dir = dir;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const base = element.shadowRoot?.querySelector('[part=base]');
        expect(base && base.scrollWidth - base.clientWidth, `${String(width)} ${dir}`).to.equal(0);
      }
    }
  });
});
