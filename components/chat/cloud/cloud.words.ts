// What the switch for the cloud says, in English: a part of the catalogue's section `chat` (internal/words.ts).

import { section } from '../../internal/texts.js';

export const cloudWords = section('chat', {
  cloudSwitch: (host: string) => `Allow the cloud (${host})`,
  cloudSwitchDetail: 'Conversations then leave this device.',
});
