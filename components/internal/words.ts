// What an empty chat, a first answer and the engine's state say, in English: plain words, no jargon a visitor lacks.
// Sections of the catalogue (texts.ts): read a text where it is shown, not earlier. Other elements and the later parts of
// the chat have a file of words of their own (model-picker/model-picker.words.ts, chat/turns/turns.words.ts), so that a page
// with a chat downloads only these at first; each is named in words/catalogue.ts, by which TypeScript holds every
// translation complete.

import { engineErrorCodes, type EngineErrorCode } from '../../engine/protocol/errors.js';
import { formatBytes } from './format.js';
import { section } from './texts.js';

export const words = {
  chat: section('chat', {
    conversation: 'Conversation',
    welcome: 'Ask me anything.',
    welcomeDetail: 'I run on your own device. What you write stays here.',
    suggestions: 'Suggestions',
    message: 'Message',
    placeholder: 'Write a message',
    send: 'Send',
    stop: 'Stop answering',
    newChat: 'New chat',
    retry: 'Try again',
    close: 'Close',
    more: 'More',
    attach: 'Add text files',
    drop: 'Drop text files here',
    dictate: 'Dictate',
    dictateStop: 'Stop dictating',
    history: 'Conversations',
    you: 'You',
    assistant: 'Assistant',
    cloud: 'Cloud',
    cloudFrom: (host: string) => `From here on written in the cloud, by ${host}`,
    started: 'New chat started.',
    cloudNote: 'Cloud answers are marked.',
  }),
  status: section('status', {
    connecting: 'Starting the engine',
    downloading: (name: string, loaded: number, total: number) =>
      total > 0
        ? `Downloading ${name}: ${formatBytes(loaded)} of ${formatBytes(total)}`
        : `Downloading ${name}: ${formatBytes(loaded)}`,
    paused: (name: string, loaded: number, total: number) =>
      `${name} is paused: ${formatBytes(loaded)} of ${formatBytes(total)}`,
    downloadingAloud: (name: string) => `Downloading ${name}`,
    preparing: (name: string) => `Preparing ${name}`,
    idle: 'The model loads with your first message.',
    loading: 'Loading',
    recovering: 'Recovering',
    waiting: 'Waiting',
    place: (place: number) =>
      place <= 1
        ? 'Another tab is being answered. Yours is next.'
        : `Other tabs are being answered. Yours is number ${String(place)} in line.`,
    otherTab: 'Busy in another tab',
    ready: (name: string) => `${name} is ready.`,
    cancelled: 'Loading was cancelled.',
  }),
  code: section('code', {
    block: 'Code',
    named: (language: string) => `Code, ${language}`,
    copy: 'Copy',
    copied: 'Copied',
    copyFailed: 'This browser did not allow copying.',
  }),
  markdown: section('markdown', {
    done: 'Done',
    open: 'To do',
    table: 'Table',
    image: 'Image not loaded',
    formula: 'Formula',
  }),
  /** What an error means, in a sentence; empty where the engine's own words are shown, which are English. */
  errors: section(
    'errors',
    Object.fromEntries(engineErrorCodes.map((code) => [code, ''])) as Readonly<Record<EngineErrorCode, string>>,
  ),
} as const;
