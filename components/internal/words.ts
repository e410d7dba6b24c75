// Every sentence of the chat, its markdown and the engine's state, in English: plain words, no jargon a visitor lacks.
// Sections of the catalogue (texts.ts): read a text where it is shown, not earlier. Other elements have a file of words of
// their own (model-picker/model-picker.words.ts), so that a page with a chat downloads only these; each is named in
// words/catalogue.ts, by which TypeScript holds every translation complete.

import { engineErrorCodes, type EngineErrorCode } from '../../engine/protocol/errors.js';
import { formatBytes, formatNumber, plural } from './format.js';
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
    again: 'Answer again',
    proceed: 'Continue',
    interrupted: 'Interrupted',
    copyMessage: 'Copy this message',
    edit: 'Edit this message',
    editing: 'Your message in other words',
    cancel: 'Cancel',
    delete: 'Delete this message and what follows it',
    deleted: (count: number) =>
      plural(count, { one: 'A message was deleted.', other: `${formatNumber(count)} messages were deleted.` }),
    undo: 'Undo',
    putBack: 'The messages are back.',
    close: 'Close',
    more: 'More',
    attach: 'Add text files',
    drop: 'Drop text files here',
    dictate: 'Dictate',
    dictateStop: 'Stop dictating',
    readAloud: 'Read aloud',
    readAloudStop: 'Stop reading',
    history: 'Conversations',
    exportMarkdown: 'Save as Markdown',
    exportJson: 'Save as JSON',
    import: 'Open a saved conversation',
    shortcuts: 'Keyboard shortcuts',
    meter: 'Room in the conversation',
    used: (tokens: number, limit: number) => `${formatNumber(tokens)} of ${formatNumber(limit)} tokens`,
    nearlyFull: 'The conversation is nearly as long as the model can read.',
    full: 'The conversation is longer than the model can read. Delete messages or begin a new chat.',
    version: (place: number, count: number) => `Version ${formatNumber(place)} of ${formatNumber(count)}`,
    earlier: 'Previous version',
    later: 'Next version',
    jumpToLatest: 'Jump to the latest message',
    you: 'You',
    assistant: 'Assistant',
    onDevice: 'On this device',
    cloud: 'Cloud',
    cloudFrom: (host: string) => `From here on written in the cloud, by ${host}`,
    sentToCloud: (host: string) => `This conversation was sent to ${host}.`,
    stopped: 'Stopped',
    cutOff: 'The answer ends here because its length is used up.',
    thinking: 'Thinking',
    answering: 'The assistant is answering.',
    answered: 'The answer is complete.',
    answerStopped: 'The answer was stopped.',
    started: 'New chat started.',
    tokens: (count: number) =>
      plural(count, { one: `${formatNumber(count)} token`, other: `${formatNumber(count)} tokens` }),
    toolCalled: (name: string) => `Asked the page for ${name}`,
    toolCalling: (name: string) => `Asks the page for ${name}`,
    toolArguments: 'Arguments',
    toolResult: 'Result',
    emptyAnswer: 'The model answered with nothing.',
    copyAnswer: 'Copy this answer',
    answerCopied: 'Copied.',
    toolFailed: 'The tool failed.',
    cloudSwitch: (host: string) => `Allow the cloud (${host})`,
    cloudSwitchDetail: 'Conversations then leave this device.',
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
