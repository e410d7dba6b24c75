// Runs forward passes, one at a time: writes tokens and rotary angles where forward.ts reads them, goes through the
// layers, lets the event loop turn in between, hands the logits over. Made by wasm-decoder.ts, called by wasm-sequence.ts.
// Another sequence's pass waits: activations lie in one scratch. Knows nothing of sequences' lengths or of choosing.
// What goes wrong: what `check` throws (aborts; looked at between layers), a trap in a kernel: from then on every call
// fails with it.

import type { Kernels } from '../../../kernels/wasm/kernels.js';
import { layerFacts, rotarySizeOf } from '../../weights/architectures.js';
import type { ModelSpec } from '../../weights/model.js';
import { rotaryAmplitude, rotaryFrequencies } from '../rotary.js';
import { Breather } from './breather.js';
import { asEngineError, isTrap } from './failures.js';
import { Forward, type ForwardPlan, logitStride, type Pass } from './forward.js';
import type { WasmMemory } from './memory.js';
import type { Pacing } from './pace.js';
import { alone, type Team } from './sharing.js';

/** Milliseconds between two pauses: what a call from another tab waits at most, beside one layer (bench tabs). */
const breathEvery = 2;
/** And where threads wait for the pause, too: in a worker that computes and nothing else. Below a token's time. */
const teamBreathEvery = 4;

/** From so many rows on they take about the same time each. */
const manyRows = 16;

/** A multiply-add of attention takes as long as so many of a matrix: it waits for keys and values, which nothing packs. */
const attentionCost = 4;

interface RotaryAngles {
  readonly frequencies: Float64Array;
  readonly amplitude: number;
}

export interface PassRequest extends Pass {
  readonly tokens: readonly number[];
  /** Called between layers; throwing ends the pass. */
  check(): void;
  /** Called for each row of logits while it lies there. @param row of the pass */
  onLogits(address: number, row: number): void;
}

/** A team whose other members are told where the pass is (threads.ts). */
export interface LedTeam extends Team {
  /** When all of them compute, and when one does. */
  newPace(): Pacing;
  /** Another pass begins: its layers follow. */
  start(pass: Pass): void;
  /** The pass took so long, and all of it was computed: the next one may be shared out otherwise. */
  took(milliseconds: number): void;
  /** The next layer, or the end, may be computed. */
  next(): void;
  /** The pass ends here. */
  abandon(): void;
}

export class PassRunner {
  /** By all threads, and by this one alone. */
  private readonly together: Forward;
  private readonly alone: Forward;
  /** Of passes of one row, and of many: what a row takes differs by the number of rows. */
  private readonly paces: { readonly one: Pacing; readonly many: Pacing };
  private readonly breather: Breather;
  private readonly angles: readonly RotaryAngles[];
  /** Multiply-adds of a row. */
  private readonly matrixWork: number;
  private last: Promise<unknown> = Promise.resolve();
  private failure: Error | null = null;

  constructor(
    private readonly plan: ForwardPlan,
    kernels: Kernels,
    private readonly memory: WasmMemory,
    private readonly team: LedTeam,
    contextLength: number,
  ) {
    this.together = new Forward(plan, kernels, memory, team);
    this.alone = team.size === 1 ? this.together : new Forward(plan, kernels, memory, alone);
    this.paces = { one: team.newPace(), many: team.newPace() };
    this.breather = new Breather(team.size > 1 ? teamBreathEvery : breathEvery);
    this.angles = anglesOf(plan.spec, contextLength);
    const { layers, head } = plan.weights;
    const stacks = layers.flatMap((layer) => [layer.queryKeyValue, layer.attentionOutput, layer.gateUp, layer.down]);
    this.matrixWork = [...stacks, head].reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  }

  /** @throws EngineError; whatever `check` or `onLogits` throws */
  run(request: PassRequest): Promise<void> {
    const result = this.last.then(() => this.pass(request));
    this.last = result.catch(() => undefined); // the failure is `result`'s; the next in line is not concerned
    return result;
  }

  /** Resolves when no pass runs; none may follow. */
  async close(): Promise<void> {
    await this.last;
    this.breather.close();
  }

  private async pass(request: PassRequest): Promise<void> {
    if (this.failure !== null) throw this.failure;
    request.check();
    const { tokens, check, onLogits, ...pass } = request;
    const { spec, scratch } = this.plan;
    this.memory.words(scratch.tokens, pass.rows).set(tokens);
    this.turn(pass);
    const pace = pass.rows < manyRows ? this.paces.one : this.paces.many;
    const together = this.team.size > 1 && pace.together;
    const forward = together ? this.together : this.alone;
    const began = performance.now();
    if (together) this.team.start(pass);
    try {
      forward.begin(pass);
      for (let layer = 0; layer < spec.layers; layer++) {
        const pause = this.breather.breathe();
        if (pause !== null) {
          await pause;
          check.call(request);
        }
        if (together) this.team.next();
        forward.layer(layer, pass);
      }
      if (together) this.team.next();
      forward.end(pass);
      if (this.team.size > 1 && (pass.rows === 1 || pass.rows >= manyRows)) {
        const took = performance.now() - began;
        pace.took(took / this.workOf(pass));
        // Of many rows threads take parts from one another, and wait for nobody.
        if (together && pass.rows === 1) this.team.took(took);
      }
      const stride = logitStride(spec) * 4;
      for (let row = 0; row < pass.logitRows; row++) {
        // Chooses a token with kernels, too: a trap in those is one of this decoder's.
        onLogits.call(request, scratch.logits + row * stride, pass.rows - pass.logitRows + row);
      }
    } catch (error) {
      if (together) this.team.abandon();
      if (isTrap(error)) this.failure = asEngineError(error);
      throw asEngineError(error);
    }
  }

  /** Of a pass, in what a row without a text before it takes: a pass after a long text is no sign of a busy machine. */
  private workOf({ rows, position }: Pass): number {
    const { layers, heads, headSize } = this.plan.spec;
    const perToken = 2 * layers * heads * headSize * attentionCost;
    return rows * (1 + ((position + rows / 2) * perToken) / this.matrixWork);
  }

  /** Cosines and sines of the pass's positions. */
  private turn({ rows, position }: Pass): void {
    const { spec, scratch } = this.plan;
    const half = rotarySizeOf(spec) / 2;
    for (const [kind, { frequencies, amplitude }] of this.angles.entries()) {
      const cosines = this.memory.floats(scratch.cosines[kind] as number, rows * half);
      const sines = this.memory.floats(scratch.sines[kind] as number, rows * half);
      for (let row = 0; row < rows; row++) {
        for (let i = 0; i < half; i++) {
          const angle = (position + row) * (frequencies[i] as number);
          cosines[row * half + i] = amplitude * Math.cos(angle);
          sines[row * half + i] = amplitude * Math.sin(angle);
        }
      }
    }
  }
}

/** Of layers that see everything, then of those that slide, where there are any. */
function anglesOf(spec: ModelSpec, contextLength: number): RotaryAngles[] {
  const all = Array.from({ length: spec.layers }, (_, layer) => layerFacts(spec, layer));
  const full = all.find(({ window }) => window === null);
  const sliding = all.find(({ window }) => window !== null);
  const rotarySize = rotarySizeOf(spec);
  return [full ?? sliding, ...(sliding === undefined ? [] : [sliding])].flatMap((facts) => {
    if (facts === undefined) return [];
    const { ropeTheta, ropeScaling } = facts;
    const frequencies = rotaryFrequencies({ rotarySize, ropeTheta, ropeScaling }, contextLength);
    return [{ frequencies, amplitude: rotaryAmplitude(ropeScaling) }];
  });
}
