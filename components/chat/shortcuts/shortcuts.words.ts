// The words of the list of keyboard shortcuts.

import { section } from '../../internal/texts.js';

export const shortcutsWords = section('shortcuts', {
  title: 'Keyboard shortcuts',
  send: 'Send the message',
  line: 'Start a new line',
  stop: 'Stop the answer',
  edit: 'In an empty field: change your last message',
  leave: 'Leave a field without changing it, close a list',
  list: 'Outside a field: show this list',
  log: 'In the conversation: scroll',
  keys: { enter: 'Enter', shift: 'Shift', escape: 'Esc', up: '↑', down: '↓', question: '?' },
});
