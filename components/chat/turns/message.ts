// How the messages look: the visitor's words in a bubble, the answers as running text. What stands under them, cards of tool
// calls and the field for other words are turns.ts'. Template functions of turns.ts; text of either side is only ever text.

import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { keyed } from 'lit/directives/keyed.js';
import { errorNotice } from '../../internal/error-notice.js';
import { renderMarkdown } from '../../internal/markdown/markdown.js';
import type { OriginRule } from '../../internal/markdown/origins.js';
import { words } from '../../internal/words.js';
import { isOpen, type AnswerEntry, type Entry, type ToolEntry, type UserEntry } from '../entries.js';
import type { StatusLine } from '../status.js';
import { unchangeable } from '../troubles.js';
import { renderToolCall } from './tool-card.js';
import type { Turns } from './turns.js';
import { turnsWords } from './turns.words.js';

export interface MessageContext {
  readonly turns: Turns;
  /** Nothing else can be done: an answer is being written, or the chat is disabled. */
  readonly busy: boolean;
  /** What the engine does while an answer waits. */
  readonly status: StatusLine;
  /** Another one has all words rendered anew. */
  readonly language: string;
  /** What of an answer may be followed and fetched. */
  readonly images: OriginRule;
  readonly links: OriginRule;
}

interface InLine extends MessageContext {
  /** Results by the id of their call. */
  readonly results: ReadonlyMap<string, ToolEntry>;
  /** The newest entry; only it can go on. */
  readonly last: Entry | undefined;
}

/** A line is only ever cut and continued: what stands before never moves. */
export function renderEntries(entries: readonly Entry[], context: MessageContext): TemplateResult {
  const results = new Map(entries.flatMap((entry) => (entry.kind === 'tool' ? [[entry.callId, entry] as const] : [])));
  const whole = { ...context, results, last: entries.at(-1) };
  return html`<div class="messages">${entries.map((entry) => keyed(entry.id, renderEntry(entry, whole)))}</div>`;
}

/** The entry, or nothing for those that are shown elsewhere (tool results) or not at all (the system prompt). */
function renderEntry(entry: Entry, context: InLine): unknown {
  if (entry.kind === 'user') return renderQuestion(entry, context);
  return entry.kind === 'answer' ? renderAnswer(entry, context) : nothing;
}

/** The visitor's words in a bubble, or the field in which they change them. */
function renderQuestion(entry: UserEntry, { turns, busy, language }: InLine): TemplateResult {
  const { id, text } = entry;
  const editing = turns.editing === id;
  return html`<div class="turn" data-entry=${id}>
    ${guard([entry, turns.siblings(id), editing, busy, language], () =>
      editing
        ? turns.renderEditor(entry)
        : html`<article class="message user" part="message user-message" aria-label=${words.chat.you}>
              ${turns.renderFiles(entry)}
              <div class="bubble" dir="auto">${text}</div>
            </article>
            <div class="under actions">${turns.renderQuestionRow(entry, busy)}</div>`,
    )}
  </div>`;
}

function renderAnswer(entry: AnswerEntry, context: InLine): TemplateResult {
  const { turns, busy, last, language, images, links } = context;
  const newest = entry === last;
  const results = entry.toolCalls.map(({ id }) => context.results.get(id));
  const waiting = entry.status === 'waiting' ? context.status : null;
  const name = turns.modelName(entry);
  const unfinished = isOpen(entry);
  const body = [entry, newest, waiting?.text, waiting?.progress, name, language, images, links, ...results];
  const row = [entry, newest, busy, turns.siblings(entry.id), name, language, turns.look];
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
            ${guard(row, () => turns.renderAnswerRow(entry, newest, busy))}
          </footer>`
    }
  </article>`;
}

function renderBody(answer: AnswerEntry, context: InLine): TemplateResult {
  const { turns, images, links } = context;
  const { cloudFrom } = answer;
  const { copy } = turns.actions;
  const cloudName = answer.provenance?.backend === 'cloud' ? turns.modelName(answer) : words.chat.cloud;
  const retry = () => turns.actions.again(answer.id);
  return html`${answer.status === 'waiting' && answer.text === '' ? renderWaiting(context.status) : nothing}
    <div class="answer">${renderMarkdown(turns.markdown(answer), { cloudFrom, cloudName, copy, images, links })}</div>
    ${answer.toolCalls.map((call) => renderToolCall(call, context.results.get(call.id)))}
    ${remark(answer.status === 'done' && answer.text.trim() === '' && answer.toolCalls.length === 0 && turnsWords.emptyAnswer)}
    ${remark(answer.finishReason === 'length' && turnsWords.cutOff)}
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
    <span>${said || turnsWords.thinking}</span>
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
