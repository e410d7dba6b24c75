// The elements together, as a page has them: one engine, three views of it.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import { ScriptedEngine } from '../test/support/scripted-engine.js';

const meta: Meta = { title: 'Pages/One engine', parameters: { layout: 'fullscreen' } };

export default meta;

export const ChatPickerMetrics: StoryObj = {
  render: () =>
    html`<llm-engine
      .engine=${new ScriptedEngine({ loadTime: 3_000, pace: 30, answers: [[{ say: 'Hello. All three of us watch one engine.' }]] })}
    >
      <div
        style="display: grid; gap: 1rem; padding: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr))"
      >
        <llm-chat suggestions="Hello | How do you do?"></llm-chat>
        <div style="display: grid; gap: 1rem; align-content: start">
          <llm-model-picker></llm-model-picker>
          <llm-metrics></llm-metrics>
        </div>
      </div>
    </llm-engine>`,
};
