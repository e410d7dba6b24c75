// The events of `<llm-privacy>`: prefixed, composed, with a typed `detail`.

import type { Erasure } from '../../engine/protocol/kept-data.js';

export interface LlmConsentDetail {
  /** Host name of the endpoint. */
  readonly endpoint: string;
  /** What the visitor chose. */
  readonly allowed: boolean;
}

/** `llm-consent`: the visitor allows the cloud, or takes it back. `preventDefault()` keeps it from being allowed. */
export class LlmConsentEvent extends Event {
  readonly detail: LlmConsentDetail;

  constructor(detail: LlmConsentDetail) {
    // Taking it back always acts.
    super('llm-consent', { bubbles: true, composed: true, cancelable: detail.allowed });
    this.detail = detail;
  }
}

/** `llm-erased`: what is kept here was erased; `detail.left` names what is still there. */
export class LlmErasedEvent extends Event {
  readonly detail: Erasure;

  constructor(detail: Erasure) {
    super('llm-erased', { bubbles: true, composed: true });
    this.detail = detail;
  }
}

declare global {
  interface HTMLElementEventMap {
    'llm-consent': LlmConsentEvent;
    'llm-erased': LlmErasedEvent;
  }
}
