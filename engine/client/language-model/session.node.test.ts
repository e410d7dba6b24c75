// Aborts reach a session wherever it waits: for the prompts before it, for a tool that never answers. Over an engine of
// three lines; the rest is language-model.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languageModel, type LanguageModelClass, type LanguageModelEngine } from './language-model.js';
import { Session, type SessionEngine } from './session.js';

type Delta = Record<string, unknown>;

/** @param say the deltas of the answer to each request, in turn; a promise holds the answer up */
function engineOf(...say: (readonly Delta[] | Promise<readonly Delta[]>)[]): {
  engine: SessionEngine;
  asked: number[];
} {
  const asked: number[] = [];
  const create = async ({ messages }: { messages: readonly unknown[] }) => {
    const deltas = say[asked.length] ?? [{ content: 'more' }];
    asked.push(messages.length);
    return (async function* () {
      for (const delta of await deltas) yield { choices: [{ delta, finish_reason: null }] };
    })();
  };
  const engine = { chat: { completions: { create } }, countTokens: async () => ({ tokens: 1, contextLength: 1_000 }) };
  return { engine: engine as unknown as SessionEngine, asked };
}

async function whole(session: Session, text: string, signal?: AbortSignal): Promise<string> {
  let answer = '';
  for await (const piece of session.prompt(text, signal === undefined ? {} : { signal })) answer += piece;
  return answer;
}

const soon = <T>(promise: Promise<T>): Promise<T | 'late'> =>
  Promise.race([promise, new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), 200))]);
const failed = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => (error as Error).message,
  );

const call = { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'wait', arguments: '{}' } }] };

test('an abort ends a prompt whose tool never answers, and the next one goes on', async () => {
  const tool = { name: 'wait', description: '', inputSchema: {}, execute: () => new Promise<string>(() => undefined) };
  const { engine, asked } = engineOf([call]);
  const session = await Session.open(engine, { tools: [tool] }, [], () => undefined);
  const stop = new AbortController();
  const answer = failed(whole(session, 'a', stop.signal));
  setTimeout(() => stop.abort(new Error('enough')), 20);
  assert.equal(await soon(answer), 'enough');
  assert.equal(await soon(whole(session, 'b')), 'more');
  assert.deepEqual(asked, [1, 1], 'nothing of the aborted prompt is left');
});

test('an abort ends a prompt that waits for another, and no later one overtakes', async () => {
  let release = (_deltas: readonly Delta[]): void => undefined;
  const held = new Promise<readonly Delta[]>((resolve) => (release = resolve));
  const { engine, asked } = engineOf(held);
  const session = await Session.open(engine, {}, [], () => undefined);
  const first = whole(session, 'a');
  const stop = new AbortController();
  const second = failed(whole(session, 'b', stop.signal));
  const third = whole(session, 'c');
  setTimeout(() => stop.abort(new Error('enough')), 20);
  assert.equal(await soon(second), 'enough');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(asked.length, 1, 'the third waits for the first');
  release([{ content: 'one' }]);
  assert.deepEqual(await Promise.all([first, third]), ['one', 'more']);
});

test('a session is an instance of the class that made it, as its copies are', async () => {
  const { engine } = engineOf();
  const state = { status: { kind: 'ready', model: { id: 'm' } } };
  const models = { list: async () => ({ data: [] }), storage: async () => ({ models: [] }) };
  const whole = { ...engine, state, models, settings: { defaultModel: 'm' }, subscribe: () => () => undefined };
  globalThis.ProgressEvent ??= class extends Event {} as unknown as typeof ProgressEvent;
  const Model: LanguageModelClass = languageModel(async () => whole as unknown as LanguageModelEngine);
  const session = await Model.create();
  const isOne = (value: object): boolean => Model.prototype.isPrototypeOf(value);
  assert.ok(isOne(session));
  assert.ok(isOne(await session.clone()));
  assert.equal((Model as unknown as { name: string }).name, 'LanguageModel');
});
