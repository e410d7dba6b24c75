// The words of dictating and reading aloud.

import { section } from '../../internal/texts.js';

export const voiceWords = section('voice', {
  title: 'Dictate',
  online:
    'Your browser may send what you say to a server of its maker to turn it into text. This site and its model get only the text.',
  onDevice: 'Your browser turns what you say into text on this device.',
  start: 'Start dictating',
  cancel: 'Cancel',
  listening: 'Listening. Press the button again to stop.',
  stopped: 'Dictating has ended.',
  failed: {
    denied: 'The microphone may not be used on this site.',
    none: 'No microphone was found.',
    network: 'Your browser could not reach the server that turns speech into text.',
    language: 'Your browser cannot turn this language into text.',
    other: 'Dictating did not work.',
    hint: "Look at this site's permissions in the browser, or write instead.",
  },
});
