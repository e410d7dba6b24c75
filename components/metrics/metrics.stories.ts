// `<llm-metrics>` before and after answers, driven by a scripted engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import { noMetrics } from '../../engine/protocol/state.js';
import { given, scripted } from '../../stories/scripted.js';
import { demoLoaded, ScriptedEngine, type Script } from '../../test/support/scripted-engine.js';

interface Arguments {
  label: string;
  script: Script;
}

const status = { kind: 'ready', model: demoLoaded } as const;

const meta: Meta<Arguments> = {
  title: 'Elements/llm-metrics',
  component: 'llm-metrics',
  args: { label: '', script: {} },
  argTypes: { script: { table: { disable: true } } },
  render: ({ script, ...settings }) => scripted(script, html`<llm-metrics ${given(settings)}></llm-metrics>`),
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

/** With the times of the kernels, as an adapter with timestamp queries gives them. */
export const Kernels: Story = {
  args: {
    script: {
      state: {
        status,
        metrics: { ...noMetrics, timeToFirstToken: 184, tokensPerSecond: 42.3, requests: 3, energyJoules: 12 },
      },
      profile: {
        kind: 'kernels',
        running: false,
        kernels: [
          { label: 'down+residual', dispatches: 2_400, milliseconds: 612 },
          { label: 'gate+up+act', dispatches: 2_400, milliseconds: 498 },
          { label: 'attention', dispatches: 2_400, milliseconds: 87 },
        ],
      },
    },
  },
  play: async ({ canvasElement }) => {
    const metrics = canvasElement.querySelector('llm-metrics');
    await metrics?.updateComplete;
    const engine = canvasElement.querySelector('llm-engine')?.engine;
    if (engine instanceof ScriptedEngine) {
      const { metrics: figures } = engine.state;
      engine.update({ metrics: { ...figures, tokensPerSecond: 40.1, timeToFirstToken: 201, requests: 4 } });
    }
    metrics?.shadowRoot?.querySelector<HTMLElement>('[part=kernels] summary')?.click();
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
