// A call of the page's tool, as the event that tells the page of it, and what the tool gave back, as the text a model
// reads. Pure but for waiting; used by turns.ts and tool-card.ts.

import type { ToolCall } from '../../../engine/protocol/chat.js';
import { LlmToolCallEvent } from '../../internal/events.js';
import { turnsWords } from './turns.words.js';

/** @param answer gets the result that the page hands in, as text */
export function toolCallEvent(call: ToolCall, answer: (result: string) => void): LlmToolCallEvent {
  const { name, arguments: argumentsText } = call.function;
  const detail = { id: call.id, name, arguments: parseArguments(call), argumentsText };
  const respond = async (result: Promise<unknown>) => answer(await toolResultText(result, turnsWords.toolFailed));
  return new LlmToolCallEvent(detail, (result) => void respond(result));
}

/** Text as it is, nothing as `{"ok": true}`, anything else as JSON, a failure as `{"error": ...}`. Never rejects. */
export async function toolResultText(result: Promise<unknown>, failed: string): Promise<string> {
  try {
    const value = await result;
    if (typeof value === 'string') return value;
    return JSON.stringify(value ?? { ok: true });
  } catch (thrown) {
    return JSON.stringify({ error: thrown instanceof Error && thrown.message !== '' ? thrown.message : failed });
  }
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
