// Ids in, text to show out: characters made whole, stop strings cut, tool calls taken out. Made by `generate.ts` for each
// answer. Knows nothing of decoders. Cannot fail: whatever a model says is text or a call.
// An answer that broke off goes on by replaying its ids: what was held back of it (half a character, the beginning of a
// stop string, an open call) is held back again, so nothing is lost or said twice at the seam.

import type { ToolCall } from '../protocol/chat.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { StopScanner } from './stop-strings.js';
import { ToolCallScanner } from './tool-calls.js';

export interface OutputOptions {
  readonly tokenizer: Tokenizer;
  readonly completion: CompletionRequest;
  /** The text goes on after other text: a leading space is part of it. */
  readonly continues: boolean;
  readonly stops: readonly string[];
  /** For ids of tool calls. */
  readonly random: () => number;
}

export class Output {
  private readonly detokenizer: ReturnType<Tokenizer['createDetokenizer']>;
  private readonly stops: StopScanner;
  private readonly tools: ToolCallScanner | null;
  private ended = false;

  constructor({ tokenizer, completion, continues, stops, random }: OutputOptions) {
    this.detokenizer = tokenizer.createDetokenizer({ continues });
    this.stops = new StopScanner(stops);
    const newId = (index: number): string => `call_${random().toString(36)}${index}`;
    // An answer held to a form calls nothing: what looks like a call in it is part of its text.
    const { tools = [], response_format: format } = completion;
    const mayCall = tools.length > 0 && (format === undefined || format.type === 'text');
    this.tools = mayCall ? new ToolCallScanner(newId) : null;
  }

  /** A stop string was found. */
  get stopped(): boolean {
    return this.ended;
  }

  get toolCalls(): readonly ToolCall[] {
    return this.tools?.calls ?? [];
  }

  push(id: number): { text: string; stopped: boolean } {
    const { text, stopped } = this.stops.push(this.detokenizer.push(id));
    this.ended = stopped;
    return { text: this.tools?.push(text) ?? text, stopped };
  }

  /** Takes the ids of an answer that broke off. @returns the text that was shown of them */
  replay(ids: readonly number[]): string {
    let shown = '';
    for (const id of ids) {
      if (this.ended) break;
      shown += this.push(id).text;
    }
    return shown;
  }

  flush(): string {
    let rest = '';
    if (!this.ended) {
      const last = this.stops.push(this.detokenizer.flush());
      rest = last.stopped ? last.text : last.text + this.stops.flush();
    }
    return this.tools === null ? rest : this.tools.push(rest) + this.tools.flush();
  }
}
