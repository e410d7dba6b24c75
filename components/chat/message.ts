// How one message looks: the answer as running text with who wrote it underneath, a tool call as a small card; the
// visitor's words are question.ts'. Template functions of `<llm-chat>`; text of either side is only ever text.

import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import type { ToolCall } from '../../engine/protocol/chat.js';
import type { EngineErrorCode } from '../../engine/protocol/errors.js';
import { errorNotice } from '../internal/error-notice.js';
import { formatRate } from '../internal/format.js';
import { cloudIcon, copyIcon, deviceIcon, proceedIcon, retryIcon, toolIcon, trashIcon } from '../internal/icons.js';
import type { OriginRule } from '../internal/markdown/origins.js';
import { renderMarkdown } from '../internal/markdown/render.js';
import type { MarkdownStream } from '../internal/markdown/stream.js';
import { words } from '../internal/words.js';
import { renderButton, renderVersions, type MessageActions } from './actions.js';
import { canContinue, isOpen, type AnswerEntry, type Entry, type ToolEntry } from './entries.js';
import { renderQuestion } from './question.js';
import type { StatusLine } from './status.js';

/** Asking the same again would fail the same way. */
export const unchangeable: ReadonlySet<EngineErrorCode> = new Set([
  'prompt-empty',
  'prompt-too-long',
  'invalid-request',
]);

export interface MessageContext {
  /** The markdown of an answer, kept from one render to the next. */
  readonly markdown: (answer: AnswerEntry) => MarkdownStream;
  /** Results by the id of their call. */
  readonly results: ReadonlyMap<string, ToolEntry>;
  /** The newest entry; only it can go on. */
  readonly last: Entry | undefined;
  /** An answer is being written: until it is whole, nothing else can be done. */
  readonly busy: boolean;
  /** Whose words the visitor is changing. */
  readonly editing: string | null;
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
  readonly actions: MessageActions;
  /** What else stands in the row under an answer. */
  readonly extras: (answer: AnswerEntry) => unknown;
}

/** The entry, or nothing for those that are shown elsewhere (tool results) or not at all (the system prompt). */
export function renderEntry(entry: Entry, context: MessageContext): unknown {
  switch (entry.kind) {
    case 'system':
    case 'tool':
      return nothing;
    case 'user':
      return renderQuestion(entry, context);
    case 'answer': {
      const { last, status, modelName, language } = context;
      const results = entry.toolCalls.map(({ id }) => context.results.get(id));
      const waiting = entry.status === 'waiting' ? status : null;
      const name = modelName(entry.provenance?.model ?? '');
      const unfinished = isOpen(entry);
      const body = [
        entry,
        entry === last,
        waiting?.text,
        waiting?.progress,
        name,
        language,
        context.images,
        context.links,
        ...results,
      ];
      const siblings = context.siblings(entry.id);
      const meta = [entry, entry === last, context.busy, siblings, name, language, context.extras];
      return html`<article
        class="message assistant"
        part="message assistant-message"
        data-entry=${entry.id}
        data-status=${entry.status}
        aria-label=${words.chat.assistant}
        aria-busy=${unfinished ? 'true' : 'false'}
      >
        ${guard(body, () => renderAnswer(entry, context))}
        ${unfinished ? nothing : guard(meta, () => renderMeta(entry, siblings, context))}
      </article>`;
    }
  }
}

function renderAnswer(answer: AnswerEntry, context: MessageContext): TemplateResult {
  const stream = context.markdown(answer);
  stream.update(answer.text, isOpen(answer));
  const { copy, again } = context.actions;
  const cloudName =
    answer.provenance?.backend === 'cloud' ? context.modelName(answer.provenance.model) : words.chat.cloud;
  const retry = () => again(answer.id);
  return html`${answer.status === 'waiting' && answer.text === '' ? renderWaiting(context.status) : nothing}
    <div class="answer">
      ${renderMarkdown(stream, { cloudFrom: answer.cloudFrom, cloudName, copy, images: context.images, links: context.links })}
    </div>
    ${answer.toolCalls.map((call) => renderToolCall(call, context.results.get(call.id)))}
    ${
      answer.status === 'done' && answer.text.trim() === '' && answer.toolCalls.length === 0
        ? html`<p class="remark">${words.chat.emptyAnswer}</p>`
        : nothing
    }
    ${answer.finishReason === 'length' ? html`<p class="remark">${words.chat.cutOff}</p>` : nothing}
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

const renderWaiting = (status: StatusLine): TemplateResult =>
  html`<div class="waiting">
    <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>
    <span
      >${status.progress === null && status.icon !== null ? words.chat.thinking : status.text || words.chat.thinking}</span
    >
    ${
      status.progress === null
        ? nothing
        : status.progress === 'unknown'
          ? html`<progress class="bar" aria-label=${status.text}></progress>`
          : html`<progress class="bar" max="1" .value=${status.progress} aria-label=${status.text}></progress>`
    }
  </div>`;

/** Who wrote it, how fast, and what can be done with it. */
function renderMeta(answer: AnswerEntry, siblings: readonly string[], context: MessageContext): TemplateResult {
  const { id, text, provenance, usage, tokensPerSecond, status } = answer;
  const { busy, actions, last } = context;
  const newest = answer === last;
  const facts = [
    status === 'stopped' ? words.chat.stopped : status === 'interrupted' ? words.chat.interrupted : '',
    provenance === null ? '' : context.modelName(provenance.model),
    tokensPerSecond === null ? '' : formatRate(tokensPerSecond),
    usage === null || usage.completion_tokens === 0 ? '' : words.chat.tokens(usage.completion_tokens),
  ].filter((fact) => fact !== '');
  const again = { name: 'again', icon: retryIcon(), run: () => actions.again(id) };
  const proceed = { name: 'proceed', icon: proceedIcon(), run: () => actions.proceed() };
  const remove = { name: 'delete', label: words.chat.delete, icon: trashIcon(), run: () => actions.delete(id) };
  return html`<footer class="meta" part="meta">
    <span class="actions">
      ${renderVersions(id, siblings, busy, actions.turn)}
      ${
        newest && canContinue(answer)
          ? renderButton({ ...proceed, label: words.chat.proceed, text: words.chat.proceed }, busy)
          : nothing
      }
      ${
        text === ''
          ? nothing
          : renderButton(
              { name: 'copy', label: words.chat.copyAnswer, icon: copyIcon(), run: () => void actions.copy(text) },
              false,
            )
      }
      ${answer.error === null ? renderButton({ ...again, label: newest ? words.chat.retry : words.chat.again }, busy) : nothing}
      ${renderButton(remove, busy)}${context.extras(answer)}
    </span>
    ${
      provenance === null
        ? nothing
        : provenance.backend === 'cloud' || answer.cloudFrom !== null
          ? html`<span class="where cloud">${cloudIcon()}${words.chat.cloud}</span>`
          : html`<span class="where">${deviceIcon()}${words.chat.onDevice}</span>`
    }
    ${facts.map((fact) => html`<span><bdi>${fact}</bdi></span>`)}
  </footer>`;
}

function renderToolCall(call: ToolCall, result: ToolEntry | undefined): TemplateResult {
  return html`<details class="tool" part="tool-call">
    <summary>
      ${toolIcon()}<span
        >${result === undefined ? words.chat.toolCalling(call.function.name) : words.chat.toolCalled(call.function.name)}</span
      >
    </summary>
    <dl dir="auto">
      ${argumentsOf(call).map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd><code>${value}</code></dd>
          </div>`,
      )}
      ${
        result === undefined
          ? nothing
          : html`<div>
              <dt>${words.chat.toolResult}</dt>
              <dd><code>${result.text}</code></dd>
            </div>`
      }
    </dl>
  </details>`;
}

/** The arguments as name and text; one nameless pair where they are no JSON object. */
function argumentsOf(call: ToolCall): readonly (readonly [string, string])[] {
  const parsed = parseArguments(call);
  if (parsed === null) return [[words.chat.toolArguments, call.function.arguments]];
  return Object.entries(parsed).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}

/** The arguments as an object; null where the model wrote no valid JSON object. */
export function parseArguments(call: ToolCall): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(call.function.arguments);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null; // models write broken JSON at times; the card shows what they wrote
  }
}
