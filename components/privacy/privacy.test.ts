import { expect } from '@esm-bundle/chai';
import { html } from 'lit';
import '../define/privacy.js';
import type { KeptReport } from '../../engine/protocol/kept-data.js';
import { expectAccessible, mount, unmount, until, useScheme } from '../../test/support/page.js';
import { ScriptedEngine, demoLoaded, type Script } from '../../test/support/scripted-engine.js';
import { PrivacyHarness } from './privacy.harness.js';
import { privacyWords } from './privacy.words.js';

const host = 'cloud.example';
const cloud = { endpoint: host, allowed: false, active: false };
const full: KeptReport = {
  parts: [
    { kind: 'models', items: 2, bytes: 390_000_000 },
    { kind: 'conversations', items: 7, bytes: null },
    { kind: 'consent', items: 1, bytes: 60 },
    { kind: 'preferences', items: 0, bytes: 0 },
    { kind: 'tuning', items: 1, bytes: null },
    { kind: 'pages', items: 31, bytes: 2_100_000 },
  ],
  unreadable: [],
  usage: 400_000_000,
  quota: 4_000_000_000,
};
const failure = { code: 'storage', message: 'The database is open elsewhere.', hint: 'Close the other tabs.' } as const;

async function privacyWith(script: Script = {}) {
  const engine = new ScriptedEngine(script);
  const page = mount(html`<llm-engine .engine=${engine}><llm-privacy></llm-privacy></llm-engine>`);
  const element = page.querySelector('llm-privacy');
  if (element === null) throw new Error('no privacy');
  const privacy = new PrivacyHarness(element);
  await element.updateComplete;
  await until('the engine', () => !privacy.indicator.startsWith(privacyWords.unknown));
  return { engine, element, privacy, page };
}

describe('<llm-privacy>', () => {
  afterEach(() => {
    unmount();
    useScheme('light');
    document.documentElement.dir = '';
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`is accessible in every state, ${scheme}`, async () => {
      useScheme(scheme);
      const left = [{ kind: 'conversations', error: failure }] as const;
      const { engine, element, privacy } = await privacyWith({
        state: { cloud },
        kept: full,
        erasure: { erased: ['models'], left },
      });
      await expectAccessible(element);
      for (const [allowed, active] of [
        [true, false],
        [true, true],
      ] as const) {
        engine.update({ cloud: { ...cloud, allowed, active } });
        await element.updateComplete;
        await expectAccessible(element);
      }
      engine.update({ cloud });
      await element.updateComplete;
      await privacy.flip();
      expect(privacy.dialog).to.not.equal(null);
      await expectAccessible(element);
      await privacy.answer(false);
      privacy.eraseButton.click();
      await expectAccessible(element);
      privacy.dialog?.close();
      await privacy.erase(true);
      await until('the outcome', () => privacy.outcome !== '');
      await expectAccessible(element);
    });
  }

  it('says whether anything leaves, and carries it for CSS', async () => {
    const { engine, element, privacy } = await privacyWith();
    expect(privacy.indicator).to.include(privacyWords.stays);
    expect(privacy.switch).to.equal(null);
    expect(element.matches(':state(private)')).to.equal(true);
    engine.update({ cloud: { ...cloud, allowed: true } });
    await until('the word', () => privacy.indicator.includes(privacyWords.allowedDetail(host)));
    expect(element.matches(':state(allowed)')).to.equal(true);
    engine.update({ cloud: { ...cloud, allowed: true, active: true } });
    await until('the word', () => privacy.indicator.includes(privacyWords.leavingDetail(host)));
    expect(element.matches(':state(leaving)')).to.equal(true);
    expect(privacy.announcement).to.equal(privacyWords.spokenLeaving(host));
    engine.update({ cloud: { ...cloud, allowed: true } });
    await until('the word', () => privacy.announcement === privacyWords.spokenStopped);
  });

  it('asks before the cloud is allowed, says what is sent and to whom; the switch shows the engine', async () => {
    const { engine, privacy } = await privacyWith({ state: { cloud } });
    privacy.switch?.focus();
    await privacy.flip();
    expect(engine.state.cloud.allowed).to.equal(false);
    expect(privacy.switch?.checked).to.equal(false);
    const text = privacy.dialog?.innerText ?? '';
    expect(text).to.include(host).and.include(privacyWords.consent.sent).and.include(privacyWords.consent.revoke);
    await privacy.answer(true);
    await until('the consent', () => engine.state.cloud.allowed);
    await until('the switch', () => privacy.switch?.checked);
    await until('the focus', () => privacy.element.shadowRoot?.activeElement === privacy.switch);
    await privacy.flip();
    expect(privacy.dialog, 'taking it back asks nothing').to.equal(null);
    expect(engine.state.cloud.allowed).to.equal(false);
  });

  it('keeps the cloud off when the visitor says no, presses Escape, or the site cancels the event', async () => {
    const { engine, privacy, page } = await privacyWith({ state: { cloud } });
    await privacy.flip();
    await privacy.answer(false);
    expect(engine.state.cloud.allowed).to.equal(false);
    await privacy.flip();
    privacy.dialog?.dispatchEvent(new Event('cancel', { cancelable: true }));
    privacy.dialog?.close();
    await privacy.element.updateComplete;
    expect(engine.state.cloud.allowed).to.equal(false);
    const asked: boolean[] = [];
    page.addEventListener('llm-consent', (event) => {
      asked.push(event.detail.allowed);
      event.preventDefault();
    });
    await privacy.flip();
    await privacy.answer(true);
    await until('the event', () => asked.length > 0);
    expect(asked).to.deep.equal([true]);
    expect(engine.state.cloud.allowed).to.equal(false);
  });

  it('askConsent() answers a page that asks by script', async () => {
    const { element, privacy, engine } = await privacyWith({ state: { cloud } });
    const refused = element.askConsent();
    await until('the question', () => privacy.dialog);
    await privacy.answer(false);
    expect(await refused).to.equal(false);
    const allowed = element.askConsent();
    await until('the question', () => privacy.dialog);
    await privacy.answer(true);
    expect(await allowed).to.equal(true);
    expect(await element.askConsent(), 'nothing is asked twice').to.equal(true);
    engine.update({ cloud: { ...cloud, endpoint: null } });
    expect(await element.askConsent()).to.equal(false);
  });

  it('lists what is kept, with sizes, and looks again when it changes', async () => {
    const { engine, privacy } = await privacyWith({ kept: { ...full, unreadable: [] } });
    const { kinds } = privacyWords.kept;
    await until('the list', () => privacy.kept.size > 0);
    expect(privacy.kept.get(kinds.models)).to.equal('2 models, 390 MB');
    expect(privacy.kept.get(kinds.conversations)).to.equal('7 conversations');
    expect(privacy.kept.get(kinds.preferences)).to.equal(privacyWords.kept.nothing);
    expect(privacy.kept.get(kinds.pages)).to.equal('31 files, 2.1 MB');
    let looked = 0;
    const { kept } = engine;
    engine.kept = () => {
      looked++;
      return kept.call(engine);
    };
    engine.update({ changes: { storage: 1, conversations: 0, erased: 0 } });
    await until('another look', () => looked === 1);
    engine.update({ tabs: 4 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(looked).to.equal(1);
  });

  it('says which part cannot be read', async () => {
    const parts = full.parts.filter(({ kind }) => kind !== 'tuning');
    const { privacy } = await privacyWith({ kept: { ...full, parts, unreadable: ['tuning'] } });
    await until('the list', () => privacy.kept.size > 0);
    expect(privacy.kept.get(privacyWords.kept.kinds.tuning)).to.equal(privacyWords.kept.unreadable);
  });

  it('erases only after a yes, says so, and shows that nothing is left', async () => {
    const { engine, privacy, page } = await privacyWith({ kept: full, state: { cloud } });
    await until('the list', () => privacy.kept.size > 0);
    let erased = 0;
    page.addEventListener('llm-erased', () => erased++);
    privacy.eraseButton.focus();
    await privacy.erase(false);
    expect(engine.erasures).to.equal(0);
    await until('the focus', () => privacy.element.shadowRoot?.activeElement === privacy.eraseButton);
    await privacy.erase(true);
    await until('the outcome', () => privacy.outcome === privacyWords.erase.done);
    expect(engine.erasures).to.equal(1);
    expect(erased).to.equal(1);
    expect(privacy.announcement).to.equal(privacyWords.erase.done);
    await until('the list', () => [...privacy.kept.values()].every((value) => value === privacyWords.kept.nothing));
  });

  it('names what could not be erased, and why', async () => {
    const left = [{ kind: 'conversations', error: failure }] as const;
    const { privacy } = await privacyWith({ kept: full, erasure: { erased: ['models'], left } });
    await privacy.erase(true);
    await until('the outcome', () => privacy.outcome !== '');
    expect(privacy.outcome).to.include(privacyWords.kept.kinds.conversations).and.include(failure.message);
    await until('the list', () => privacy.kept.get(privacyWords.kept.kinds.models) === privacyWords.kept.nothing);
    expect(privacy.kept.get(privacyWords.kept.kinds.conversations)).to.equal('7 conversations');
  });

  it('shows what failed and tells it as llm-error', async () => {
    const { privacy, page, engine } = await privacyWith({ kept: full, storageError: failure });
    await until('the notice', () => privacy.error.includes(failure.message));
    const errors: string[] = [];
    page.addEventListener('llm-error', (event) => errors.push(event.detail.code));
    engine.update({ changes: { storage: 1, conversations: 0, erased: 0 } });
    await until('the event', () => errors.length === 1);
    expect(errors).to.deep.equal(['storage']);
  });

  it('fits 280 pixels, in both directions', async () => {
    const { element, privacy } = await privacyWith({
      kept: full,
      state: { cloud, status: { kind: 'ready', model: demoLoaded } },
    });
    await until('the list', () => privacy.kept.size > 0);
    element.style.inlineSize = '280px';
    for (const dir of ['ltr', 'rtl']) {
      document.documentElement.dir = dir;
      await element.updateComplete;
      const base = element.shadowRoot?.querySelector('[part=base]');
      expect(base && base.scrollWidth - base.clientWidth, dir).to.equal(0);
      expect(element.getBoundingClientRect().width).to.equal(280);
    }
  });
});
