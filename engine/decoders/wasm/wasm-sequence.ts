// One sequence of the WebAssembly decoder: its pages, its length, and appending in bounded passes. Made by wasm-decoder.ts,
// driven by `generate/` through the `Sequence` contract. Knows nothing of kernels or threads.
// Whatever goes wrong, the sequence holds afterwards what it held before the call.

import { EngineError } from '../../protocol/errors.js';
import type { AppendRequest, Choice, DecodeRequest, DecoderInfo, Holding, Sequence } from '../decoder.js';
import { decodeByAppending } from '../decode-loop.js';
import type { Chooser } from './choosing.js';
import type { PageTable } from './kv-pages.js';
import type { PassRunner } from './pass-runner.js';

export interface SequenceParts {
  readonly info: DecoderInfo;
  readonly runner: PassRunner;
  readonly chooser: Chooser;
  readonly pages: PageTable;
  /** Tokens a pass takes at most; and where each gives logits. */
  readonly passRows: number;
  readonly passLogits: number;
  onRelease(): void;
}

export class WasmSequence implements Sequence {
  private held = 0;
  private busy = false;
  private released = false;

  constructor(private readonly parts: SequenceParts) {}

  get length(): number {
    return this.held;
  }

  get holding(): Holding {
    return { tokens: this.held, kvBytes: this.parts.pages.bytes };
  }

  async append(request: AppendRequest): Promise<readonly Choice[]> {
    const { tokens, at, choose } = request;
    if (at !== 'none' && choose === undefined) throw invalid('choosing needs `choose`');
    const choices: Choice[] = [];
    await this.advance(tokens, at, request.signal, (index, logits) => {
      if (choose) choices.push(this.parts.chooser.choose(logits, choose, this.held + index + 1));
    });
    return choices;
  }

  decode(request: DecodeRequest): AsyncGenerator<Choice, void, undefined> {
    return decodeByAppending(this, request, this.parts.info.contextLength);
  }

  /** Appends and hands over the address of each wanted row of logits with its index in `tokens`. */
  async advance(
    tokens: readonly number[],
    at: AppendRequest['at'],
    signal: AbortSignal | undefined,
    onLogits: (index: number, logits: number) => void,
  ): Promise<void> {
    this.check(tokens);
    const { pages, passRows, passLogits } = this.parts;
    const before = this.held;
    this.busy = true;
    try {
      this.stopIfAborted(signal);
      const most = at === 'every' ? Math.min(passRows, passLogits) : passRows;
      for (let first = 0; first < tokens.length; first += most) {
        const chunk = tokens.slice(first, first + most);
        const isLast = first + chunk.length === tokens.length;
        const logitRows = at === 'every' ? chunk.length : at === 'last' && isLast ? 1 : 0;
        await this.pass(chunk, before + first, logitRows, signal, (row, logits) => onLogits(first + row, logits));
        if (!this.released) pages.trim(before + first + chunk.length, before);
      }
      this.stopIfAborted(signal);
      this.held = before + tokens.length;
      pages.trim(this.held);
    } catch (error) {
      if (!this.released) pages.truncate(before);
      throw error;
    } finally {
      this.busy = false;
      if (this.released) pages.release();
    }
  }

  truncate(length: number): void {
    this.checkUsable();
    if (!Number.isInteger(length) || length < 0 || length > this.held) {
      throw invalid(`cannot truncate ${this.held} tokens to ${length}`);
    }
    this.parts.pages.truncate(length);
    this.held = length;
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.held = 0;
    if (!this.busy) this.parts.pages.release(); // else `advance` does it when its pass has ended
    this.parts.onRelease();
  }

  private async pass(
    tokens: readonly number[],
    position: number,
    logitRows: number,
    signal: AbortSignal | undefined,
    onLogits: (row: number, logits: number) => void,
  ): Promise<void> {
    const { pages, runner } = this.parts;
    const [closeFrom, closeTo] = pages.reserve(position, position + tokens.length);
    try {
      await runner.run({
        tokens,
        rows: tokens.length,
        position,
        floatPages: pages.floats,
        int8Pages: pages.closed,
        closeFrom,
        closeTo,
        logitRows,
        check: () => this.stopIfAborted(signal),
        onLogits: (logits, row) => onLogits(row, logits),
      });
    } catch (error) {
      pages.reopen(closeFrom, closeTo);
      throw error;
    }
  }

  private check(tokens: readonly number[]): void {
    this.checkUsable();
    if (tokens.length === 0) throw invalid('there is no token to append');
    const { vocabularySize, contextLength } = this.parts.info;
    const wrong = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabularySize);
    if (wrong !== undefined) throw invalid(`token ${wrong} is not one of the vocabulary's ${vocabularySize}`);
    const total = this.held + tokens.length;
    if (total <= contextLength) return;
    throw new EngineError('prompt-too-long', `The text is ${total} tokens long; this model holds ${contextLength}.`, {
      hint: 'Shorten the text, or start a new chat.',
    });
  }

  private checkUsable(): void {
    if (this.released) throw invalid('this sequence was released');
    if (this.busy) throw invalid('this sequence is still busy with the call before');
  }

  private stopIfAborted(signal: AbortSignal | undefined): void {
    if (signal?.aborted === true || this.released) throw new EngineError('aborted', 'The request was stopped.');
  }
}

function invalid(what: string): EngineError {
  return new EngineError('invalid-request', `The decoder was called wrongly: ${what}.`);
}
