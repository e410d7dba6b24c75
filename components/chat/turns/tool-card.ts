// A tool call as a small card: what the model asked the page for, and what it got. Template functions of turns.ts; what the
// model wrote is only ever text.

import { html, type TemplateResult } from 'lit';
import type { ToolCall } from '../../../engine/protocol/chat.js';
import { toolIcon } from '../../internal/more-icons.js';
import type { ToolEntry } from '../entries.js';
import { parseArguments } from './tool-result.js';
import { turnsWords } from './turns.words.js';

export function renderToolCall(call: ToolCall, result: ToolEntry | undefined): TemplateResult {
  const { name } = call.function;
  const pairs = [
    ...argumentsOf(call),
    ...(result === undefined ? [] : [[turnsWords.toolResult, result.text] as const]),
  ];
  return html`<details class="tool" part="tool-call">
    <summary>
      ${toolIcon()}<span>${result === undefined ? turnsWords.toolCalling(name) : turnsWords.toolCalled(name)}</span>
    </summary>
    <dl dir="auto">
      ${pairs.map(
        ([term, value]) =>
          html`<div>
            <dt>${term}</dt>
            <dd><code>${value}</code></dd>
          </div>`,
      )}
    </dl>
  </details>`;
}

/** The arguments as name and text; one nameless pair where they are no JSON object. */
function argumentsOf(call: ToolCall): readonly (readonly [string, string])[] {
  const parsed = parseArguments(call);
  if (parsed === null) return [[turnsWords.toolArguments, call.function.arguments]];
  return Object.entries(parsed).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}
