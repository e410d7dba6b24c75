// What is kept on this device, as a list of kinds with their sizes, and what erasing it came to. Template functions of
// `<llm-privacy>`; they hold no state.

import { html, nothing, type TemplateResult } from 'lit';
import {
  keptKinds,
  type Erasure,
  type KeptKind,
  type KeptPart,
  type KeptReport,
} from '../../engine/protocol/kept-data.js';
import { formatBytes } from '../internal/format.js';
import { privacyWords } from './privacy.words.js';

export function renderKept(report: KeptReport | null): TemplateResult {
  const text = privacyWords.kept;
  if (report === null) return html`<p class="quiet">${text.looking}</p>`;
  const known = new Map(report.parts.map((part) => [part.kind, part]));
  const shown = keptKinds.filter((kind) => known.has(kind) || report.unreadable.includes(kind));
  const { usage, quota } = report;
  return html`<dl part="kept">
      ${shown.map(
        (kind) =>
          html`<div>
            <dt>${text.kinds[kind]}</dt>
            <dd><bdi>${amount(known.get(kind))}</bdi></dd>
          </div>`,
      )}
    </dl>
    ${known.get('conversations')?.items ? html`<p class="quiet">${text.sealed}</p>` : nothing}
    ${
      usage === null || quota === null
        ? nothing
        : html`<p class="quiet">
            <bdi>${text.usage(formatBytes(usage), formatBytes(Math.max(0, quota - usage)))}</bdi>
          </p>`
    }`;
}

function amount(part: KeptPart | undefined): string {
  const text = privacyWords.kept;
  if (part === undefined) return text.unreadable;
  if (part.items === 0 && (part.bytes ?? 0) === 0) return text.nothing;
  const what = counted(part.kind, part.items);
  return part.bytes === null || part.bytes === 0 ? what : text.withSize(what, formatBytes(part.bytes));
}

function counted(kind: KeptKind, items: number): string {
  const text = privacyWords.kept;
  if (kind === 'models' || kind === 'conversations') return text[kind](items);
  return kind === 'pages' ? text.files(items) : text.records(items);
}

/** What erasing left behind, each with the reason. */
export const renderLeft = ({ left }: Erasure): TemplateResult =>
  html`<div class="notice" part="error" dir="auto">
    <p>${privacyWords.erase.partly}</p>
    <ul>
      ${left.map(
        ({ kind, error }) =>
          html`<li>
            ${privacyWords.kept.kinds[kind]}
            <span class="quiet" lang="en" dir="ltr">${error.message} ${error.hint}</span>
          </li>`,
      )}
    </ul>
  </div>`;
