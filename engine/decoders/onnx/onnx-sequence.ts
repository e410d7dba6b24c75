// One sequence of the ONNX decoder: its cache, its length, and appending in bounded chunks. Made by onnx-decoder.ts, driven
// by `generate/` through the `Sequence` contract. Knows nothing of sessions' insides or devices.
// ONNX Runtime cannot be stopped in the middle of a run, so abort is looked at between chunks, and another sequence's
// chunk may run in between. Whatever goes wrong, the sequence holds afterwards what it held before the call.

import { EngineError } from '../../protocol/errors.js';
import { chooseToken } from '../choose.js';
import type { AppendRequest, Choice, DecodeRequest, DecoderInfo, Holding, Sequence } from '../decoder.js';
import { decodeByAppending } from '../decode-loop.js';
import type { SequenceCache } from './kv-cache.js';
import { asEngineError } from './ort-runtime.js';

/** Rows of logits a run returns at most; one row of a large vocabulary is 600 kB. */
const runLogits = 32;

/** What turns tokens into logits. */
export interface ForwardPass<Cache> {
  /**
   * Appends `tokens` at position `length` of the cache, which must have room, and returns the logits of the wanted ones.
   * @param wanted ascending indices into `tokens`
   * @returns one float32 [vocabularySize] for each wanted index
   */
  run(
    cache: Cache,
    length: number,
    tokens: readonly number[],
    wanted: readonly number[],
  ): Promise<readonly Float32Array[]>;
}

export class OnnxSequence<Cache extends SequenceCache> implements Sequence {
  private held = 0;
  private busy = false;
  private released = false;

  constructor(
    private readonly info: DecoderInfo,
    private readonly sessions: ForwardPass<Cache>,
    private readonly cache: Cache,
    /** Tokens a run takes at most: the longest wait for an abort, and the bound of attention's scratch memory. */
    private readonly runTokens: number,
    private readonly onRelease: () => void,
  ) {}

  get length(): number {
    return this.held;
  }

  get holding(): Holding {
    return { tokens: this.held, kvBytes: this.cache.bytes };
  }

  async append(request: AppendRequest): Promise<readonly Choice[]> {
    const { tokens, at, choose } = request;
    if (at !== 'none' && choose === undefined) throw invalid('choosing needs `choose`');
    const choices: Choice[] = [];
    await this.advance(tokens, at, request.signal, (index, logits) => {
      if (choose) choices.push(chooseToken(logits, choose, this.held + index + 1));
    });
    return choices;
  }

  decode(request: DecodeRequest): AsyncGenerator<Choice, void, undefined> {
    return decodeByAppending(this, request, this.info.contextLength);
  }

  /** Appends and hands over each wanted row of logits with its index in `tokens`; shared by `append` and `logits`. */
  async advance(
    tokens: readonly number[],
    at: AppendRequest['at'],
    signal: AbortSignal | undefined,
    onLogits: (index: number, logits: Float32Array) => void,
  ): Promise<void> {
    this.check(tokens);
    const before = this.held;
    const total = before + tokens.length;
    if (total > this.info.contextLength) {
      throw new EngineError(
        'prompt-too-long',
        `The text is ${total} tokens long; this model holds ${this.info.contextLength}.`,
        { hint: 'Shorten the text, or start a new chat.' },
      );
    }
    this.busy = true;
    try {
      this.stopIfAborted(signal);
      await this.cache.reserve(before, total);
      this.stopIfAborted(signal); // released meanwhile, perhaps with the sessions that would run
      const most = at === 'every' ? Math.min(runLogits, this.runTokens) : this.runTokens;
      for (let first = 0; first < tokens.length; first += most) {
        const chunk = tokens.slice(first, first + most);
        const last = first + chunk.length === tokens.length;
        const wanted = at === 'every' ? [...chunk.keys()] : at === 'last' && last ? [chunk.length - 1] : [];
        const rows = await this.sessions.run(this.cache, before + first, chunk, wanted);
        this.stopIfAborted(signal);
        for (const [i, row] of rows.entries()) onLogits(first + (wanted[i] ?? 0), row);
      }
      this.held = total;
    } catch (error) {
      this.cache.truncate(before);
      throw asEngineError(error, 'computing the answer');
    } finally {
      this.busy = false;
      if (this.released) this.cache.release();
    }
  }

  truncate(length: number): void {
    this.checkUsable();
    if (!Number.isInteger(length) || length < 0 || length > this.held) {
      throw invalid(`cannot truncate ${this.held} tokens to ${length}`);
    }
    this.cache.truncate(length);
    this.held = length;
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.held = 0;
    if (!this.busy) this.cache.release(); // else `advance` does it when its run has ended
    this.onRelease();
  }

  private check(tokens: readonly number[]): void {
    this.checkUsable();
    if (tokens.length === 0) throw invalid('there is no token to append');
    const size = this.info.vocabularySize;
    const wrong = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= size);
    if (wrong !== undefined) throw invalid(`token ${wrong} is not one of the vocabulary's ${size}`);
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
