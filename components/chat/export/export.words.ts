// The words of saving and opening conversations.

import { section } from '../../internal/texts.js';

export const exportWords = section('export', {
  file: (name: string) => `File “${name}”:`,
  saved: (name: string) => `The conversation is saved as ${name}.`,
  opened: 'The saved conversation is open.',
  openedWithout: 'The saved conversation is open, without the hidden instructions to the assistant in its file.',
});
