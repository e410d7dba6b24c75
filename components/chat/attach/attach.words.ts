// The words of files put to a message.

import { formatBytes, formatNumber, plural } from '../../internal/format.js';
import { section } from '../../internal/texts.js';

export const attachWords = section('attach', {
  label: 'Files for your message',
  reading: 'Reading',
  remove: (name: string) => `Remove ${name}`,
  removed: (name: string) => `${name} was removed.`,
  added: (name: string) => `${name} was added.`,
  cost: (tokens: number) =>
    plural(tokens, { one: `${formatNumber(tokens)} token`, other: `${formatNumber(tokens)} tokens` }),
  about: (tokens: number) => `about ${formatNumber(tokens)} tokens`,
  tooMuch: (tokens: number, limit: number) =>
    `This is more than the model can read at once: ${formatNumber(tokens)} of ${formatNumber(limit)} tokens.`,
  refused: {
    tooLarge: (name: string, size: number, limit: number) =>
      `${name} is too large: ${formatBytes(size)}. A file may have ${formatBytes(limit)}.`,
    noText: (name: string) => `${name} is no text file. Only text can be read.`,
    empty: (name: string) => `${name} is empty.`,
    unreadable: (name: string) => `${name} could not be read.`,
    tooMany: (limit: number) => `No more than ${formatNumber(limit)} files at a time.`,
  },
  dismiss: 'Close',
});
