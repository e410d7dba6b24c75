// Runs one admitted request to its end: chooses where it begins (the loaded model, or the cloud when the request asks
// for it and the visitor allows it), writes the events as chunks on its stream, keeps its figures. Called by AnswerLine
// within the request's turn; knows nothing of the queue. Never throws: what fails is told on the request's stream.

import { EngineError } from '../protocol/errors.js';
import type { Provenance } from '../protocol/chat.js';
import type { EngineSettings } from '../protocol/host-api.js';
import { cloudModelId } from '../protocol/state.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import type { AnswerMeter } from '../metrics/answer-meter.js';
import type { Backend } from '../backends/backend.js';
import { answer, type Route } from '../routing/answer.js';
import type { AnswerStream } from './answer-stream.js';
import { ChunkWriter } from './chunks.js';
import { consentRequired } from './cloud-model.js';
import type { LoadRules } from './load-rules.js';
import type { ModelSlot } from './model-slot.js';
import type { Turn } from './turnstile.js';

export interface AnswerJob {
  readonly requestId: string;
  readonly tabId: string;
  readonly completion: CompletionRequest;
  /** Whether somebody can see the tab. */
  readonly visible: () => boolean;
  readonly controller: AbortController;
  readonly stream: AnswerStream;
  readonly meter: AnswerMeter;
  /** The endpoint is answering it right now. */
  atCloud: boolean;
  /** Called when it is known who answers: others may answer beside it. */
  readonly routed: () => void;
}

export interface AnsweringParts {
  readonly slot: ModelSlot;
  readonly settings: () => EngineSettings;
  readonly cloudAllowed: () => boolean;
  /** What the tab demands of models. */
  readonly rules: (tabId: string) => LoadRules;
  readonly createCloud: (settings: EngineSettings) => Backend;
  readonly now: () => number;
  readonly changed: (kind: 'progress' | 'change') => void;
  readonly note: (text: string) => void;
}

export class Answering {
  constructor(private readonly parts: AnsweringParts) {}

  /** @throws EngineError `invalid-request` without an endpoint, `consent-required` while the visitor's switch is off */
  requireCloud(): void {
    if (this.parts.settings().cloudUrl === null) {
      throw new EngineError('invalid-request', 'The cloud model was asked for, but this site has set no endpoint.', {
        hint: 'Choose a model that runs on this device.',
      });
    }
    if (!this.parts.cloudAllowed()) throw consentRequired();
  }

  /**
   * Fetches what it asks for beside the model that answers meanwhile.
   * @returns null where there is nothing to be fetched first; rejects as loading does
   */
  prepare({ completion: { model }, tabId, controller }: AnswerJob): Promise<void> | null {
    const { slot, rules } = this.parts;
    if (model === undefined || !slot.mayFetch(model)) return null;
    return slot.prepare(model, controller.signal, rules(tabId));
  }

  /** @param turn shared with other answers; left alone whenever the model must be changed */
  async run(job: AnswerJob, turn: Turn): Promise<void> {
    const { stream, controller, meter } = job;
    const { signal } = controller;
    try {
      stream.started();
      this.parts.changed('change');
      const writer = new ChunkWriter(job.requestId, Math.floor(Date.now() / 1000));
      let from: Provenance | null = null;
      const routes = {
        first: () => this.#first(job, turn),
        next: (error: EngineError, failed: Route) => this.#next(error, failed, turn, signal),
      };
      for await (const event of answer(job.completion, routes, signal)) {
        if (event.type === 'route') {
          // The one gate that every way to the endpoint leads through: nothing was sent yet.
          if (event.route.backend.info.leavesDevice) this.requireCloud();
          const begins = from === null;
          from = event.route.provenance;
          job.atCloud = event.route.backend.info.leavesDevice;
          meter.computes(event.route.device);
          this.parts.changed('change');
          job.routed();
          if (begins) stream.chunk(writer.begin(from));
          continue;
        }
        if (from === null) throw new EngineError('internal', 'An answer began before its route was known.');
        if (event.type === 'prefilled') {
          meter.prefilled(event.promptTokens, event.cachedTokens);
        } else if (event.type === 'delta') {
          meter.tokens(event.tokens);
          writer.hold(event.ids ?? []);
          if (event.text !== '' || event.logprobs?.length) stream.chunk(writer.text(from, event.text, event.logprobs));
        } else {
          meter.prefilled(event.promptTokens, 0);
          const { promptTokens, completionTokens } = event;
          const usage = {
            prompt_tokens: promptTokens,
            completion_tokens: completionTokens,
            total_tokens: promptTokens + completionTokens,
          };
          stream.chunk(writer.end(from, event.finishReason, usage, event.toolCalls));
        }
        this.parts.changed('progress');
      }
      stream.done();
    } catch (error) {
      stream.fail(signal.aborted ? EngineError.from(signal.reason) : EngineError.from(error));
    } finally {
      job.atCloud = false;
      meter.end();
    }
  }

  async #first(job: AnswerJob, turn: Turn): Promise<Route> {
    const { completion, controller } = job;
    if (completion.model === cloudModelId) {
      this.requireCloud(); // again: the switch may have gone off while it waited
      const backend = this.parts.createCloud(this.parts.settings());
      return { backend, provenance: { backend: 'cloud', model: cloudModelId }, device: 'cloud' };
    }
    const { slot } = this.parts;
    const { signal } = controller;
    const began = this.parts.now();
    const { loads } = slot;
    const load = () => slot.ensure(completion.model, signal, this.parts.rules(job.tabId));
    const loaded = slot.serves(completion.model)
      ? null
      : await turn.alone(() => !slot.serves(completion.model), load, signal);
    if (slot.loads > loads) job.meter.loaded(this.parts.now() - began);
    return loaded ?? (await load());
  }

  /** When a device fails, all its answers do: the first has it mended, the others find that it is. */
  async #next(error: EngineError, failed: Route, turn: Turn, signal: AbortSignal): Promise<Route | null> {
    const { slot } = this.parts;
    const mend = () => slot.recover(failed.backend, error, signal);
    const broken = (): boolean => slot.runs(failed.backend) && !failed.backend.info.leavesDevice;
    const mended = broken() ? await turn.alone(broken, mend, signal) : null;
    return mended ?? (await mend());
  }
}
