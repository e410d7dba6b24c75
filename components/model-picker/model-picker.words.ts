// Every sentence of `<llm-model-picker>`, in English; a section of the catalogue (internal/texts.ts).

import { formatNumber, plural } from '../internal/format.js';
import { aboutTime } from '../internal/more-formats.js';
import { section } from '../internal/texts.js';

export const pickerWords = section('picker', {
  label: 'Models',
  load: (size: string) => (size === '' ? 'Load' : `Load (${size})`),
  loadAnyway: 'Download anyway',
  use: 'Use',
  current: 'In use',
  cancel: 'Cancel',
  pause: 'Pause',
  resume: 'Resume',
  delete: 'Delete',
  deleteNamed: (name: string) => `Delete ${name} from this device`,
  facts: {
    size: (size: string) => `${size} download`,
    parameters: (count: string) => `${count} parameters`,
    context: (count: number) => `reads ${formatNumber(count)} tokens`,
    quantisation: (name: string) => `${name} weights`,
    licence: (name: string) => `licence ${name}`,
    more: (count: number) => `and ${formatNumber(count)} more`,
  },
  /** How a model would do on this device, before it is tried. */
  verdicts: {
    well: 'runs well here',
    slow: (wordsPerSecond: number) =>
      wordsPerSecond >= 1
        ? `slow here: about ${plural(Math.round(wordsPerSecond), { one: '1 word', other: `${formatNumber(wordsPerSecond)} words` })} a second`
        : `very slow here: a word takes about ${aboutTime(Math.max(5, 1 / wordsPerSecond))}`,
    'too-large': 'too large for this device’s memory',
    'no-device': 'nothing on this device can run it',
  },
  kept: (size: string) => `On this device: ${size}`,
  keptPartly: (here: string, size: string) => `Partly on this device: ${here} of ${size}`,
  aboveLimit: (limit: string) => `Larger than this site allows (${limit}).`,
  aboveRoom: (room: string) => `Larger than the room that is free here (${room}).`,
  cloud: (host: string) => `Cloud (${host})`,
  cloudDescription: 'Answers come from this server. What you write is sent there.',
  empty: 'The catalogue of this site lists no model.',
  waiting: 'Looking for models',
  search: 'Search models',
  found: (count: number) => plural(count, { one: '1 model', other: `${formatNumber(count)} models` }),
  noMatch: (query: string) => `No model matches “${query}”.`,
  progress: 'Download progress',
  loaded: (here: string, size: string, percent: string) => `${here} of ${size} (${percent})`,
  rate: (size: string) => `${size} a second`,
  timeLeft: (seconds: number) => {
    if (seconds < 5) return 'a few seconds left';
    return `about ${aboutTime(seconds)} left`;
  },
  paused: 'Paused',
  retry: 'Try again',
  own: {
    label: 'A model of your own',
    drop: 'Drop a GGUF file here, or choose one. It is read on this device and sent nowhere.',
    file: 'Choose a file',
    address: 'Address of a model',
    placeholder: 'https://…/model.gguf',
    load: 'Load',
    noAddress: 'This is no address of a model.',
    noAddressHint: 'Paste one that begins with https://, of a GGUF file or of a repository.',
    noFile: 'What was dropped is no file.',
    noFileHint: 'Drop a GGUF file from your disk.',
  },
  storage: {
    models: (count: number, size: string) =>
      plural(count, {
        one: `1 model is kept on this device: ${size}.`,
        other: `${formatNumber(count)} models are kept on this device: ${size}.`,
      }),
    none: 'No model is kept on this device yet.',
    never: 'This browser keeps no models for this page; they are downloaded at each visit.',
    memory: 'This browser keeps models only until the last tab of this site is closed.',
    room: (used: string, free: string) => `This site uses ${used} of storage, ${free} are free.`,
    mayClear: 'The browser may remove them when the disk fills up.',
  },
  confirm: {
    title: (name: string) => `Delete ${name}?`,
    text: (size: string) => `This frees ${size}. To use the model again, it has to be downloaded again.`,
    textOfFile: (size: string) => `This frees ${size}. The file on your disk stays; to use it again, choose it again.`,
    inUse: 'It is in use in the tabs of this site and is unloaded first.',
    delete: 'Delete',
    keep: 'Keep it',
    deleted: (name: string) => `${name} was deleted from this device.`,
  },
});
