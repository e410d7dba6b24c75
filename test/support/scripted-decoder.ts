// A decoder that says what it is told to: the double at the edge of `generate/`'s and the host's tests. It keeps the
// contract strictly (context, released sequences, overlapping calls) and counts what is open, so that a leak shows.

import { decodeByAppending } from '../../engine/decoders/decode-loop.js';
import type {
  AppendRequest,
  Choice,
  DecodeRequest,
  Decoder,
  DecoderInfo,
  Holding,
  Sequence,
} from '../../engine/decoders/decoder.js';
import { EngineError } from '../../engine/protocol/errors.js';

export interface ScriptedDecoderOptions {
  readonly vocabularySize: number;
  readonly contextLength?: number;
  /** Choices that `decode` computes beyond the one it hands out, as a GPU would; none when absent. */
  readonly ahead?: number;
  /** The token that follows these. */
  readonly next: (held: readonly number[], request: AppendRequest) => number | Choice;
  /** Before each append, with its running number from 0: wait, or throw to fail it. */
  readonly before?: (call: number, request: AppendRequest) => Promise<void> | void;
}

export class ScriptedDecoder implements Decoder {
  readonly info: DecoderInfo;
  /** Tokens of each append, in order, of all sequences. */
  readonly appended: (readonly number[])[] = [];
  readonly open = new Set<ScriptedSequence>();
  opened = 0;
  disposed = false;
  private calls = 0;

  constructor(private readonly options: ScriptedDecoderOptions) {
    this.info = {
      kind: 'wasm',
      device: 'wasm',
      deviceName: 'a script',
      contextLength: options.contextLength ?? 4096,
      vocabularySize: options.vocabularySize,
      weightBytes: 0,
    };
  }

  get holding(): Holding {
    const tokens = [...this.open].reduce((sum, sequence) => sum + sequence.length, 0);
    return { tokens, kvBytes: tokens };
  }

  openSequence(): Sequence {
    this.opened += 1;
    const sequence: ScriptedSequence = new ScriptedSequence(
      this.options,
      this.info.contextLength,
      () => this.calls++,
      (tokens) => this.appended.push(tokens),
      () => this.open.delete(sequence),
    );
    this.open.add(sequence);
    return sequence;
  }

  logits(): Promise<Float32Array> {
    throw new Error('a script has no logits');
  }

  dispose(): Promise<void> {
    this.disposed = true;
    for (const sequence of [...this.open]) sequence.release();
    return Promise.resolve();
  }
}

class ScriptedSequence implements Sequence {
  private held: number[] = [];
  private busy = false;
  /** Between the choices of a `decode` that runs ahead, the sequence is not the caller's. */
  private decoding = false;
  private released = false;

  constructor(
    private readonly options: ScriptedDecoderOptions,
    private readonly contextLength: number,
    private readonly nextCall: () => number,
    private readonly log: (tokens: readonly number[]) => void,
    private readonly onRelease: () => void,
  ) {}

  get length(): number {
    return this.held.length;
  }

  get holding(): Holding {
    return { tokens: this.length, kvBytes: this.length };
  }

  async append(request: AppendRequest): Promise<readonly Choice[]> {
    if (this.decoding) throw new EngineError('invalid-request', 'busy with decoding');
    return this.appendNow(request);
  }

  private async appendNow(request: AppendRequest): Promise<readonly Choice[]> {
    if (this.released || this.busy) throw new EngineError('invalid-request', 'released, or busy with another call');
    if (request.tokens.length === 0) throw new EngineError('invalid-request', 'nothing to append');
    if (request.tokens.some((id) => !(id >= 0 && id < this.options.vocabularySize))) {
      throw new EngineError('invalid-request', 'not of the vocabulary');
    }
    if (this.length + request.tokens.length > this.contextLength) {
      throw new EngineError('prompt-too-long', 'the context is full');
    }
    this.busy = true;
    try {
      await this.options.before?.(this.nextCall(), request);
      if (request.signal?.aborted === true) throw new EngineError('aborted', 'stopped');
      this.held.push(...request.tokens);
      this.log(request.tokens);
      if (request.at === 'none') return [];
      const next = this.options.next(this.held, request);
      return [typeof next === 'number' ? { id: next } : next];
    } finally {
      this.busy = false;
    }
  }

  decode(request: DecodeRequest): AsyncGenerator<Choice, void, undefined> {
    const { ahead = 0 } = this.options;
    return ahead === 0 ? decodeByAppending(this, request, this.contextLength) : this.decodeAhead(request, ahead);
  }

  private async *decodeAhead(request: DecodeRequest, ahead: number): AsyncGenerator<Choice, void, undefined> {
    if (this.decoding) throw new EngineError('invalid-request', 'busy with decoding');
    const before = this.length;
    const { held } = this;
    const self: Pick<Sequence, 'append' | 'length'> = {
      append: (one) => this.appendNow(one),
      get length() {
        return held.length;
      },
    };
    const source = decodeByAppending(self, request, this.contextLength);
    const made: Choice[] = [];
    let handed = 0;
    let over = false;
    this.decoding = true;
    try {
      while (!over || handed < made.length) {
        while (!over && made.length - handed <= ahead) {
          const { done, value } = await source.next();
          if (done === true) over = true;
          else made.push(value);
        }
        const choice = made[handed];
        if (choice === undefined) return;
        handed += 1;
        yield choice;
      }
    } finally {
      this.decoding = false;
      // What ran ahead is forgotten.
      const kept = handed === 0 ? before : before + request.tokens.length + handed - 1;
      this.held.length = Math.min(this.held.length, kept);
    }
  }

  truncate(length: number): void {
    if (this.released || this.busy || this.decoding || length > this.held.length)
      throw new EngineError('invalid-request', 'truncate');
    this.held.length = length;
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.held = [];
    this.onRelease();
  }
}
