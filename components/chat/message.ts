// How one message looks: the visitor's words in a bubble, the answer as running text. What stands under them, cards of tool
// calls and the field for other words are turns/turns.ts', which comes later. Template functions of `<llm-chat>`; text of
// either side is only ever text.

import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import type { EngineErrorCode } from '../../engine/protocol/errors.js';
import { errorNotice } from '../internal/error-notice.js';
import type { OriginRule } from '../internal/markdown/origins.js';
import { renderMarkdown } from '../internal/markdown/render.js';
import type { MarkdownStream } from '../internal/markdown/stream.js';
import { words } from '../internal/words.js';
import { isOpen, type AnswerEntry, type Entry, type ToolEntry, type UserEntry } from './entries.js';
import type { StatusLine } from './status.js';
import type { Turns } from './turns/turns.js';

/** Asking the same again would fail the same way. */
export const unchangeable: ReadonlySet<EngineErrorCode> = new Set([
  'prompt-empty',
  'prompt-too-long',
  'invalid-request',
]);

export interface MessageContext {
  /** The markdown of an answer, kept from one render to the next. */
  readonly markdown: (answer: AnswerEntry) => MarkdownStream;
  /** What can be done with messages; null until it is fetched. */
  readonly turns: Turns | null;
  /** Results by the id of their call. */
  readonly results: ReadonlyMap<string, ToolEntry>;
  /** The newest entry; only it can go on. */
  readonly last: Entry | undefined;
  /** Nothing else can be done: an answer is being written, or the chat is disabled. */
  readonly busy: boolean;
  /** The versions of a message, itself included. */
  readonly siblings: (id: string) => readonly string[];
  /** What the engine does while an answer waits. */
  readonly status: StatusLine;
  /** Another one has all words rendered anew. */
  readonly language: string;
  /** What of an answer may be followed and fetched. */
  readonly images: OriginRule;
  readonly links: OriginRule;
  /** A model's name by its id. */
  readonly modelName: (id: string) => string;
  readonly copy: (text: string) => Promise<boolean>;
  readonly again: (id: string) => void;
}

/** The entry, or nothing for those that are shown elsewhere (tool results) or not at all (the system prompt). */
export function renderEntry(entry: Entry, context: MessageContext): unknown {
  if (entry.kind === 'user') return renderQuestion(entry, context);
  return entry.kind === 'answer' ? renderAnswer(entry, context) : nothing;
}

/** The visitor's words in a bubble, or the field in which they change them. */
function renderQuestion(entry: UserEntry, { turns, siblings, busy, language }: MessageContext): TemplateResult {
  const { id, text } = entry;
  const editing = turns?.editing === id;
  return html`<div class="turn" data-entry=${id}>
    ${guard([entry, siblings(id), editing, busy, language, turns], () =>
      editing
        ? turns.renderEditor(entry)
        : html`<article class="message user" part="message user-message" aria-label=${words.chat.you}>
              ${turns?.renderFiles(entry)}
              <div class="bubble" dir="auto">${text}</div>
            </article>
            <div class="under actions">${turns?.renderQuestionRow(entry)}</div>`,
    )}
  </div>`;
}

function renderAnswer(entry: AnswerEntry, context: MessageContext): TemplateResult {
  const { turns, last, language, images, links } = context;
  const newest = entry === last;
  const results = entry.toolCalls.map(({ id }) => context.results.get(id));
  const waiting = entry.status === 'waiting' ? context.status : null;
  const name = context.modelName(entry.provenance?.model ?? '');
  const unfinished = isOpen(entry);
  const body = [entry, newest, waiting?.text, waiting?.progress, name, language, images, links, turns, ...results];
  const row = [entry, newest, context.busy, context.siblings(entry.id), name, language, turns?.look];
  return html`<article
    class="message assistant"
    part="message assistant-message"
    data-entry=${entry.id}
    data-status=${entry.status}
    aria-label=${words.chat.assistant}
    aria-busy=${unfinished ? 'true' : 'false'}
  >
    ${guard(body, () => renderBody(entry, context))}
    ${
      unfinished
        ? nothing
        : html`<footer class="meta" part="meta">
            ${guard(row, () => turns?.renderAnswerRow(entry, newest, context.modelName))}
          </footer>`
    }
  </article>`;
}

function renderBody(answer: AnswerEntry, context: MessageContext): TemplateResult {
  const stream = context.markdown(answer);
  stream.update(answer.text, isOpen(answer));
  const { copy, again, turns } = context;
  const cloudName =
    answer.provenance?.backend === 'cloud' ? context.modelName(answer.provenance.model) : words.chat.cloud;
  const retry = () => again(answer.id);
  return html`${answer.status === 'waiting' && answer.text === '' ? renderWaiting(context.status) : nothing}
    <div class="answer">
      ${renderMarkdown(stream, { cloudFrom: answer.cloudFrom, cloudName, copy, images: context.images, links: context.links })}
    </div>
    ${answer.toolCalls.map((call) => turns?.renderToolCall(call, context.results.get(call.id)))}
    ${remark(answer.status === 'done' && answer.text.trim() === '' && answer.toolCalls.length === 0 && words.chat.emptyAnswer)}
    ${remark(answer.finishReason === 'length' && words.chat.cutOff)}
    ${
      answer.error === null
        ? nothing
        : errorNotice(
            answer.error,
            answer === context.last && !unchangeable.has(answer.error.code)
              ? { label: words.chat.retry, run: retry }
              : undefined,
          )
    }`;
}

const remark = (text: string | false): unknown => (text === false ? nothing : html`<p class="remark">${text}</p>`);

function renderWaiting({ progress, icon, text }: StatusLine): TemplateResult {
  const said = progress === null && icon !== null ? '' : text;
  return html`<div class="waiting">
    <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>
    <span>${said || words.chat.thinking}</span>
    ${
      progress === null
        ? nothing
        : html`<progress
            class="bar"
            value=${progress === 'unknown' ? nothing : progress}
            aria-label=${text}
          ></progress>`
    }
  </div>`;
}
