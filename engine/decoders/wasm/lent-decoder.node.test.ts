// The engine's end of lending against workers that misbehave: one that never answers, one that says what it should not.
// With real workers and threads: threads.isolated.test.ts, test/e2e/lending.e2e.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomModel } from '../../../test/support/memory-model.js';
import { EngineError } from '../../protocol/errors.js';
import type { Decoder } from '../decoder.js';
import { createLentDecoder } from './lent-decoder.js';

const model = randomModel({
  architecture: 'llama',
  layers: 1,
  hiddenSize: 32,
  feedForwardSize: 32,
  heads: 1,
  kvHeads: 1,
  headSize: 32,
  vocabularySize: 64,
  contextLength: 64,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
});

interface Lent {
  readonly decoder: Decoder;
  /** The worker's end. */
  readonly worker: MessagePort;
  readonly leave: AbortController;
  readonly ended: () => number;
}

/** Opened, over a worker that answers nothing from then on. */
async function silent(): Promise<Lent> {
  const { port1: port, port2: worker } = new MessageChannel();
  const leave = new AbortController();
  let ends = 0;
  worker.onmessage = ({ data }: MessageEvent<{ readonly type: string }>) => {
    const sizes = { contextLength: 64, vocabularySize: 64, weightBytes: 1 };
    const info = { kind: 'wasm', device: 'wasm', deviceName: 'a worker', ...sizes };
    if (data.type === 'open') worker.postMessage({ type: 'opened', info });
  };
  const giveBack = (): void => {
    ends++;
    worker.close();
  };
  const options = { port, gone: leave.signal, threads: 2, model, kernels: 'https://site.example/', giveBack };
  return { decoder: await createLentDecoder(options), worker, leave, ended: () => ends };
}

test(
  'a worker that does not answer is ended all the same when the decoder is disposed of',
  { timeout: 8_000 },
  async () => {
    const { decoder, ended } = await silent();
    const answer = decoder.openSequence().append({ tokens: [1], at: 'none' });
    answer.catch(() => undefined);
    await decoder.dispose();
    assert.equal(ended(), 1);
    await assert.rejects(answer, EngineError);
  },
);

test('a tab that leaves in the middle of a token fails that call and all later ones with its reason', async () => {
  const { decoder, leave, ended } = await silent();
  const sequence = decoder.openSequence();
  const answer = sequence.append({ tokens: [1], at: 'none' });
  leave.abort(new EngineError('helper-lost', 'The tab has gone.'));
  await assert.rejects(answer, { code: 'helper-lost' });
  await assert.rejects(sequence.append({ tokens: [1], at: 'none' }), { code: 'helper-lost' });
  await decoder.dispose();
  assert.equal(ended(), 1);
});

test('what is no message of a decoder ends it, with a typed error', async () => {
  const { decoder, worker, ended } = await silent();
  const answer = decoder.openSequence().append({ tokens: [1], at: 'none' });
  worker.postMessage({ type: 'appended', id: 1, choices: [{ id: -1 }], kvBytes: 'many' });
  await assert.rejects(answer, { code: 'internal' });
  await decoder.dispose();
  assert.equal(ended(), 1);
});
