// The words of the list of kept conversations.

import { formatNumber, plural } from '../../internal/format.js';
import { formatDate } from '../../internal/more-formats.js';
import { section } from '../../internal/texts.js';

export const historyWords = section('history', {
  title: 'Conversations',
  search: 'Search conversations',
  found: (count: number) => plural(count, { one: '1 conversation', other: `${formatNumber(count)} conversations` }),
  more: (shown: number, total: number) => `The newest ${formatNumber(shown)} of ${formatNumber(total)} are shown.`,
  none: 'No conversation is kept on this device yet.',
  noMatch: (query: string) => `No conversation has “${query}”.`,
  loading: 'Looking for conversations',
  untitled: 'Without a title',
  messages: (count: number) => plural(count, { one: '1 message', other: `${formatNumber(count)} messages` }),
  changed: (time: number) => formatDate(time, { dateStyle: 'medium', timeStyle: 'short' }),
  open: (title: string) => `Open ${title}`,
  current: 'This one is open',
  rename: (title: string) => `Rename ${title}`,
  name: 'New name',
  save: 'Save',
  cancel: 'Cancel',
  delete: (title: string) => `Delete ${title}`,
  question: (title: string) => `Delete “${title}” from this device? This cannot be undone.`,
  deleteNow: 'Delete',
  deleted: 'The conversation was deleted.',
  renamed: 'The conversation was renamed.',
  keyLost: 'Cannot be opened: the browser no longer has its key.',
  damaged: 'Cannot be opened: what is kept of it is damaged.',
  where: 'Conversations are kept on this device only, locked with a key that does not leave this browser.',
  memory: 'This browser keeps conversations only until the last tab of this site is closed.',
  never: 'This browser keeps no conversations for this page.',
  off: 'New conversations are not kept: you switched that off.',
});
