// `<llm-engine>` as pages have it: it shows nothing, and the elements inside are views of its one engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import type { Script } from '../test/support/scripted-engine.js';
import { scripted } from './scripted.js';

interface Arguments {
  script: Script;
}

const script: Script = {
  loadTime: 3_000,
  pace: 30,
  answers: [[{ say: 'Hello. All three of us watch one engine.' }]],
};

/** A scripted engine takes the place of what they set. */
const attributes = 'model device host cloudUrl cloudModel workerUrl catalogueUrl trustedKeys maxDownload'.split(' ');

const meta: Meta<Arguments> = {
  title: 'Elements/llm-engine',
  component: 'llm-engine',
  args: { script },
  argTypes: {
    ...Object.fromEntries(attributes.map((name) => [name, { control: false }])),
    script: { table: { disable: true } },
  },
  parameters: { layout: 'fullscreen', controls: { disable: true } },
};

export default meta;

export const ChatPickerMetrics: StoryObj<Arguments> = {
  render: ({ script: wanted }) =>
    scripted(
      wanted,
      html`<div
        style="display: grid; gap: 1rem; padding: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr))"
      >
        <llm-chat suggestions="Hello | How do you do?"></llm-chat>
        <div style="display: grid; gap: 1rem; align-content: start">
          <llm-model-picker></llm-model-picker>
          <llm-metrics></llm-metrics>
        </div>
      </div>`,
    ),
};
