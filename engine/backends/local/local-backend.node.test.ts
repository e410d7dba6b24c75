// The local backend over a real trained model (stories260K) on the plain reference decoder: the reference text comes
// out, the same one every time, also when continued by another backend, stopped in the middle or disposed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createReferenceDecoder } from '../../../test/support/reference-decoder.js';
import { sharedPath, skipWithoutShared } from '../../../test/support/shared-node.js';
import { stories260k } from '../../../test/support/stories260k.js';
import type { Decoder } from '../../decoders/decoder.js';
import type { ChatCompletionRequest } from '../../protocol/chat.js';
import { EngineError } from '../../protocol/errors.js';
import { createTokenizer } from '../../tokenizer/create-tokenizer.js';
import type { Backend, BackendEvent } from '../backend.js';
import { createLocalBackend } from './local-backend.js';

const skip = skipWithoutShared;

async function open(): Promise<{ backend: Backend; decoder: Decoder }> {
  const model = await stories260k((path) => readFile(sharedPath(path)));
  assert.ok(model);
  const decoder = await createReferenceDecoder(model);
  const tokenizer = createTokenizer(model.tokenizerFiles);
  return { decoder, backend: createLocalBackend({ identity: model.identity, decoder, tokenizer }) };
}

const reference = (): { prompt: string; prompt_ids: number[]; ids: number[]; text: string } =>
  (
    JSON.parse(readFileSync(sharedPath('data/testvectors/generated/stories260K-reference.json'), 'utf8')) as {
      prompted: { prompt: string; prompt_ids: number[]; ids: number[]; text: string };
    }
  ).prompted;

const asking = (content: string, more: Partial<ChatCompletionRequest> = {}): ChatCompletionRequest => ({
  messages: [{ role: 'user', content }],
  temperature: 0,
  max_tokens: 80,
  ...more,
});

async function answer(
  backend: Backend,
  completion: ChatCompletionRequest,
  partialAnswer = '',
  signal = new AbortController().signal,
): Promise<{ text: string; events: BackendEvent[] }> {
  const events: BackendEvent[] = [];
  for await (const event of backend.stream({ completion, partialAnswer, signal })) events.push(event);
  return { text: events.map((event) => (event.type === 'delta' ? event.text : '')).join(''), events };
}

test('the reference text of stories260K, again and again', { skip }, async () => {
  const { backend } = await open();
  const { prompt, prompt_ids, ids, text } = reference();
  const completion = asking(prompt, { max_tokens: ids.length - prompt_ids.length });
  const first = await answer(backend, completion);
  assert.equal(prompt + first.text, text);
  const again = await answer(backend, completion);
  assert.equal(again.text, first.text);
  assert.deepEqual(again.events[0], {
    type: 'prefilled',
    promptTokens: prompt_ids.length,
    cachedTokens: prompt_ids.length - 1,
  });
  await backend.dispose();
});

test('an answer continued from its middle is the same answer', { skip }, async () => {
  const { backend } = await open();
  const { prompt } = reference();
  const whole = (await answer(backend, asking(prompt, { max_tokens: 40 }))).text;
  const begin = (await answer(backend, asking(prompt, { max_tokens: 15 }))).text;
  const other = await open();
  const rest = (await answer(other.backend, asking(prompt, { max_tokens: 25 }), begin)).text;
  assert.equal(begin + rest, whole);
});

test('a seed fixes a sampled answer, no seed does not', { skip }, async () => {
  const { backend } = await open();
  const sampled = async (seed?: number): Promise<string> =>
    (await answer(backend, asking('Once', { temperature: 1, ...(seed === undefined ? {} : { seed }) }))).text;
  const first = await sampled(7);
  assert.equal(await sampled(7), first);
  assert.notEqual(await sampled(8), first);
  assert.notEqual(await sampled(), await sampled());
});

test('stopped in the middle it frees what it should and answers the next request the same', { skip }, async () => {
  const { backend, decoder } = await open();
  const { text } = await answer(backend, asking('The little bird was'));
  const controller = new AbortController();
  let deltas = 0;
  await assert.rejects(
    (async () => {
      const completion = asking('The little bird was');
      for await (const event of backend.stream({ completion, partialAnswer: '', signal: controller.signal })) {
        if (event.type === 'delta' && ++deltas === 5) controller.abort();
      }
    })(),
    (error) => error instanceof EngineError && error.code === 'aborted',
  );
  assert.equal(deltas, 5);
  assert.equal((await answer(backend, asking('The little bird was'))).text, text);
  await backend.dispose();
  assert.deepEqual(decoder.holding, { tokens: 0, kvBytes: 0 });
});

test('disposing stops a running answer, and afterwards requests are refused', { skip }, async () => {
  const { backend, decoder } = await open();
  const aborted = (error: unknown): boolean => error instanceof EngineError && error.code === 'aborted';
  await assert.rejects(
    (async () => {
      const signal = new AbortController().signal;
      for await (const event of backend.stream({ completion: asking('One'), partialAnswer: '', signal })) {
        if (event.type === 'delta') void backend.dispose();
      }
    })(),
    aborted,
  );
  await assert.rejects(answer(backend, asking('One')), aborted);
  await backend.dispose();
  assert.deepEqual(decoder.holding, { tokens: 0, kvBytes: 0 });
});

test(
  'a prompt longer than the context is refused, and one that leaves one place gets two tokens',
  { skip },
  async () => {
    const { backend, decoder } = await open();
    await assert.rejects(
      answer(backend, asking('once upon a time '.repeat(200))),
      (error) => error instanceof EngineError && error.code === 'prompt-too-long' && error.message.includes('512'),
    );
    const { events } = await answer(backend, asking('a\n'.repeat(255), { max_tokens: 5 }));
    const last = events.at(-1);
    assert.ok(last?.type === 'end' && last.promptTokens === decoder.info.contextLength - 1, JSON.stringify(last));
    assert.deepEqual([last.finishReason, last.completionTokens], ['length', 2]);
  },
);
