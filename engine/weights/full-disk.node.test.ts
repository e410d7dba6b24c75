// A disk that is full from some write on, whichever that is: a small model runs all the same, what was kept before stays
// right, and when there is room again the next life keeps it whole. Packs, GGUF files and ONNX repositories each.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openGgufInput } from '../../models/packer/gguf-input.js';
import { writePack } from '../../models/packer/write-pack.js';
import { FileServer } from '../../test/support/file-server.js';
import { ggufFile } from '../../test/support/gguf-model.js';
import { MemoryPieces } from '../../test/support/memory-pieces.js';
import { randomModel, smallSpec } from '../../test/support/memory-model.js';
import { graphInMemory, transformersConfig } from '../../test/support/onnx-repository.js';
import { systemClock } from './download/retry.js';
import type { Model } from './model.js';
import { isGraphModel, type GraphModel } from './onnx/graph-model.js';
import { openModel } from './open-model.js';
import { localLocks } from './store/locks.js';
import { ModelStore } from './store/model-store.js';

/** GGUF files keep the epsilon as a 32-bit float. */
const spec = { ...smallSpec, rmsNormEpsilon: Math.fround(smallSpec.rmsNormEpsilon) };
const truth = randomModel(spec, { kind: 'q4' });
const server = new FileServer();
const dataFile = 'model_q4.onnx_data';
let graph: Uint8Array<ArrayBuffer>;
let data: Uint8Array<ArrayBuffer>;

/** No put succeeds from this one on (1 is the first), or only this one fails. */
class FullPieces extends MemoryPieces {
  puts = 0;

  constructor(
    records: Map<string, Uint8Array<ArrayBuffer>>,
    private readonly fullAt: number,
    private readonly once: boolean,
  ) {
    super(records);
  }

  override async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.puts++;
    if (this.once ? this.puts === this.fullAt : this.puts >= this.fullAt) {
      throw new DOMException('There is no room.', 'QuotaExceededError');
    }
    await super.put(name, bytes);
  }
}

before(async () => {
  await server.open();
  const folder = await mkdtemp(join(tmpdir(), 'full-disk-'));
  const gguf = await ggufFile(truth);
  await writeFile(join(folder, 'model.gguf'), gguf);
  server.files.set('/model.gguf', gguf);
  const input = await openGgufInput(join(folder, 'model.gguf'));
  const plain = { quant: 'keep', embedding: 'keep', tensors: [], scales: 'rule', shardLimit: 2 ** 15 } as const;
  await writePack(input, { out: join(folder, 'pack'), ...plain });
  await input.close();
  for (const name of await readdir(join(folder, 'pack'))) {
    server.files.set(`/pack/${name}`, await readFile(join(folder, 'pack', name)));
  }
  await rm(folder, { recursive: true });
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  ({ graph, data } = await graphInMemory(truth, { dataFile, context: 64 }));
  server.files.set('/graph/config.json', text(transformersConfig(randomModel(spec), 64)));
  server.files.set('/graph/tokenizer.json', text({ version: '1.0', model: { vocab: { a: 0 } } }));
  server.files.set('/graph/tokenizer_config.json', text({ eos_token: '</s>' }));
  server.files.set('/graph/onnx/model_q4.onnx', graph);
  server.files.set(`/graph/onnx/${dataFile}`, data);
});
after(() => server.close());

const storeOver = (pieces: MemoryPieces): Promise<ModelStore> =>
  ModelStore.open({ pieces, locks: localLocks(), now: () => 1 });

const open = (store: ModelStore, path: string): Promise<Model | GraphModel> =>
  openModel(
    { kind: 'url', url: server.origin + path },
    { store, clock: { ...systemClock, sleep: () => Promise.resolve() }, shardLimit: 2 ** 15 },
  );

async function assertRight(model: Model | GraphModel): Promise<void> {
  if (isGraphModel(model)) {
    assert.deepEqual(await model.readFile('model_q4.onnx'), graph);
    assert.deepEqual(await model.readFile(dataFile), data);
    return;
  }
  for (const name of truth.tensors.keys()) {
    assert.deepEqual(await model.readTensor(name), await truth.readTensor(name), name);
  }
}

/** Until the model is here whole: tensors may be read before the last of it is written. */
async function assertKept(records: Map<string, Uint8Array<ArrayBuffer>>, path: string): Promise<void> {
  const store = await storeOver(new MemoryPieces(records));
  const model = await open(store, path);
  await assertRight(model);
  for (let i = 0; i < 500 && !store.find(server.origin + path)?.manifest; i++) {
    await new Promise((done) => setTimeout(done, 2));
  }
  assert.ok(store.find(server.origin + path)?.manifest, 'it is kept whole');
  model.close();
}

for (const [name, path] of [
  ['a pack', '/pack/manifest.json'],
  ['a GGUF file', '/model.gguf'],
  ['an ONNX repository', '/graph/'],
] as const) {
  test(`${name}: full at any write, for good or once`, async () => {
    const counting = new FullPieces(new Map(), Infinity, false);
    const counted = await storeOver(counting);
    const whole = await open(counted, path);
    await assertRight(whole);
    for (let i = 0; i < 500 && !counted.find(server.origin + path)?.manifest; i++) {
      await new Promise((done) => setTimeout(done, 2));
    }
    whole.close();
    assert.ok(counting.puts > 5, `${counting.puts} writes`);
    for (const once of [true, false]) {
      for (let fullAt = 1; fullAt <= counting.puts; fullAt++) {
        const records = new Map<string, Uint8Array<ArrayBuffer>>();
        const store = await storeOver(new FullPieces(records, fullAt, once));
        const model = await open(store, path);
        await assertRight(model);
        model.close();
        await assertKept(records, path);
      }
    }
  });
}
