// One sequence of the WebGPU decoder: appending in steps, decoding a few steps ahead of what was handed out, truncating.
// Made by webgpu-decoder.ts, driven by `generate/` through the `Sequence` contract. Knows nothing of buffers and shaders.
// More than eight tokens go through the kernels for many rows, up to eight through those for a few, so what is computed
// depends on the call and not on how it was cut into steps; 'every' is always cut into steps of up to eight, each row of
// which is to the bit what it would be alone.
// Whatever goes wrong, the sequence holds afterwards what it held before the call (`decode`: what was handed out).

import { EngineError } from '../../protocol/errors.js';
import { chooseToken } from '../choose.js';
import type {
  AppendRequest,
  Choice,
  ChooseOptions,
  DecodeRequest,
  DecoderInfo,
  Holding,
  Sequence,
} from '../decoder.js';
import type { GpuWatch } from '../gpu.js';
import { checkTokens, invalid } from './calls.js';
import type { Chooser, Choosing } from './choosing.js';
import type { Lane } from './lane.js';
import type { Pace } from './pace.js';
import type { PagePool } from './page-pool.js';
import type { Place } from './readback.js';
import { SequencePages } from './sequence-pages.js';
import type { Flight, Rounds, Seat } from './rounds.js';
import { type Fed, fewRows } from './step-parts.js';
import type { Steps } from './steps.js';

/** Tokens of an answer that pages are made sure of before it begins; most end sooner than their limit. */
const reservedAhead = 256;

export interface SequenceParts {
  readonly info: DecoderInfo;
  readonly gpu: GpuWatch;
  readonly pool: PagePool;
  readonly steps: Steps;
  /** Where decode loops of all texts meet. */
  readonly rounds: Rounds;
  /** For chunks of prompts. */
  readonly lane: Lane;
  readonly chooser: Chooser;
  /** Rows of prompt chunks, as measured so far. */
  readonly pace: Pace;
  readonly onRelease: () => void;
}

export class WebGpuSequence implements Sequence {
  private held = 0;
  private busy = false;
  private released = false;
  private readonly pages: SequencePages;

  constructor(private readonly parts: SequenceParts) {
    this.pages = new SequencePages(parts.pool);
  }

  get length(): number {
    return this.held;
  }

  get holding(): Holding {
    return { tokens: this.held, kvBytes: this.pages.bytes };
  }

  async append({ tokens, at, choose, signal }: AppendRequest): Promise<readonly Choice[]> {
    if (at !== 'none' && choose === undefined) throw invalid('choosing needs `choose`');
    return this.exclusively(tokens, signal, async () => {
      const before = this.held;
      const choices: Choice[] = [];
      const choosing = at === 'none' || choose === undefined ? null : await this.parts.chooser.open(choose);
      try {
        await this.pages.reserve(before + tokens.length);
        const few = at === 'every' || tokens.length <= fewRows;
        for (let done = 0; done < tokens.length;) {
          this.stopIfAborted(signal);
          const chunk = tokens.slice(done, done + this.rowsOf(few, tokens.length));
          const last = done + chunk.length === tokens.length;
          const wanted = last || at === 'every' ? choosing : null;
          const leave = few ? null : await this.parts.lane.enter(signal);
          try {
            const place = await this.step(before + done, chunk, few, wanted);
            if (wanted === null) await this.paced(few ? null : chunk.length);
            else choices.push(...(await this.chosen(place, wanted, before + done, chunk, few, at === 'every')));
          } finally {
            leave?.();
          }
          done += chunk.length;
        }
        this.stopIfAborted(signal);
        this.held = before + tokens.length;
        return choices;
      } catch (error) {
        this.pages.truncate(before);
        throw error;
      } finally {
        choosing?.close();
      }
    });
  }

  async *decode(request: DecodeRequest): AsyncGenerator<Choice, void, undefined> {
    const { tokens, choose, limit, endIds, signal } = request;
    this.begin(tokens);
    const before = this.held;
    const full = this.parts.info.contextLength;
    const penalised = [...choose.penalised];
    let flights: Flight[] = [];
    let choosing: Choosing | null = null;
    let seat: Seat | null = null;
    try {
      this.stopIfAborted(signal);
      choosing = await this.parts.chooser.open(choose, true);
      let position = before + tokens.length;
      await this.pages.reserve(Math.min(full, position + Math.min(limit, reservedAhead)));
      let last: Fed = await this.prefill(tokens, choosing, signal);
      flights.push(last as Flight);
      let token = tokens.at(-1) as number; // the one that the next choice comes after
      let submitted = 1;
      for (let handed = 1; ; handed++) {
        if (submitted < limit) seat ??= this.parts.rounds.join();
        const ahead = choosing.commands.length === 0 ? 1 : this.parts.rounds.ahead;
        while (seat !== null && flights.length < ahead && submitted < limit && position < full) {
          last = seat.step({ pages: this.pages, position, token: last, choosing });
          flights.push(last as Flight);
          position += 1;
          submitted += 1;
        }
        const at = before + tokens.length + handed - 1; // tokens that the choice comes after
        let choice = await (flights.shift() as Flight).choice;
        if (choice === null) {
          // The GPU could not tell, so what ran ahead began with a token that nobody chose.
          await seat?.drop();
          flights = [];
          choice = await this.chooseOnCpu(at - 1, token, { ...choose, penalised });
          choosing.restart([...penalised, choice.id]);
          this.pages.truncate(at);
          last = { id: choice.id, record: 0 };
          position = at;
          submitted = handed;
        }
        this.stopIfAborted(signal);
        this.held = at;
        yield choice;
        if (endIds.has(choice.id) || handed >= limit || at >= full) return;
        this.stopIfAborted(signal);
        penalised.push(choice.id);
        token = choice.id;
      }
    } catch (error) {
      throw EngineError.from(error);
    } finally {
      // Steps that were submitted may go on: what others submit with these pages comes after them.
      await seat?.leave();
      choosing?.close();
      if (!this.released) this.pages.truncate(this.held);
      this.end();
    }
  }

  truncate(length: number): void {
    this.checkUsable();
    if (!Number.isInteger(length) || length < 0 || length > this.held) {
      throw invalid(`cannot truncate ${this.held} tokens to ${length}`);
    }
    this.pages.truncate(length);
    this.held = length;
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.held = 0;
    if (!this.busy) this.pages.release(); // else the call that is under way does it
    this.parts.onRelease();
  }

  /** The logits of every position, for tests: handed over a few rows at a time. */
  async logits(
    tokens: readonly number[],
    signal: AbortSignal | undefined,
    take: (encoder: GPUCommandEncoder, position: number, rows: number) => void,
    taken: () => Promise<void>,
  ): Promise<void> {
    await this.exclusively(tokens, signal, async () => {
      const few = tokens.length <= fewRows;
      for (let done = 0; done < tokens.length;) {
        this.stopIfAborted(signal);
        const chunk = tokens.slice(done, done + this.rowsOf(few, 1));
        const step = { pages: this.pages, position: done, tokens: chunk, rows: few ? 'few' : 'many' } as const;
        const first = done;
        await this.parts.steps.runForLogits(step, (encoder, row, rows) => take(encoder, first + row, rows));
        await taken();
        done += chunk.length;
        this.held = done;
      }
    });
  }

  /** All tokens of a decoding, up to the step whose choice comes first. */
  private async prefill(
    tokens: readonly number[],
    choosing: Choosing,
    signal: AbortSignal | undefined,
  ): Promise<Flight> {
    const few = tokens.length <= fewRows;
    for (let done = 0; ;) {
      this.stopIfAborted(signal);
      let chunk = tokens.slice(done, done + this.rowsOf(few, tokens.length));
      // The GPU counts the first row's choice: the last token goes alone.
      if (few && choosing.counting && chunk.length > 1)
        chunk = chunk.slice(0, Math.min(chunk.length, tokens.length - done - 1));
      const last = done + chunk.length === tokens.length;
      const leave = few ? null : await this.parts.lane.enter(signal);
      try {
        const place = await this.step(this.held + done, chunk, few, last ? choosing : null);
        if (last) {
          const rows = few ? chunk.length : 1;
          const flight = this.flight(place, choosing, rows - 1, rows);
          if (leave !== null) void flight.choice.then(leave, leave);
          return flight;
        }
        await this.paced(few ? null : chunk.length);
      } catch (error) {
        leave?.();
        throw error;
      }
      leave?.();
      done += chunk.length;
    }
  }

  /** Rows of the next step. */
  private rowsOf(few: boolean, wanted: number): number {
    if (!few) return this.parts.rounds.texts === 0 ? this.parts.pace.rows : this.parts.pace.rowsBeside;
    if (wanted > 1) this.parts.steps.prepareSeveral();
    return this.parts.steps.fewRows;
  }

  private step(
    position: number,
    tokens: readonly number[] | Fed,
    few: boolean,
    choosing: Choosing | null,
  ): Promise<Place | null> {
    const rows = few ? 'few' : 'many';
    return this.parts.steps.run({ pages: this.pages, position, tokens, rows, choosing });
  }

  /** The choices of a step: of each of its rows, or of the last. */
  private async chosen(
    place: Place | null,
    choosing: Choosing,
    position: number,
    tokens: readonly number[],
    few: boolean,
    every: boolean,
  ): Promise<Choice[]> {
    const rows = few ? tokens.length : 1;
    const made = await place?.read(rows, (words) => (row: number) => choosing.choiceOf(words, row));
    const choices: Choice[] = [];
    for (let i = every ? 0 : tokens.length - 1; i < tokens.length; i++) {
      const choice = made?.(few ? i : 0) ?? null;
      choices.push(choice ?? (await this.chooseOnCpu(position + i, tokens[i] as number, choosing.options)));
    }
    return choices;
  }

  /** Computes one token at its place again and chooses from its logits, for what the GPU does not cover. */
  private async chooseOnCpu(position: number, token: number, options: ChooseOptions): Promise<Choice> {
    return chooseToken(await this.parts.steps.logitsOf(this.pages, position, token), options, position + 1);
  }

  private flight(place: Place | null, choosing: Choosing, row: number, rows: number): Flight {
    if (place === null) return { id: null, record: 0, choice: Promise.resolve(null) };
    const made = {
      id: null as number | null,
      record: place.firstRecord + row,
      choice: place.read(rows, (words) => {
        const choice = choosing.choiceOf(words, row);
        made.id = choice?.id ?? 0; // of a choice that does not hold: what is computed with it is thrown away
        return choice;
      }),
    };
    made.choice.catch(() => undefined); // told to whoever asks for the choice
    return made;
  }

  /** Waits until the GPU has done what it was given, and learns from a chunk how long chunks may be when it is alone. */
  private async paced(rows: number | null): Promise<void> {
    const began = performance.now();
    await this.parts.gpu.guard(() => this.parts.gpu.device.queue.onSubmittedWorkDone());
    if (rows !== null && this.parts.rounds.texts === 0) this.parts.pace.learn(rows, performance.now() - began);
  }

  private async exclusively<T>(
    tokens: readonly number[],
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    this.begin(tokens);
    try {
      this.stopIfAborted(signal);
      return await work();
    } catch (error) {
      throw EngineError.from(error);
    } finally {
      this.end();
    }
  }

  private begin(tokens: readonly number[]): void {
    this.checkUsable();
    checkTokens(tokens, this.held, this.parts.info);
    this.busy = true;
  }

  private end(): void {
    this.busy = false;
    if (this.released) this.pages.release();
  }

  private checkUsable(): void {
    if (this.released) throw invalid('this sequence was released');
    if (this.busy) throw invalid('this sequence is still busy with the call before');
  }

  private stopIfAborted(signal: AbortSignal | undefined): void {
    if (signal?.aborted === true || this.released) throw new EngineError('aborted', 'The request was stopped.');
  }
}
