// Every sentence of `<llm-settings>`, in English; a section of the catalogue (internal/texts.ts).

import { formatNumber } from '../internal/format.js';
import { section } from '../internal/texts.js';

export const settingsWords = section('settings', {
  label: 'Settings',
  /** The choice to choose nothing. */
  standard: 'As this site sets it',
  standardOf: (what: string) => `As this site sets it (${what})`,
  device: {
    label: 'Runs on',
    detail: 'Where the model computes its answers.',
    auto: 'whichever is faster',
    webgpu: 'graphics card (WebGPU)',
    wasm: 'processor (WebAssembly)',
    running: (device: string) => `The model still runs on the ${device}. Your choice holds from the next load.`,
    devices: { webgpu: 'graphics card', wasm: 'processor', cloud: 'cloud' },
    reload: 'Load it again now',
    reloading: 'Loading',
  },
  model: {
    label: 'Model',
    detail: 'What answers where nothing else is chosen.',
  },
  temperature: {
    label: 'Temperature',
    detail: 'How freely words are chosen: 0 always takes the likeliest one.',
    standard: 'as the model’s makers advise',
    low: 'exact',
    high: 'free',
    reset: 'Back to the makers’ advice',
  },
  maxTokens: {
    label: 'Longest answer',
    detail: 'In tokens, of which a word takes one or two. Empty: as long as the model can.',
    placeholder: 'no limit',
    wrong: (most: number) => `A whole number from 1 to ${formatNumber(most)} is wanted.`,
  },
  keep: {
    label: 'Keep conversations',
    detail: 'On this device, locked, to be found again at the next visit.',
    off: 'New messages are not kept. What was kept before stays until you delete it.',
  },
  reset: 'Back to this site’s settings',
  resetAloud: 'This site’s settings hold again.',
  savedAloud: 'Saved, for all tabs of this site.',
  scope: 'Your choices stay on this device and hold in all tabs of this site.',
});
