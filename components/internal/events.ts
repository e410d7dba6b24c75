// The elements' events: prefixed, composed, with a typed `detail`. One class each, so that a listener knows what it
// gets. They carry content of the conversation to the page that embeds the element and to nobody else.

import type { ChatMessage, CompletionUsage, Provenance } from '../../engine/protocol/chat.js';
import type { Attachment } from '../../engine/protocol/conversations.js';
import type { EngineErrorShape } from '../../engine/protocol/errors.js';
import type { EngineState } from '../../engine/protocol/state.js';

abstract class LlmEvent<Detail> extends Event {
  readonly detail: Detail;

  constructor(type: string, detail: Detail, init: EventInit = {}) {
    super(type, { bubbles: true, composed: true, ...init });
    this.detail = detail;
  }
}

export interface LlmSendDetail {
  /** What the visitor wrote. */
  readonly text: string;
  /** Text files put to it. */
  readonly attachments: readonly Attachment[];
}

/** `llm-send`: the visitor sends a message. `preventDefault()` keeps it from being sent. */
export class LlmSendEvent extends LlmEvent<LlmSendDetail> {
  constructor(detail: LlmSendDetail) {
    super('llm-send', detail, { cancelable: true });
  }
}

export interface LlmAttachDetail {
  /** Chosen, pasted or dropped; not read yet. */
  readonly files: readonly File[];
}

/** `llm-attach`: the visitor puts files to a message. `preventDefault()` keeps them out. */
export class LlmAttachEvent extends LlmEvent<LlmAttachDetail> {
  constructor(detail: LlmAttachDetail) {
    super('llm-attach', detail, { cancelable: true });
  }
}

export interface LlmExportDetail {
  readonly format: 'markdown' | 'json';
  readonly fileName: string;
  /** What the file holds. */
  readonly text: string;
}

/** `llm-export`: the visitor saves the conversation. `preventDefault()` keeps the browser from saving a file. */
export class LlmExportEvent extends LlmEvent<LlmExportDetail> {
  constructor(detail: LlmExportDetail) {
    super('llm-export', detail, { cancelable: true });
  }
}

export interface LlmDeleteDetail {
  /** As it stands in the conversation. */
  readonly message: ChatMessage;
  /** How many messages go, this one included: also what follows it, on every branch. */
  readonly count: number;
}

/** `llm-delete`: the visitor deletes a message. `preventDefault()` keeps it. */
export class LlmDeleteEvent extends LlmEvent<LlmDeleteDetail> {
  constructor(detail: LlmDeleteDetail) {
    super('llm-delete', detail, { cancelable: true });
  }
}

export interface LlmMessageDetail {
  /** The message as it stands in the conversation now: the visitor's, or the whole answer. */
  readonly message: ChatMessage;
  /** Who answered; null for the visitor's messages. */
  readonly provenance: Provenance | null;
  /** Tokens; null for the visitor's messages and stopped answers. */
  readonly usage: CompletionUsage | null;
}

/** `llm-message`: a message has been added, or an answer is whole. */
export class LlmMessageEvent extends LlmEvent<LlmMessageDetail> {
  constructor(detail: LlmMessageDetail) {
    super('llm-message', detail);
  }
}

/** `llm-error`: something failed; the element shows the same words. */
export class LlmErrorEvent extends LlmEvent<EngineErrorShape> {
  constructor(detail: EngineErrorShape) {
    super('llm-error', detail);
  }
}

export interface LlmToolCallDetail {
  readonly id: string;
  readonly name: string;
  /** The arguments, parsed; null where the model wrote no valid JSON object. Chosen by a model: check before use. */
  readonly arguments: Readonly<Record<string, unknown>> | null;
  /** The arguments as the model wrote them. */
  readonly argumentsText: string;
}

/**
 * `llm-tool-call`: the answer calls a tool of the page. Run it and hand its result to `respondWith`; the conversation
 * goes on when every call of the answer has one.
 */
export class LlmToolCallEvent extends LlmEvent<LlmToolCallDetail> {
  readonly #respond: (result: Promise<unknown>) => void;

  constructor(detail: LlmToolCallDetail, respond: (result: Promise<unknown>) => void) {
    super('llm-tool-call', detail);
    this.#respond = respond;
  }

  /** The tool's result: text, or anything JSON can carry; a rejected promise tells the model that the tool failed. */
  respondWith(result: unknown): void {
    this.#respond(Promise.resolve(result));
  }
}

/** `llm-state-change`: the engine's state changed. Bubbles from `<llm-engine>` only, so that it is heard once. */
export class LlmStateChangeEvent extends LlmEvent<EngineState> {
  constructor(detail: EngineState, bubbles: boolean) {
    super('llm-state-change', detail, { bubbles, composed: bubbles });
  }
}

declare global {
  interface HTMLElementEventMap {
    'llm-send': LlmSendEvent;
    'llm-attach': LlmAttachEvent;
    'llm-delete': LlmDeleteEvent;
    'llm-export': LlmExportEvent;
    'llm-message': LlmMessageEvent;
    'llm-error': LlmErrorEvent;
    'llm-tool-call': LlmToolCallEvent;
    'llm-state-change': LlmStateChangeEvent;
  }
}
