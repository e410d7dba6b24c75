// Every sentence of `<llm-privacy>`, in English; a section of the catalogue (internal/texts.ts).

import { formatNumber, plural } from '../internal/format.js';
import { section } from '../internal/texts.js';

export const privacyWords = section('privacy', {
  label: 'Privacy',
  unknown: 'Asking the engine what it does',
  stays: 'Everything stays on this device',
  staysDetail: 'Answers are written here. Nothing you write is sent anywhere.',
  allowed: 'Mostly on this device',
  allowedDetail: (host: string) => `You allowed ${host} to answer. Nothing is being sent to it now.`,
  leaving: 'Leaving this device now',
  leavingDetail: (host: string) => `This conversation is being sent to ${host}, which writes the answer.`,
  spokenLeaving: (host: string) => `Messages are being sent to ${host} now.`,
  spokenStopped: 'Nothing is being sent any more.',
  switchLabel: (host: string) => `Allow answers from ${host}`,
  switchDetail: 'Off, nothing can leave. It acts at once, also in the middle of an answer.',
  consent: {
    title: (host: string) => `May ${host} answer?`,
    intro: (host: string) =>
      `This site can have answers written by a server, ${host}: when you choose its cloud model, and when this device cannot go on.`,
    sentTitle: 'Then this is sent to it:',
    sent: 'the messages of that conversation and the text files put to it',
    sentSite: 'what this site tells the assistant about itself and the tools of the page',
    kept: 'Not sent: your other conversations, your settings, anything else on this device.',
    operator: (host: string) => `What ${host} does with it is up to its operator.`,
    revoke: 'You can take this back at any time with the same switch.',
    refuse: 'Keep it on this device',
    allow: 'Allow',
    allowedAloud: (host: string) => `${host} may answer now.`,
    refusedAloud: 'Everything stays on this device.',
  },
  kept: {
    label: 'What this site keeps here',
    kinds: {
      models: 'Models',
      conversations: 'Conversations',
      consent: 'Cloud choice',
      preferences: 'Settings',
      tuning: 'Measurements of this device',
      pages: 'Files for use offline',
    },
    nothing: 'nothing',
    unreadable: 'cannot be read',
    models: (count: number) => plural(count, { one: '1 model', other: `${formatNumber(count)} models` }),
    conversations: (count: number) =>
      plural(count, { one: '1 conversation', other: `${formatNumber(count)} conversations` }),
    records: (count: number) => plural(count, { one: '1 record', other: `${formatNumber(count)} records` }),
    files: (count: number) => plural(count, { one: '1 file', other: `${formatNumber(count)} files` }),
    withSize: (what: string, size: string) => `${what}, ${size}`,
    sealed: 'Conversations are kept locked with a key that never leaves this browser.',
    usage: (used: string, free: string) => `This site uses ${used} of storage in all; ${free} are free.`,
    looking: 'Looking at what is kept',
  },
  erase: {
    button: 'Erase everything',
    title: 'Erase everything kept here?',
    text: 'Models, conversations, settings and your choice about the cloud are removed from this device, for all tabs of this site. Answers that run are stopped. This cannot be undone.',
    keep: 'Keep it',
    confirm: 'Erase',
    running: 'Erasing',
    done: 'Everything is erased. This site keeps nothing of yours on this device any more.',
    partly: 'Not all of it could be erased. Still here:',
  },
});
