// `<llm-privacy>` in each of its states, driven by a scripted engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import '../define/privacy.js';
import type { KeptReport } from '../../engine/protocol/kept-data.js';
import { given, scripted } from '../../stories/scripted.js';
import type { Script } from '../../test/support/scripted-engine.js';

interface Arguments {
  label: string;
  script: Script;
}

const cloud = { endpoint: 'cloud.example', allowed: false, active: false };
const kept: KeptReport = {
  parts: [
    { kind: 'models', items: 2, bytes: 390_000_000 },
    { kind: 'conversations', items: 7, bytes: null },
    { kind: 'consent', items: 1, bytes: 60 },
    { kind: 'preferences', items: 1, bytes: 90 },
    { kind: 'tuning', items: 1, bytes: null },
    { kind: 'pages', items: 31, bytes: 2_100_000 },
  ],
  unreadable: [],
  usage: 400_000_000,
  quota: 4_000_000_000,
};

const meta: Meta<Arguments> = {
  title: 'Elements/llm-privacy',
  component: 'llm-privacy',
  args: { label: '', script: { kept } },
  argTypes: { script: { table: { disable: true } } },
  render: ({ script, ...settings }) => scripted(script, html`<llm-privacy ${given(settings)}></llm-privacy>`),
};

export default meta;
type Story = StoryObj<Arguments>;

export const EverythingStaysHere: Story = {};
export const CloudOff: Story = { args: { script: { kept, state: { cloud } } } };
export const CloudAllowed: Story = { args: { script: { kept, state: { cloud: { ...cloud, allowed: true } } } } };
export const LeavingNow: Story = {
  args: { script: { kept, state: { cloud: { ...cloud, allowed: true, active: true } } } },
};
export const ErasedInPart: Story = {
  args: {
    script: {
      kept,
      erasure: {
        erased: ['models', 'consent', 'preferences', 'tuning', 'pages'],
        left: [
          {
            kind: 'conversations',
            error: { code: 'storage', message: 'The database is open elsewhere.', hint: 'Close the other tabs.' },
          },
        ],
      },
    },
  },
  play: async ({ canvasElement }) => {
    const privacy = canvasElement.querySelector('llm-privacy');
    await privacy?.updateComplete;
    privacy?.shadowRoot?.querySelector<HTMLElement>('[part=erase-button]')?.click();
    privacy?.shadowRoot?.querySelector<HTMLElement>('[part=confirm-button]')?.click();
  },
};
export const CannotBeRead: Story = {
  args: { script: { kept: { parts: [], unreadable: ['models', 'conversations'], usage: null, quota: null } } },
};
export const RightToLeft: Story = {
  args: { script: { kept, state: { cloud } } },
  render: ({ script }) => html`<div dir="rtl" lang="ar">${scripted(script, html`<llm-privacy></llm-privacy>`)}</div>`,
};

export const Failed: Story = {
  args: {
    script: {
      kept,
      state: {
        cloud,
        status: {
          kind: 'failed',
          error: { code: 'network', message: 'The model could not be downloaded.', hint: 'Check the connection.' },
        },
      },
    },
  },
};
