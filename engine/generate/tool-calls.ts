// Takes tool calls out of an answer that comes in pieces: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`,
// the form of Hermes, Qwen and our own model. The call's markup is held back and never shown; what is no sound call
// (other JSON, no JSON) stays text, because hiding what a model said would be worse than showing its mistake.
// Called by `generate.ts` when the request has tools. Source: NousResearch's "Hermes function calling" format.
// Knows nothing of tokens or of what the tools do. Cannot fail: model output is untrusted, and whatever it is, it is
// either a call or text.

import type { ToolCall } from '../protocol/chat.js';

const open = '<tool_call>';
const close = '</tool_call>';

/** Characters; a call with a longer name could be neither told to the page nor sent back in the next request. */
const longestName = 1_000;

export class ToolCallScanner {
  readonly calls: ToolCall[] = [];
  /** Not yet given out: white space and the beginning of `open`, or an open call. */
  private held = '';

  /** @param newId id of the call with this index; unique within a conversation */
  constructor(private readonly newId: (index: number) => string) {}

  /** @returns text that is certain not to be part of a call */
  push(text: string): string {
    this.held += text;
    let out = '';
    for (;;) {
      const begin = this.held.indexOf(open);
      if (begin < 0) {
        const keep = heldLength(this.held);
        out += this.held.slice(0, this.held.length - keep);
        this.held = this.held.slice(this.held.length - keep);
        return out;
      }
      const end = this.held.indexOf(close, begin);
      if (end < 0) {
        // White space before a call is layout, not answer; it waits with the call.
        const from = this.held.slice(0, begin).trimEnd().length;
        out += this.held.slice(0, from);
        this.held = this.held.slice(from);
        return out;
      }
      out += this.take(this.held.slice(0, begin), this.held.slice(begin + open.length, end), close);
      this.held = this.held.slice(end + close.length);
    }
  }

  /** @returns what was held back; a call that lacks only its closing tag counts */
  flush(): string {
    const rest = this.held;
    this.held = '';
    const begin = rest.indexOf(open);
    if (begin >= 0) return this.take(rest.slice(0, begin), rest.slice(begin + open.length), '');
    return this.calls.length > 0 ? rest.trimEnd() : rest;
  }

  /** Records the call, or gives its text back as it came. */
  private take(before: string, body: string, closed: string): string {
    const call = parseCall(body);
    if (call === null) return before + open + body + closed;
    this.calls.push({ id: this.newId(this.calls.length), type: 'function', function: call });
    return before.trimEnd();
  }
}

/** How much of the end may belong to a call: white space, then the beginning of the tag. */
function heldLength(text: string): number {
  let tag = 0;
  for (let length = Math.min(open.length - 1, text.length); length > 0 && tag === 0; length--) {
    if (text.endsWith(open.slice(0, length))) tag = length;
  }
  const before = text.slice(0, text.length - tag);
  return tag + (before.length - before.trimEnd().length);
}

function parseCall(body: string): ToolCall['function'] | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null; // text after all
  }
  if (typeof value !== 'object' || value === null) return null;
  const { name, arguments: given, parameters } = value as Record<string, unknown>;
  const args = given ?? parameters ?? {};
  if (typeof name !== 'string' || name === '' || name.length > longestName) return null;
  if (typeof args === 'string') return { name, arguments: args };
  return typeof args === 'object' ? { name, arguments: JSON.stringify(args) } : null;
}
