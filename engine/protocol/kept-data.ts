// What this origin keeps for the kit, by kind, and what erasing it came to: the form in which the host tells a page.
// Used by host-api.ts, page-messages.ts, the host and `<llm-privacy>`. Types and schemas only.

import * as v from 'valibot';
import { engineErrorCodes, type EngineErrorShape } from './errors.js';

/**
 * `models`: weights and tokenizers. `conversations`: what was said. `consent`: the cloud switch. `preferences`: the
 * visitor's settings. `tuning`: what was measured on the graphics card. `pages`: the kit's files for use offline.
 */
export const keptKinds = ['models', 'conversations', 'consent', 'preferences', 'tuning', 'pages'] as const;
export type KeptKind = (typeof keptKinds)[number];

export interface KeptPart {
  readonly kind: KeptKind;
  /** Models, conversations, files or records. */
  readonly items: number;
  /** Null where it cannot be told without reading all of it. */
  readonly bytes: number | null;
}

/** A part that could not be looked at is missing in `parts` and named in `unreadable`. */
export interface KeptReport {
  readonly parts: readonly KeptPart[];
  readonly unreadable: readonly KeptKind[];
  /** Bytes of the whole origin in use and allowed, null where the browser does not say. */
  readonly usage: number | null;
  readonly quota: number | null;
}

export interface Erasure {
  /** Looked at again afterwards and found empty. */
  readonly erased: readonly KeptKind[];
  /** What is still there, and why. */
  readonly left: readonly { readonly kind: KeptKind; readonly error: EngineErrorShape }[];
}

const line = v.pipe(v.string(), v.maxLength(10_000));
const count = v.pipe(v.number(), v.finite(), v.minValue(0));
const kind = v.picklist(keptKinds);
const kinds = v.pipe(v.array(kind), v.maxLength(keptKinds.length));

export const keptReportSchema: v.GenericSchema<unknown, KeptReport> = v.object({
  parts: v.pipe(v.array(v.object({ kind, items: count, bytes: v.nullable(count) })), v.maxLength(keptKinds.length)),
  unreadable: kinds,
  usage: v.nullable(count),
  quota: v.nullable(count),
});

export const erasureSchema: v.GenericSchema<unknown, Erasure> = v.object({
  erased: kinds,
  left: v.pipe(
    v.array(v.object({ kind, error: v.object({ code: v.picklist(engineErrorCodes), message: line, hint: line }) })),
    v.maxLength(keptKinds.length),
  ),
});
