// What is behind the button with the dots, in English: a part of the catalogue's section `chat` (internal/words.ts).

import { section } from '../../internal/texts.js';

export const menuWords = section('chat', {
  exportMarkdown: 'Save as Markdown',
  exportJson: 'Save as JSON',
  import: 'Open a saved conversation',
  shortcuts: 'Keyboard shortcuts',
});
