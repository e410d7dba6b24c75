// Puts text on the clipboard and says whether that went well. Browsers refuse it in frames without the permission.

import type { SpeakerController } from '../../internal/speaker.js';
import { words } from '../../internal/words.js';

/** @returns whether the text is on the clipboard */
export async function copyText(text: string, speaker: SpeakerController): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    speaker.say(() => words.code.copied);
    return true;
  } catch {
    speaker.say(() => words.code.copyFailed);
    return false;
  }
}
