// What browser tests of the client and the host share: connections that stand for tabs, and ways to wait for a state.

import { connect, EngineError, type ConnectOptions, type Engine, type EngineState } from '../../engine/client/index.js';

export const scriptedWorker = new URL('./scripted-worker.ts', import.meta.url);
export const scriptedModels = new URL('./scripted-models.json', import.meta.url);

/** Connections to one scripted engine of its own; `close` after each test. */
export class Tabs {
  readonly name = crypto.randomUUID();
  readonly #opened: Engine[] = [];

  /** Each id is a tab: its own port and lock. */
  async open(tabId: string, options: ConnectOptions = {}): Promise<Engine> {
    const engine = await connect({
      workerUrl: scriptedWorker,
      catalogueUrl: scriptedModels,
      name: this.name,
      tabId,
      ...options,
    });
    this.#opened.push(engine);
    return engine;
  }

  close(): void {
    for (const engine of this.#opened.splice(0)) engine.close();
  }
}

export const ask = (engine: Engine, content: string, options: { signal?: AbortSignal; model?: string } = {}) =>
  engine.chat.completions.create(
    { messages: [{ role: 'user', content }], stream: true, ...(options.model ? { model: options.model } : {}) },
    options.signal ? { signal: options.signal } : {},
  );

export async function read(
  stream: AsyncIterable<{ choices: readonly { delta: { content?: string } }[] }>,
): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  return text;
}

/** The EngineError that `work` fails with. */
export async function failure(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('It was to fail, and did not.');
}

/** Resolves with the first state that is `wanted`. */
export function until(
  engine: Engine,
  wanted: (state: EngineState) => boolean,
  milliseconds = 10_000,
): Promise<EngineState> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`Not reached: ${JSON.stringify(engine.state)}`));
    }, milliseconds);
    const look = (state: EngineState): void => {
      if (!wanted(state)) return;
      clearTimeout(timer);
      stop();
      resolve(state);
    };
    const stop = engine.subscribe(look);
    look(engine.state);
  });
}
