// `<llm-settings>` in each of its states, driven by a scripted engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import '../define/settings.js';
import { noPreferences } from '../../engine/protocol/preferences.js';
import { given, scripted } from '../../stories/scripted.js';
import { demoLoaded, type Script } from '../../test/support/scripted-engine.js';
import { until } from '../../test/support/until.js';
import { SettingsHarness } from './settings.harness.js';

interface Arguments {
  label: string;
  script: Script;
}

const status = { kind: 'ready', model: demoLoaded } as const;

const meta: Meta<Arguments> = {
  title: 'Elements/llm-settings',
  component: 'llm-settings',
  args: { label: '', script: {} },
  argTypes: { script: { table: { disable: true } } },
  render: ({ script, ...settings }) => scripted(script, html`<llm-settings ${given(settings)}></llm-settings>`),
};

export default meta;
type Story = StoryObj<Arguments>;

/** The element once it knows what holds. */
async function asked(canvas: HTMLElement): Promise<SettingsHarness> {
  const settings = canvas.querySelector('llm-settings');
  if (settings === null) throw new Error('no settings');
  await until('the state', () => settings.shadowRoot?.querySelector('fieldset:enabled'));
  return new SettingsHarness(settings);
}

export const NothingChosen: Story = {};
export const Chosen: Story = {
  args: {
    script: {
      state: {
        status,
        preferences: { model: 'larger', device: 'webgpu', temperature: 0.4, maxTokens: 512, keepConversations: false },
      },
    },
  },
};
export const HoldsFromTheNextLoad: Story = {
  args: { script: { loadTime: 3_000, state: { status, preferences: { ...noPreferences, device: 'wasm' } } } },
};
export const CannotBeKept: Story = {
  args: {
    script: {
      preferencesError: {
        code: 'storage',
        message: 'The browser did not let this site remember your settings.',
        hint: 'They hold until this site is closed.',
      },
    },
  },
  play: async ({ canvasElement }) => {
    await (await asked(canvasElement)).choose('device', 'wasm');
  },
};
export const Narrow: Story = {
  render: ({ script }) =>
    html`<div style="inline-size: 280px">${scripted(script, html`<llm-settings></llm-settings>`)}</div>`,
};
export const RightToLeft: Story = {
  render: ({ script }) => html`<div dir="rtl" lang="ar">${scripted(script, html`<llm-settings></llm-settings>`)}</div>`,
};
export const NoLimit: Story = {
  play: async ({ canvasElement }) => {
    await (await asked(canvasElement)).limitTo('0');
  },
};
