// Every sentence of `<llm-status>`, in English; a section of the catalogue (internal/texts.ts).

import { formatNumber, formatPercent } from '../internal/format.js';
import { section } from '../internal/texts.js';

export const chipWords = section('chip', {
  connecting: 'starting',
  idle: 'not loaded',
  loading: (share: number | null) => (share === null ? 'loading' : `loading ${formatPercent(share)}`),
  preparing: 'preparing',
  paused: 'download paused',
  ready: 'ready',
  answering: 'answering',
  waiting: (place: number) => `waiting, number ${formatNumber(place)} in line`,
  otherTab: 'busy in another tab',
  cloud: 'answering from the cloud',
  offline: 'offline',
  failed: 'not working',
  recovering: {
    'device-lost': 'device lost',
    'out-of-memory': 'memory ran out',
    'engine-lost': 'engine lost',
    'storage-lost': 'storage lost',
    offline: 'no network',
  },
  action: { reloading: 'reloading', 'stepping-down': 'taking another device', 'gave-up': 'not mended' },
  /** What broke, and what is done about it. */
  mending: (cause: string, action: string) => `${cause}: ${action}`,
  spoken: (text: string) => `Assistant: ${text}.`,
  details: 'Details',
  model: 'Model',
  runsOn: 'Runs on',
  devices: { webgpu: 'graphics card', wasm: 'processor', cloud: 'cloud' },
  none: 'none',
  progress: 'Download',
  progressOf: (here: string, size: string) => `${here} of ${size}`,
  queue: 'Requests',
  queueOf: (running: number, waiting: number) => `${formatNumber(running)} running, ${formatNumber(waiting)} waiting`,
  tabs: 'Tabs sharing it',
  privacy: 'Privacy',
  stays: 'Everything stays on this device.',
  leaves: (host: string) => `Messages are being sent to ${host} now.`,
  mayLeave: (host: string) => `The cloud (${host}) is allowed and not in use.`,
  attempt: 'Attempt',
  attemptOf: (attempt: number, allowed: number) => `${formatNumber(attempt)} of ${formatNumber(allowed)}`,
  offlineDetail: 'There is no network. What is on this device goes on working.',
});
