// `<llm-model-picker>` in each of its states, driven by a scripted engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import { ScriptedEngine, demoLoaded, type Script } from '../../test/support/scripted-engine.js';

interface Arguments {
  label: string;
  script: Script;
}

const meta: Meta<Arguments> = {
  title: 'Elements/llm-model-picker',
  component: 'llm-model-picker',
  args: { label: 'Models', script: { loadTime: 4_000 } },
  argTypes: { script: { control: false } },
  render: ({ label, script }) =>
    html`<llm-engine .engine=${new ScriptedEngine(script)}
      ><llm-model-picker label=${label}></llm-model-picker
    ></llm-engine>`,
};

export default meta;
type Story = StoryObj<Arguments>;

export const NothingLoaded: Story = {};
export const InUse: Story = {
  args: { script: { loadTime: 4_000, state: { status: { kind: 'ready', model: demoLoaded } } } },
};
export const LoadingInAnotherTab: Story = {
  args: {
    script: {
      state: {
        status: {
          kind: 'loading',
          modelId: 'larger',
          modelName: 'A larger model',
          phase: 'downloading',
          loadedBytes: 123e6,
          totalBytes: 386e6,
        },
      },
    },
  },
};
export const LoadFails: Story = {
  args: {
    script: {
      loadTime: 1_000,
      loadError: {
        code: 'network',
        message: 'The download broke off after 12 MB.',
        hint: 'Check the connection and try again.',
      },
    },
  },
};
export const Empty: Story = { args: { script: { models: [] } } };
export const WithCloud: Story = {
  args: { script: { state: { cloud: { endpoint: 'api.example.com', allowed: true, active: false } } } },
};
