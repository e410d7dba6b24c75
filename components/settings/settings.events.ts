// The event of `<llm-settings>`: prefixed, composed, with a typed `detail`.

import type { PreferencesChange } from '../../engine/protocol/preferences.js';

/** `llm-settings-change`: the visitor changes settings; `detail` has those that change. `preventDefault()` keeps them. */
export class LlmSettingsChangeEvent extends Event {
  readonly detail: PreferencesChange;

  constructor(detail: PreferencesChange) {
    super('llm-settings-change', { bubbles: true, composed: true, cancelable: true });
    this.detail = detail;
  }
}

declare global {
  interface HTMLElementEventMap {
    'llm-settings-change': LlmSettingsChangeEvent;
  }
}
