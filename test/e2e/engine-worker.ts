// The engine's worker from outside, over the DevTools protocol: what no page can be told (its ports, its memory), and a
// hand on its answers. A fault that is to hit an answer under way needs the answer to be under way for sure, however fast
// the machine computes and however late the test is: `holdAnswers` has the engine stand still in mid-answer, with its event
// loop running, until it is let go. Called by the end-to-end tests. It knows two things of the engine: an answer's tokens go
// out in messages `{type: 'chunk'}` (protocol/host-api.ts), and between tokens it lets the event loop turn by posting null to itself
// (decoders/next-task.ts). Where that no longer holds, `held` fails and says so; no test passes by it.

import assert from 'node:assert/strict';
import type { CDPSession, Page } from 'playwright-core';
import type { Kit } from './support.js';

export interface EngineWorker {
  /** The value of an expression in the worker, or of what it promises; plain data. */
  evaluate<T>(expression: string): Promise<T>;
}

/** The engine in this tab's own worker (`host: 'tab'`). */
export function tabEngine(page: Page): EngineWorker {
  const [worker] = page.workers();
  assert.ok(worker, 'the engine runs in a worker of this tab');
  return { evaluate: <T>(expression: string) => worker.evaluate<T>(expression) };
}

type Send = <T>(method: string, params?: Record<string, unknown>) => Promise<T>;

/**
 * The engine in its SharedWorker. The protocol is attached for each use only: a worker that ends while it is attached keeps
 * the next one of its name from starting.
 */
export class SharedEngine implements EngineWorker {
  #ids = 0;

  private constructor(
    private readonly browser: CDPSession,
    private readonly targetId: string,
  ) {}

  /** Waits for the worker to be there. */
  static async of(kit: Pick<Kit, 'browser'>): Promise<SharedEngine> {
    const browser = await kit.browser.newBrowserCDPSession();
    for (let tries = 0; tries < 600; tries++) {
      const { targetInfos } = await browser.send('Target.getTargets');
      const worker = targetInfos.find(({ type }) => type === 'shared_worker');
      if (worker) return new SharedEngine(browser, worker.targetId);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('The engine runs in no SharedWorker.');
  }

  /** Ends it as a crash would. Resolves when it is gone. */
  async kill(): Promise<void> {
    const { browser, targetId } = this;
    await browser.send('Target.closeTarget', { targetId });
    for (;;) {
      const { targetInfos } = await browser.send('Target.getTargets');
      if (!targetInfos.some((target) => target.targetId === targetId)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async evaluate<T>(expression: string): Promise<T> {
    type Outcome = { result: { value: T }; exceptionDetails?: { text: string; exception?: { description?: string } } };
    const wanted = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails: thrown } = await this.attached((send) =>
      send<Outcome>('Runtime.evaluate', wanted),
    );
    if (thrown) throw new Error(thrown.exception?.description ?? thrown.text);
    return result.value;
  }

  /** Sends commands of the DevTools protocol to the worker. */
  async attached<T>(work: (send: Send) => Promise<T>): Promise<T> {
    const { browser, targetId } = this;
    type Answer = { id?: number; result?: unknown; error?: { message: string } };
    const waiting = new Map<number, (answer: Answer) => void>();
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: false });
    const hear = (event: { sessionId: string; message: string }): void => {
      if (event.sessionId !== sessionId) return;
      const answer = JSON.parse(event.message) as Answer;
      if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
    };
    browser.on('Target.receivedMessageFromTarget', hear);
    const send: Send = async <T>(method: string, params: Record<string, unknown> = {}): Promise<T> => {
      const id = ++this.#ids;
      const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve));
      await browser.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) });
      const { result, error } = await answer;
      if (error) throw new Error(`${method}: ${error.message}`);
      return result as T;
    };
    try {
      return await work(send);
    } finally {
      browser.off('Target.receivedMessageFromTarget', hear);
      await browser.send('Target.detachFromTarget', { sessionId });
    }
  }
}

/** A hand on the answers that an engine writes. */
export interface Hold {
  /** Resolves when the engine stands still in mid-answer. */
  held(): Promise<void>;
  /** Tokens that were sent since the engine was last held or let go. */
  tokens(): Promise<number>;
  /** Goes on, if it stood still. */
  letGo(how?: LetGo): Promise<void>;
}

export interface LetGo {
  /** It is to stand still again after so many further tokens. */
  readonly until?: number;
  /** Or after so many further turns of the event loop: a large model takes one for each token at least. */
  readonly turns?: number;
  /** Milliseconds to lose from now on wherever the event loop turns, which is at least once every few tokens. */
  readonly slowly?: number;
}

/** As text, because a function that is sent must not have functions with names in it. */
const hand = `void (globalThis.hand ??= (() => {
  const { postMessage } = MessagePort.prototype;
  const kept = [];
  const waiting = [];
  let [tokens, turns] = [0, 0];
  let [mostTokens, mostTurns] = [Infinity, Infinity];
  let pause = 0;
  MessagePort.prototype.postMessage = function (message, ...rest) {
    if (message !== null) {
      if (message?.type === 'chunk') tokens += message.chunk.llm.tokenIds?.length ?? 0;
      return postMessage.call(this, message, ...rest);
    }
    const turn = () => postMessage.call(this, null);
    if (tokens >= mostTokens || ++turns > mostTurns) {
      kept.push(turn);
      for (const tell of waiting.splice(0)) tell(true);
    } else if (pause > 0) setTimeout(turn, pause);
    else turn();
  };
  return {
    held: (patience) => kept.length > 0 || new Promise((resolve) => {
      waiting.push(resolve);
      setTimeout(() => resolve(false), patience);
    }),
    tokens: () => tokens,
    letGo(...how) {
      [tokens, turns] = [0, 0];
      [mostTokens, mostTurns, pause] = how;
      for (const turn of kept.splice(0)) turn();
    },
  };
})())`;

/** Milliseconds in which an answer that was asked for must have come so far: loading the model may be part of it. */
const patience = 120_000;

/** Has the engine stand still once it has sent so many tokens of answers or a few more, or after so many turns. */
export async function holdAnswers(engine: EngineWorker, after: number | { readonly turns: number }): Promise<Hold> {
  const sent = (): Promise<number> => engine.evaluate('hand.tokens()');
  const letGo = async ({ until = Infinity, turns = Infinity, slowly = 0 }: LetGo = {}): Promise<void> =>
    engine.evaluate(`hand.letGo(${until}, ${turns}, ${slowly})`);
  await engine.evaluate(hand);
  await letGo(typeof after === 'number' ? { until: after } : after);
  return {
    held: async () => {
      const stands = await engine.evaluate<boolean>(`hand.held(${patience})`);
      if (!stands) throw new Error(`The engine does not stand still in mid-answer; it sent ${await sent()} tokens.`);
    },
    tokens: sent,
    letGo,
  };
}

/** The graphics devices that an engine opens from now on. */
export interface Devices {
  /** Resolves when all of them are lost, as the engine itself is told. */
  lost(): Promise<void>;
  /** Loses those that are open. */
  lose(): Promise<void>;
}

const follow = `{
  const devices = [];
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...wanted) {
    devices.push(await requestDevice.apply(this, wanted));
    return devices.at(-1);
  };
  const lost = (some) => Promise.all(some.map((device) => device.lost)).then(() => undefined);
  globalThis.devices = {
    lost: () => lost(devices),
    lose() {
      const open = devices.splice(0);
      for (const device of open) device.destroy();
      return lost(open);
    },
  };
}`;

export async function trackDevices(engine: EngineWorker): Promise<Devices> {
  await engine.evaluate(follow);
  return { lost: () => engine.evaluate('devices.lost()'), lose: () => engine.evaluate('devices.lose()') };
}
