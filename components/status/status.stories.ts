// `<llm-status>` in each of its states, driven by a scripted engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import '../define/status.js';
import { given, scripted } from '../../stories/scripted.js';
import { demoLoaded, type Script } from '../../test/support/scripted-engine.js';

interface Arguments {
  label: string;
  script: Script;
}

const status = { kind: 'ready', model: demoLoaded } as const;
const loading = {
  kind: 'loading',
  modelId: 'default',
  modelName: 'Demo model',
  phase: 'downloading',
  loadedBytes: 1_677_000,
  totalBytes: 3_900_000,
} as const;
const elsewhere = [{ tabId: 'another', requestId: '1' }];

const meta: Meta<Arguments> = {
  title: 'Elements/llm-status',
  component: 'llm-status',
  args: { label: '', script: {} },
  argTypes: { script: { table: { disable: true } } },
  render: ({ script, ...settings }) => scripted(script, html`<llm-status ${given(settings)}></llm-status>`),
};

export default meta;
type Story = StoryObj<Arguments>;

export const NotLoaded: Story = {};
export const Loading: Story = { args: { script: { state: { status: loading } } } };
export const Paused: Story = { args: { script: { state: { status: { ...loading, phase: 'paused' } } } } };
export const Ready: Story = { args: { script: { state: { status } } } };
export const Answering: Story = {
  args: { script: { state: { status, generating: [{ tabId: 'this-tab', requestId: '1' }] } } },
};
export const BusyInAnotherTab: Story = { args: { script: { state: { status, generating: elsewhere } } } };
export const WaitingInLine: Story = {
  args: { script: { state: { status, generating: elsewhere, waiting: ['this-tab'] } } },
};
export const AnsweringFromTheCloud: Story = {
  args: {
    script: {
      state: { status, generating: elsewhere, cloud: { endpoint: 'cloud.example', allowed: true, active: true } },
    },
  },
};
export const DeviceLost: Story = {
  args: {
    script: {
      state: {
        status,
        recovering: {
          cause: 'device-lost',
          message: 'The graphics card was lost; the model is loaded again.',
          attempt: 1,
          attemptsAllowed: 2,
          action: 'reloading',
        },
      },
    },
  },
};
export const Failed: Story = {
  args: {
    script: {
      state: {
        status: {
          kind: 'failed',
          error: { code: 'network', message: 'The model could not be downloaded.', hint: 'Check the connection.' },
        },
      },
    },
  },
};
