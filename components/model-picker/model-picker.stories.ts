// `<llm-model-picker>` in each of its states, driven by a scripted engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import type { KeptModel, ModelListing } from '../../engine/protocol/state.js';
import { given, scripted } from '../../stories/scripted.js';
import { demoLoaded, type Script } from '../../test/support/scripted-engine.js';
import { until } from '../../test/support/until.js';
import { ModelPickerHarness } from './model-picker.harness.js';

interface Arguments {
  label: string;
  catalogueOnly: boolean;
  script: Script;
}

const meta: Meta<Arguments> = {
  title: 'Elements/llm-model-picker',
  component: 'llm-model-picker',
  args: { label: 'Models', catalogueOnly: false, script: { loadTime: 4_000 } },
  argTypes: { script: { table: { disable: true } } },
  render: ({ script, ...settings }) => scripted(script, html`<llm-model-picker ${given(settings)}></llm-model-picker>`),
};

const downloading = {
  kind: 'loading',
  modelId: 'larger',
  modelName: 'A larger model',
  phase: 'downloading',
  loadedBytes: 123e6,
  totalBytes: 386e6,
  bytesPerSecond: 3.2e6,
  secondsLeft: 82,
} as const;

const larger: KeptModel = {
  source: 'https://site.example/models/larger.gguf',
  name: 'A larger model',
  quantisation: 'Q4_0',
  byteLength: 386e6,
  storedBytes: 386e6,
  lastUsed: 0,
};
const own: KeptModel = {
  ...larger,
  source: 'file:my-model.gguf?size=90000000&time=1',
  name: 'my-model',
  byteLength: 90e6,
  storedBytes: 90e6,
};
const storage = { models: [larger, own], usage: 480e6, quota: 10e9, persisted: false };

const manyModels: readonly ModelListing[] = Array.from({ length: 24 }, (_, index) => ({
  id: `model-${String(index)}`,
  name: `Model ${String(index + 1)}`,
  description: index % 3 === 0 ? 'Writes stories.' : 'Answers questions.',
  url: `https://site.example/models/${String(index)}/`,
  byteLength: 4e6 * (index + 1) ** 2,
  licence: index % 2 === 0 ? 'Apache-2.0' : 'MIT',
  contextLength: 1024 * (index + 1),
  quantisation: 'q4',
  parameters: 6e6 * (index + 1) ** 2,
  languages: index % 4 === 0 ? ['en', 'de', 'es', 'ja', 'zh', 'ar'] : ['en'],
}));

export default meta;
type Story = StoryObj<Arguments>;

export const NothingLoaded: Story = {};
export const Judged: Story = {
  args: {
    script: {
      verdicts: [
        { modelId: 'default', tier: 'well', device: 'webgpu', tokensPerSecond: 240 },
        { modelId: 'larger', tier: 'slow', device: 'wasm', tokensPerSecond: 6.7 },
      ],
    },
  },
};
export const InUse: Story = {
  args: { script: { loadTime: 4_000, state: { status: { kind: 'ready', model: demoLoaded } } } },
};
export const Downloading: Story = { args: { script: { state: { status: downloading }, storage } } };
export const Paused: Story = {
  args: { script: { state: { status: { ...downloading, phase: 'paused' } }, storage } },
};
export const Preparing: Story = {
  args: { script: { state: { status: { ...downloading, phase: 'preparing' } }, storage } },
};
/** Pause, resume and cancel it. */
export const DownloadToPlayWith: Story = {
  args: { script: { loadTime: 30_000, storage: { ...storage, models: [] } } },
};
export const Kept: Story = {
  args: { script: { state: { status: { kind: 'ready', model: demoLoaded } }, storage } },
};
export const KeptInPart: Story = {
  args: { script: { storage: { ...storage, models: [{ ...larger, storedBytes: 120e6 }] } } },
};
export const AsksBeforeDeleting: Story = {
  args: { script: { storage } },
  play: async ({ canvasElement }) => {
    const picker = canvasElement.querySelector('llm-model-picker');
    const button = () => picker?.shadowRoot?.querySelector<HTMLElement>('[part=delete-button]');
    (await until('a button to delete', button)).click();
  },
};
export const Search: Story = { args: { script: { models: manyModels, storage: { ...storage, models: [] } } } };
export const TooLarge: Story = {
  args: { script: { maxDownload: 100e6, models: manyModels.slice(0, 5).concat(manyModels.slice(-1)) } },
};
export const NoRoom: Story = { args: { script: { storage: { ...storage, models: [], usage: 9.9e9 } } } };
export const CatalogueOnly: Story = { args: { catalogueOnly: true } };
export const OwnFileFails: Story = {
  args: {
    script: {
      loadError: {
        code: 'model-invalid',
        message: 'notes.txt is no GGUF file: it does not begin with “GGUF”.',
        hint: 'Choose a file whose name ends with .gguf.',
      },
    },
  },
  play: async ({ canvasElement }) => {
    const picker = canvasElement.querySelector('llm-model-picker');
    await picker?.updateComplete;
    if (picker) await new ModelPickerHarness(picker).drop([new File(['notes'], 'notes.txt')]);
  },
};
export const Narrow: Story = { globals: { width: '320px' }, args: { script: { storage } } };
export const RightToLeft: Story = { globals: { direction: 'rtl' }, args: { script: { storage } } };
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

export const Chosen: Story = {
  args: { script: { loadTime: 4_000, storage } },
  play: async ({ canvasElement }) => {
    const picker = canvasElement.querySelector('llm-model-picker');
    if (picker === null) throw new Error('no picker');
    const harness = new ModelPickerHarness(picker);
    await until('the models', () => harness.models.length > 1);
    await harness.choose('A larger model');
  },
};
