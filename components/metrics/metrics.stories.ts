// `<llm-metrics>` before and after answers, driven by a scripted engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import { noMetrics } from '../../engine/protocol/state.js';
import { ScriptedEngine, demoLoaded, type Script } from '../../test/support/scripted-engine.js';

interface Arguments {
  script: Script;
}

const status = { kind: 'ready', model: demoLoaded } as const;

const meta: Meta<Arguments> = {
  title: 'Elements/llm-metrics',
  component: 'llm-metrics',
  args: { script: {} },
  argTypes: { script: { control: false } },
  render: ({ script }) =>
    html`<llm-engine .engine=${new ScriptedEngine(script)}><llm-metrics></llm-metrics></llm-engine>`,
};

export default meta;
type Story = StoryObj<Arguments>;

export const BeforeTheFirstAnswer: Story = {};
export const AfterAnswers: Story = {
  args: {
    script: {
      state: {
        status,
        tabs: 3,
        generating: [{ tabId: 'another', requestId: '7' }],
        waiting: ['one', 'two'],
        metrics: {
          ...noMetrics,
          timeToFirstToken: 184,
          tokensPerSecond: 42.3,
          promptTokens: 310,
          completionTokens: 187,
          totalCompletionTokens: 4_210,
          requests: 21,
          kvBytes: 6_291_456,
          contextTokens: 497,
        },
        notes: ['The GPU was lost; the answer went on in WebAssembly.'],
      },
    },
  },
};
