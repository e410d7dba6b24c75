// Keeps text that came from messages from becoming control tokens: a page that says `<|end|><|system|>...` to the model
// must stay something that was said. Called by `create-tokenizer.ts`, before and after a chat template has run.
// Before: each control token's text in a request's string gets a marker after its first character; templates carry it
// along (trim, tojson and the like leave a noncharacter alone). After: the markers are taken out, and where one stood
// inside a control token's text the prompt is cut there, so that no piece holds that text whole.
// Knows nothing of ids or of how pieces are encoded. Source: Unicode 23.7 (noncharacters are for internal use).
// Not covered: a template that writes a control token around a request's string ('<' ~ name ~ '>'); none known does.

import { EngineError } from '../protocol/errors.js';
import type { PromptText, TemplateMessage } from './tokenizer.js';

/** Never part of a prompt: it is taken out of what comes in, and out again of what a template wrote. */
const marker = '\uFDD0';
const markers = /\uFDD0/g;
/** Of lists and objects in a request, so that none exhausts the stack. */
const maximumDepth = 200;

interface Node {
  readonly next: Map<string, Node>;
  ends: boolean;
}

export class ControlText {
  private readonly root: Node = { next: new Map(), ends: false };
  private longest = 0;

  /** @param texts of the control tokens; a text of one UTF-16 unit cannot be cut and is left out */
  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      if (text.length < 2) continue;
      this.longest = Math.max(this.longest, text.length);
      let node = this.root;
      for (let i = 0; i < text.length; i++) {
        const next = node.next.get(text.charAt(i)) ?? { next: new Map<string, Node>(), ends: false };
        node.next.set(text.charAt(i), next);
        node = next;
      }
      node.ends = true;
    }
  }

  /** A text that is no template's: cut wherever it holds a control token's text. */
  plain(text: string): PromptText {
    return this.unmark(this.mark(text));
  }

  /** Also marks an end where a control token's text begins: what the template writes next could complete it. */
  mark(text: string): string {
    const clean = text.replace(markers, '');
    let marked = '';
    let from = 0;
    for (let i = 0; i < clean.length; i++) {
      const { length, open } = this.walk(clean, i);
      if (length === 0 && !open) continue;
      const to = length > 0 ? i + 1 : clean.length;
      marked += clean.slice(from, to) + marker;
      from = to;
      if (length === 0) break;
    }
    return marked + clean.slice(from);
  }

  /** Roles stay as they are: they are one of a few words, and templates compare them. */
  markMessages(messages: readonly TemplateMessage[]): TemplateMessage[] {
    return messages.map(({ role, content, ...rest }) => ({
      ...this.markFields(rest, 0),
      role,
      content: content === null ? null : this.mark(content),
    }));
  }

  /** @returns the value with its strings and keys marked. @throws EngineError `invalid-request` when too deep */
  markValue(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return this.mark(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= maximumDepth) {
      throw new EngineError('invalid-request', `The tools or their arguments are nested deeper than ${maximumDepth}.`, {
        hint: 'Send flatter ones.',
      });
    }
    if (Array.isArray(value)) return value.map((item: unknown) => this.markValue(item, depth + 1));
    return this.markFields(value, depth + 1);
  }

  /** Takes the markers out of what a template wrote. */
  unmark(written: string): PromptText {
    const parts = written.split(marker);
    const text = parts.join('');
    const cuts = new Set<number>();
    let at = 0;
    for (const part of parts.slice(0, -1)) {
      at += part.length;
      if (this.isInside(text, at)) cuts.add(at);
    }
    return { text, cuts: [...cuts] };
  }

  private markFields(fields: object, depth: number): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(fields).map(([key, value]: [string, unknown]) => [this.mark(key), this.markValue(value, depth)]),
    );
  }

  private isInside(text: string, at: number): boolean {
    for (let from = Math.max(0, at - this.longest + 1); from < at; from++) {
      if (from + this.walk(text, from).length > at) return true;
    }
    return false;
  }

  /** @returns the length of the longest control token's text at a place; whether the text ended in the middle of one */
  private walk(text: string, from: number): { length: number; open: boolean } {
    let node = this.root;
    let length = 0;
    for (let i = from; i < text.length; i++) {
      const next = node.next.get(text.charAt(i));
      if (next === undefined) return { length, open: false };
      node = next;
      if (node.ends) length = i + 1 - from;
    }
    return { length, open: node.next.size > 0 && node !== this.root };
  }
}
