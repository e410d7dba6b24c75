// The picker, the metrics, the settings, privacy and the status with real key presses. keyboard.e2e.ts has what Tab meets;
// keys.ts says what is refused on the way.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Walking, type Scripted } from './walking.js';

describe('the panels by keyboard alone', () => {
  const walking = new Walking();

  test('picker: searches, chooses with the arrows, loads, pauses, goes on and cancels', async () => {
    const keys = await walking.begin('model-picker', 'DownloadToPlayWith');
    await keys.to('radio Demo model');
    await keys.press('Space', 'ArrowDown');
    await keys.at('radio A larger model');
    await keys.press('ArrowUp', 'Tab');
    await keys.at('button Load (3.9 MB)');
    await keys.press('Enter');
    await keys.at('button Cancel');
    await keys.press('Tab');
    await keys.at('button Pause');
    await keys.press('Space');
    await keys.at('button Resume');
    await keys.press('Enter');
    await keys.at('button Pause');
    await keys.press('Shift+Tab', 'Enter');
    await keys.at('button Load (3.9 MB)');
    const found = await walking.begin('model-picker', 'Search');
    await found.to('searchbox Search models');
    await found.type('stories apache');
    assert.deepEqual(await found.walk(), ['searchbox Search models', 'radio Model 1', 'summary A model of your own']);
  });

  test('picker: asks before it deletes; no is the first answer, Escape is one', async () => {
    const keys = await walking.begin('model-picker', 'Kept');
    await keys.to('button Delete my-model from this device');
    await keys.press('Enter');
    await keys.at('button Keep it');
    assert.deepEqual(await keys.round(), ['button Keep it', 'button Delete']);
    await keys.press('Escape');
    await keys.at('button Delete my-model from this device');
    await keys.press('Enter');
    await keys.at('button Keep it');
    await keys.press('Tab', 'Enter');
    await keys.at('radio Demo model');
    const { deleted } = await keys.page.evaluate(() => ({
      deleted: document.querySelector<Scripted>('llm-engine')?.engine.deleted,
    }));
    assert.equal(deleted?.length, 1);
  });

  test('picker: takes a file and an address, and says what is none', async () => {
    const keys = await walking.begin('model-picker', 'NothingLoaded');
    await keys.to('summary A model of your own');
    await keys.press('Enter');
    await keys.to('button Choose a file');
    const chooser = keys.page.waitForEvent('filechooser');
    await keys.press('Space');
    const buffer = Buffer.from('GGUF');
    await (await chooser).setFiles({ name: 'mine.gguf', mimeType: 'application/octet-stream', buffer });
    await keys.until('the load', () => document.querySelector<Scripted>('llm-engine')?.engine.loads.length === 1);
    await keys.at('button Choose a file');
    await keys.to('textbox Address of a model');
    await keys.type('not an address');
    await keys.press('Enter');
    await keys.at('textbox Address of a model');
    const said = () =>
      document.querySelector('llm-model-picker')?.shadowRoot?.querySelector('[role=status]')?.textContent;
    await keys.until('the refusal', said);
    assert.match((await keys.page.evaluate(said)) ?? '', /no address of a model/);
    await keys.press('Control+A');
    await keys.type('https://models.example/mine.gguf');
    await keys.press('Tab');
    await keys.at('button Load');
    await keys.press('Space');
    await keys.until('the load', () => document.querySelector<Scripted>('llm-engine')?.engine.loads.length === 2);
    await keys.at('button Load');
  });

  test('metrics: opens the history and the kernels, chooses what is drawn, copies', async () => {
    const keys = await walking.begin('metrics', 'Kernels');
    await keys.to('summary History');
    await keys.press('Enter', 'Tab');
    await keys.at('combobox What is drawn');
    await keys.press('ArrowDown');
    await keys.until('the other line', () => {
      const { shadowRoot } = document.querySelector('llm-metrics') ?? {};
      return shadowRoot?.querySelector('[part=chart]')?.ariaLabel?.startsWith('First token after');
    });
    await keys.to('summary Kernels');
    await keys.press('Space');
    await keys.at('summary Kernels');
    await keys.press('Space');
    await keys.until('the times', () => document.querySelector('llm-metrics')?.shadowRoot?.querySelector('table'));
    assert.deepEqual((await keys.walk()).slice(-4), [
      'summary Kernels',
      'button Measure',
      'region Time on the graphics card by kernel',
      'button Copy as JSON',
    ]);
    await keys.page.focus('[data-fence=behind]');
    await keys.to('button Copy as JSON', 'Shift+Tab');
    await keys.press('Enter');
    await keys.until('the copy', async () => (await navigator.clipboard.readText()).startsWith('{'));
    await keys.at('button Copy as JSON');
  });

  test('settings: chooses with the arrows and goes back, with the focus never lost', async () => {
    const keys = await walking.begin('settings', 'Chosen');
    const preferences = () => document.querySelector<Scripted>('llm-engine')?.engine.state.preferences;
    await keys.to('combobox Model');
    await keys.press('ArrowUp');
    await keys.until('the other model', () => {
      return document.querySelector<Scripted>('llm-engine')?.engine.state.preferences.model === 'default';
    });
    await keys.to('slider Temperature');
    await keys.press('ArrowRight');
    await keys.until('the temperature', () => {
      return document.querySelector<Scripted>('llm-engine')?.engine.state.preferences.temperature === 0.5;
    });
    await keys.to('button Back to the makers’ advice');
    await keys.press('Enter');
    await keys.at('slider Temperature');
    await keys.to('spinbutton Longest answer');
    await keys.press('Control+A');
    await keys.type('0');
    await keys.press('Enter');
    await keys.at('spinbutton Longest answer');
    await keys.until('the refusal', () => {
      return document.querySelector('llm-settings')?.shadowRoot?.querySelector('[aria-invalid=true]');
    });
    await keys.to('switch Keep conversations');
    await keys.press('Space');
    await keys.to('button Back to this site’s settings');
    await keys.press('Enter');
    await keys.at('button Back to this site’s settings');
    const site = { model: null, device: null, temperature: null, maxTokens: null, keepConversations: true };
    assert.deepEqual(await keys.page.evaluate(preferences), site);
    const reloads = await walking.begin('settings', 'HoldsFromTheNextLoad');
    await reloads.to('button Load it again now');
    await reloads.press('Enter');
    await reloads.at('combobox Runs on');
  });

  test('privacy: asks before the cloud may answer and before all is erased', async () => {
    const keys = await walking.begin('privacy', 'CloudOff');
    const allowed = () => document.querySelector<Scripted>('llm-engine')?.engine.state.cloud.allowed;
    await keys.to('switch Allow answers from cloud.example');
    await keys.press('Space');
    await keys.at('button Keep it on this device');
    assert.deepEqual(await keys.round(), ['button Keep it on this device', 'button Allow']);
    await keys.press('Escape');
    await keys.at('switch Allow answers from cloud.example');
    assert.equal(await keys.page.evaluate(allowed), false);
    await keys.press('Space');
    await keys.at('button Keep it on this device');
    await keys.press('Tab', 'Enter');
    await keys.until('the consent', allowed);
    await keys.at('switch Allow answers from cloud.example');
    await keys.press('Space');
    await keys.until('the refusal', () => !document.querySelector<Scripted>('llm-engine')?.engine.state.cloud.allowed);
    await keys.press('Tab', 'Enter');
    await keys.at('button Keep it');
    assert.deepEqual(await keys.round(), ['button Keep it', 'button Erase']);
    await keys.press('Enter');
    await keys.at('button Erase everything');
    await keys.press('Space');
    await keys.at('button Keep it');
    await keys.press('Tab', 'Enter');
    await keys.until('the end', () =>
      document.querySelector('llm-privacy')?.shadowRoot?.querySelector('[part=outcome]'),
    );
    await keys.at('button Erase everything');
  });

  test('status: opens its details and closes them with Escape', async () => {
    const keys = await walking.begin('status', 'Ready');
    const open = () =>
      document.querySelector('llm-status')?.shadowRoot?.querySelector('[part=details]:popover-open') ?? null;
    await keys.to('button Assistant: ready.');
    await keys.press('Enter');
    await keys.until('the details', open);
    await keys.at('button Assistant: ready.');
    await keys.press('Escape');
    assert.equal(
      await keys.page.evaluate(
        () => document.querySelector('llm-status')?.shadowRoot?.querySelector('[part=details]:popover-open') ?? null,
      ),
      null,
    );
    await keys.press('Space');
    await keys.until('the details', open);
    await keys.to('button behind');
  });
});
