// What chat/turns/ shows and says, in English: a part of the catalogue's section `chat` (internal/words.ts).

import { formatNumber, plural } from '../../internal/format.js';
import { section } from '../../internal/texts.js';

export const turnsWords = section('chat', {
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
  readAloud: 'Read aloud',
  readAloudStop: 'Stop reading',
  meter: 'Room in the conversation',
  used: (tokens: number, limit: number) => `${formatNumber(tokens)} of ${formatNumber(limit)} tokens`,
  nearlyFull: 'The conversation is nearly as long as the model can read.',
  full: 'The conversation is longer than the model can read. Delete messages or begin a new chat.',
  version: (place: number, count: number) => `Version ${formatNumber(place)} of ${formatNumber(count)}`,
  earlier: 'Previous version',
  later: 'Next version',
  onDevice: 'On this device',
  stopped: 'Stopped',
  toolCalled: (name: string) => `Asked the page for ${name}`,
  toolCalling: (name: string) => `Asks the page for ${name}`,
  toolArguments: 'Arguments',
  toolResult: 'Result',
  toolFailed: 'The tool failed.',
  copyAnswer: 'Copy this answer',
  cutOff: 'The answer ends here because its length is used up.',
  thinking: 'Thinking',
  answered: 'The answer is complete.',
  answerStopped: 'The answer was stopped.',
  emptyAnswer: 'The model answered with nothing.',
  jumpToLatest: 'Jump to the latest message',
});
