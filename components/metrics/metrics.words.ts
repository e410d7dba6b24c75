// Every sentence of `<llm-metrics>`, in English; a section of the catalogue (internal/texts.ts).

import { formatNumber } from '../internal/format.js';
import { section } from '../internal/texts.js';

export const metricsWords = section('metrics', {
  label: 'Engine figures',
  timeToFirstToken: 'First token after',
  speed: 'Speed',
  answer: 'Newest answer',
  total: 'Written so far',
  context: 'Context used',
  contextOf: (used: number, limit: number) => `${formatNumber(used)} of ${formatNumber(limit)}`,
  conversationMemory: 'Conversation memory',
  weights: 'Model memory',
  load: 'Loaded in',
  model: 'Model',
  decoder: 'Decoder',
  device: 'Device',
  queue: 'Queue',
  tabs: 'Tabs sharing it',
  none: 'none yet',
  devices: { webgpu: 'GPU', wasm: 'Processor', cloud: 'Cloud' },
  idle: 'empty',
  running: (count: number) => `${formatNumber(count)} running`,
  waiting: (running: number, waiting: number) => `${formatNumber(running)} running, ${formatNumber(waiting)} waiting`,
  notes: 'What the engine decided',
  spoken: (rate: string, first: string) => `${rate}, first token after ${first}.`,
});
