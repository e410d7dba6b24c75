// One sequence of a decoder in a worker that a tab lent, on the engine's side. Made by lent-decoder.ts, driven by `generate/` through
// the `Sequence` contract. The worker decodes ahead of what was handed out, so that no token waits for a message; what was made
// in vain is taken back when the decoding ends.
// What goes wrong: what the decoder says there; after a release, and of a worker that is gone, see lent-line.ts.

import { EngineError } from '../../protocol/errors.js';
import type { AppendRequest, Choice, DecodeRequest, Holding, Sequence } from '../decoder.js';
import type { Line } from './lent-line.js';

export class LentSequence implements Sequence {
  private held = 0;
  private kvBytes = 0;
  private busy = false;
  private released = false;

  constructor(
    private readonly line: Line,
    private readonly id: number,
    private readonly onRelease: () => void,
  ) {}

  get length(): number {
    return this.held;
  }

  get holding(): Holding {
    return { tokens: this.held, kvBytes: this.kvBytes };
  }

  async append({ signal, ...request }: AppendRequest): Promise<readonly Choice[]> {
    this.checkUsable();
    this.busy = true;
    try {
      const call = { type: 'append', sequence: this.id, request } as const;
      const reply = await this.line.call(call, signal, { onHolding: this.onHolding });
      this.stopIfReleased();
      this.held += request.tokens.length;
      return reply.type === 'appended' ? (reply.choices as readonly Choice[]) : [];
    } catch (error) {
      this.stopIfReleased(); // whatever the worker then says of a sequence that it no longer has
      throw error;
    } finally {
      this.busy = false;
    }
  }

  async *decode({ signal, ...request }: DecodeRequest): AsyncGenerator<Choice, void, undefined> {
    this.checkUsable();
    this.busy = true;
    const { line } = this;
    const id = line.newId();
    const before = this.held;
    const choices: Choice[] = [];
    let wake = (): void => undefined;
    const onChoices = (made: readonly Choice[]): void => {
      choices.push(...made);
      wake();
    };
    let end: { readonly error: unknown } | null = null;
    const call = { type: 'decode', sequence: this.id, request } as const;
    const ended = line
      .call(call, signal, { onHolding: this.onHolding, onChoices }, id)
      .then(() => null)
      .catch((error: unknown) => error)
      .then((error) => {
        end = { error };
        wake();
        return error;
      });
    try {
      let told = 0;
      for (let taken = 1; ; taken++) {
        if (choices.length === 0 && end === null) await new Promise<void>((resolve) => (wake = resolve));
        this.stopIfReleased(signal);
        const choice = choices.shift();
        if (choice === undefined) {
          const { error } = (end ?? { error: null }) as { readonly error: unknown };
          if (error !== null) throw error;
          return;
        }
        this.held = before + request.tokens.length + taken - 1;
        if (choices.length === 0) {
          line.send({ type: 'taken', id, count: taken - told });
          told = taken;
        }
        yield choice;
      }
    } finally {
      if (end === null) line.send({ type: 'end', id, length: this.held });
      const error = await ended;
      // Choices that were made ahead and are not wanted are taken back.
      if (choices.length > 0 || error !== null) line.send({ type: 'truncate', sequence: this.id, length: this.held });
      this.busy = false;
    }
  }

  truncate(length: number): void {
    this.checkUsable();
    if (!Number.isInteger(length) || length < 0 || length > this.held) {
      throw invalid(`cannot truncate ${this.held} tokens to ${length}`);
    }
    this.held = length;
    this.line.send({ type: 'truncate', sequence: this.id, length });
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.held = 0;
    this.kvBytes = 0;
    this.line.send({ type: 'release', sequence: this.id });
    this.onRelease();
  }

  private readonly onHolding = (kvBytes: number): void => {
    this.kvBytes = this.released ? 0 : kvBytes;
  };

  private stopIfReleased(signal?: AbortSignal): void {
    if (this.released || signal?.aborted === true) throw new EngineError('aborted', 'The request was stopped.');
  }

  private checkUsable(): void {
    if (this.released) throw invalid('this sequence was released');
    if (this.busy) throw invalid('this sequence is still busy with the call before');
  }
}

function invalid(what: string): EngineError {
  return new EngineError('invalid-request', `The decoder was called wrongly: ${what}.`);
}
