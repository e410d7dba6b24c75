// What one language consists of: every section of the kit, by name. Types only: English travels with the code that shows
// it, a translation is one module (de.ts, ...) with all of them. A section that is not named here cannot be translated; a
// text that a translation lacks is a type error.

import type { attachWords } from '../../chat/attach/attach.words.js';
import type { cloudWords } from '../../chat/cloud/cloud.words.js';
import type { exportWords } from '../../chat/export/export.words.js';
import type { historyWords } from '../../chat/history/history.words.js';
import type { menuWords } from '../../chat/menu/menu.words.js';
import type { shortcutsWords } from '../../chat/shortcuts/shortcuts.words.js';
import type { turnsWords } from '../../chat/turns/turns.words.js';
import type { voiceWords } from '../../chat/voice/voice.words.js';
import type { metricsWords } from '../../metrics/metrics.words.js';
import type { pickerWords } from '../../model-picker/model-picker.words.js';
import type { privacyWords } from '../../privacy/privacy.words.js';
import type { settingsWords } from '../../settings/settings.words.js';
import type { chipWords } from '../../status/status.words.js';
import type { SomeTexts } from '../texts.js';
import type { units } from '../more-formats.js';
import type { tokenWords } from '../token-words.js';
import type { words } from '../words.js';

export interface Catalogue {
  readonly units: typeof units;
  /** In several files, each with what a part of the chat says. */
  readonly chat: typeof words.chat & typeof turnsWords & typeof menuWords & typeof cloudWords & typeof tokenWords;
  readonly status: typeof words.status;
  readonly code: typeof words.code;
  readonly markdown: typeof words.markdown;
  readonly errors: typeof words.errors;
  readonly attach: typeof attachWords;
  readonly export: typeof exportWords;
  readonly history: typeof historyWords;
  readonly shortcuts: typeof shortcutsWords;
  readonly voice: typeof voiceWords;
  readonly picker: typeof pickerWords;
  readonly metrics: typeof metricsWords;
  readonly chip: typeof chipWords;
  readonly privacy: typeof privacyWords;
  readonly settings: typeof settingsWords;
}

/** What a site replaces or adds: any of the texts. */
export type SomeWords = SomeTexts<Catalogue>;
