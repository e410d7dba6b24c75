// A model of 1 GB passes through the real code with little memory: a pack that is downloaded, verified and read, the same
// read warm, a GGUF file that is rewritten, and an ONNX repository that is downloaded. Its bytes are made as they are asked
// for, by the server's stand-in and by the store's, so that neither counts. Live memory is measured (heap and array buffers
// after a collection), at every forty-eighth piece stored or read, in a process of its own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ggufParts } from '../../test/support/gguf-model.js';
import { writeGguf } from '../../test/support/gguf-writer.js';
import { randomModel } from '../../test/support/memory-model.js';
import { graphInMemory, transformersConfig } from '../../test/support/onnx-repository.js';
import type { ByteSource } from './byte-source.js';
import { systemClock } from './download/retry.js';
import { DownloadSwitch } from './download/switch.js';
import { openGguf } from './gguf/gguf-model.js';
import type { Model, ModelSpec } from './model.js';
import type { Opening } from './opening.js';
import { isGraphModel } from './onnx/graph-model.js';
import { partsOf } from './onnx/graph-store.js';
import { openModel, openTensorModel } from './open-model.js';
import { planLayout } from './rewrite/layout.js';
import { rewriteModel } from './rewrite/rewritten-model.js';
import { localLocks } from './store/locks.js';
import { ModelStore } from './store/model-store.js';
import { pieceLength, type PieceStore } from './store/pieces.js';
import { elementCount, expectedTensors, partLengths } from './tensor-layout.js';

/** 28 layers of 38 MB in q4; no tensor is larger than a shard, so that the caller's tensor does not blur the figure. */
const spec: ModelSpec = {
  architecture: 'llama',
  layers: 28,
  hiddenSize: 2048,
  feedForwardSize: 8192,
  heads: 32,
  kvHeads: 32,
  headSize: 64,
  vocabularySize: 4096,
  contextLength: 2048,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};
const mebibyte = 2 ** 20;
const shard = 16 * mebibyte;
/** The bound, above the shard and the tensor that the caller has just been given. */
const bound = 64 * mebibyte;

/** Every byte of shard i; as the halves of a binary16 it is a finite number. */
const byteOf = (index: number): number => 0x20 + (index % 64);

let baseline = 0;
let peak = 0;
let calls = 0;

function live(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
/** What a finished WebCrypto job held is free only after a turn of the event loop. */
async function sample(): Promise<void> {
  if (calls++ % 48 !== 0) return;
  await new Promise((resume) => setImmediate(resume));
  globalThis.gc?.();
  await new Promise((resume) => setImmediate(resume));
  peak = Math.max(peak, live());
}
function begin(): void {
  baseline = live();
  peak = 0;
}
function end(what: string, more: number): void {
  const used = peak - baseline - more;
  console.log(`${what}: ${(used / mebibyte).toFixed(1)} MiB above a shard and a tensor`);
  assert.ok(peak > 0 && used < bound, `${what}: ${used / mebibyte} MiB`);
}

/** Remembers what shards were stored and makes their bytes anew; small records are kept. */
function forgetfulPieces(indexOf: (key: string) => number | undefined): PieceStore {
  const sizes = new Map<string, number>();
  const small = new Map<string, Uint8Array<ArrayBuffer>>();
  const made = (name: string): number | undefined => indexOf(name.slice(0, 64));
  return {
    kind: 'memory',
    async put(name, bytes) {
      await sample();
      sizes.set(name, bytes.length);
      if (made(name) === undefined) small.set(name, bytes.slice());
    },
    async get(name) {
      await sample();
      const size = sizes.get(name);
      if (size === undefined) return null;
      const index = made(name);
      return index === undefined ? (small.get(name)?.slice() ?? null) : new Uint8Array(size).fill(byteOf(index));
    },
    size: async (name) => sizes.get(name) ?? null,
    async remove(name) {
      sizes.delete(name);
      small.delete(name);
    },
    list: async () => [...sizes.keys()],
    close: () => undefined,
  };
}

async function readAll(model: Model): Promise<number> {
  let largest = 0;
  for (const [name, { byteLength }] of model.tensors) {
    await model.readTensor(name);
    largest = Math.max(largest, byteLength);
  }
  return largest;
}

async function passPack(): Promise<void> {
  const facts = [...expectedTensors(spec)].map(([name, shape]) => {
    const kind = shape.length === 1 ? ('f32' as const) : name === 'embedding' ? ('q8' as const) : ('q4' as const);
    const { data, scales } = partLengths(kind, shape);
    return { name, kind, shape, byteLength: data + scales };
  });
  const layout = planLayout(facts);
  const keys = layout.shards.map((length, index) => {
    const hash = createHash('sha256');
    const part = Buffer.alloc(length, byteOf(index));
    return hash.update(part).digest('hex');
  });
  const tokenizer = new TextEncoder().encode('{}');
  const tokenizerKey = createHash('sha256').update(tokenizer).digest('hex');
  const shards = keys.map((sha256, index) => ({ sha256, byteLength: layout.shards[index] ?? 0 }));
  const manifest = {
    format: 'llm-elements-pack',
    formatVersion: 1,
    name: 'a gigabyte',
    description: '',
    licence: 'none',
    quantisation: 'q4',
    revision: 1,
    parent: null,
    architecture: spec,
    totals: {
      byteLength: layout.shards.reduce((sum, length) => sum + length, tokenizer.length),
      tensorByteLength: facts.reduce((sum, { byteLength }) => sum + byteLength, 0),
      parameters: facts.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    },
    shards,
    tensors: layout.tensors,
    tokenizer: { kind: 'gguf', metadata: { sha256: tokenizerKey, byteLength: tokenizer.length } },
    generation: {},
  };
  assert.ok(manifest.totals.byteLength > 1e9);
  const answer = (url: URL): Response => {
    if (url.pathname.endsWith('manifest.json')) return Response.json(manifest);
    if (url.pathname.includes(tokenizerKey)) return new Response(tokenizer);
    const index = keys.findIndex((key) => url.pathname.includes(key));
    let left = layout.shards[index] ?? 0;
    return new Response(
      new ReadableStream({
        pull(controller) {
          const chunk = new Uint8Array(Math.min(left, 65_536)).fill(byteOf(index));
          left -= chunk.length;
          controller.enqueue(chunk);
          if (left === 0) controller.close();
        },
      }),
    );
  };
  const indices = new Map(keys.map((key, index) => [key, index]));
  const pieces = forgetfulPieces((key) => indices.get(key));
  const store = await ModelStore.open({ pieces, locks: localLocks(), now: () => 1 });
  const open = (): Promise<Model> =>
    openTensorModel(
      { kind: 'url', url: 'http://model.invalid/' },
      { store, fetch: async (input) => answer(new URL(input instanceof Request ? input.url : input)) },
    );
  for (const what of ['a pack of 1 GB, downloaded', 'the same, stored']) {
    begin();
    const model = await open();
    end(what, shard + (await readAll(model)));
    model.close();
  }
}

/** The header of a small file with its sizes made large; tensors' bytes are made when they are read. */
async function passGguf(): Promise<void> {
  const small = { ...spec, hiddenSize: 32, feedForwardSize: 32, heads: 1, kvHeads: 1, headSize: 32, vocabularySize: 8 };
  const parts = await ggufParts(randomModel(small, { kind: 'f16' }));
  // Of F16, a layer has 134 MB: eight of them are a gigabyte.
  const large = { ...spec, layers: 8 };
  const swap = new Map([
    ['llama.embedding_length', large.hiddenSize],
    ['llama.feed_forward_length', large.feedForwardSize],
    ['llama.attention.head_count', large.heads],
    ['llama.attention.head_count_kv', large.kvHeads],
    ['llama.block_count', large.layers],
    ['llama.vocab_size', 8],
  ]);
  const metadata = parts.metadata.map(([key, value]) => {
    const number = swap.get(key);
    return number === undefined
      ? ([key, value] as const)
      : ([key, { type: 'uint32' as const, value: number }] as const);
  });
  const vectors = (name: string): boolean => /norm/.test(name);
  let offset = 0;
  const shapes = expectedTensors({ ...large, vocabularySize: 8 });
  const names = [...shapes.values()];
  const tensors = parts.tensors
    .filter(({ name }) => !/^blk\.(\d+)\./.test(name) || Number(/^blk\.(\d+)/.exec(name)?.[1]) < large.layers)
    .map((tensor, i) => {
      const dimensions = [...(names[i] ?? [])].reverse();
      const bytes = dimensions.reduce((product, size) => product * size, vectors(tensor.name) ? 4 : 2);
      const at = offset;
      offset += Math.ceil(bytes / 32) * 32;
      return { ...tensor, dimensions, type: vectors(tensor.name) ? 0 : 1, data: new Uint8Array(0), offset: BigInt(at) };
    });
  const header = writeGguf({ ...parts, metadata, tensors });
  const size = header.length + offset;
  assert.ok(size > 1e9);
  const source: ByteSource = {
    name: 'large.gguf',
    size,
    async read(from, length) {
      const bytes = new Uint8Array(length).fill(0x20);
      if (from < header.length) bytes.set(header.subarray(from, from + length));
      await sample();
      return bytes;
    },
  };
  // What was written is not all of one byte, so it is kept on the disk's stand-in by its hash alone.
  const stored = new Map<string, number>();
  const pieces = forgetfulPieces((key) => stored.get(key));
  const put = pieces.put.bind(pieces);
  pieces.put = async (name, bytes) => {
    if (/^[0-9a-f]{64}\.\d+$/.test(name) && bytes.length === pieceLength) stored.set(name.slice(0, 64), 0);
    await put(name, bytes);
  };
  const store = await ModelStore.open({ pieces, locks: localLocks(), now: () => 1 });
  begin();
  const opening: Opening = {
    http: { fetch: () => Promise.reject(new Error('nothing is fetched')) },
    store,
    trustedKeys: [],
    gate: {},
    control: new DownloadSwitch(),
    clock: systemClock,
    onProgress: () => undefined,
    onNote: () => undefined,
    device: () => Promise.resolve({ kind: 'wasm', f16: false }),
  };
  const model = await openGguf(source);
  const tokenizer = { kind: 'gguf' as const, metadata: new TextEncoder().encode('{}') };
  const original = { model, tokenizer, source: 'file:large.gguf', tag: '1', downloadBytes: 0 };
  const rewritten = await rewriteModel(original, opening);
  for (let i = 0; i < 6_000 && !store.find('file:large.gguf')?.manifest; i++) {
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.ok(store.find('file:large.gguf')?.manifest, 'it was rewritten whole');
  end('a GGUF file of 1 GB, rewritten', shard);
  rewritten.close();
}

/** The download of a graph's numbers; running them takes them whole (onnx/README.md). */
async function passGraph(): Promise<void> {
  const small = randomModel(
    { ...spec, layers: 1, hiddenSize: 64, feedForwardSize: 64, heads: 1, kvHeads: 1 },
    { kind: 'q4' },
  );
  const { graph } = await graphInMemory(small, { dataFile: 'model_q4.onnx_data', context: 8 });
  const folder = 'http://model.invalid/repository/';
  const texts: Record<string, unknown> = {
    'config.json': transformersConfig(small, 8),
    'tokenizer.json': {},
    'tokenizer_config.json': {},
  };
  const size = 1e9 + 12_345;
  const answer = (url: string, headers: Headers): Response => {
    const name = url.split('/').at(-1) ?? '';
    if (name in texts) return Response.json(texts[name]);
    const whole = name === 'model_q4.onnx' ? graph.length : name === 'model_q4.onnx_data' ? size : 0;
    if (whole === 0) return new Response('', { status: 404 });
    const [, from = 0, to = 0] = (/^bytes=(\d+)-(\d+)$/.exec(headers.get('range') ?? '') ?? []).map(Number);
    const last = Math.min(to, whole - 1);
    const range = { 'content-range': `bytes ${from}-${last}/${whole}`, etag: '"1"' };
    if (name === 'model_q4.onnx') return new Response(graph.slice(from, last + 1), { status: 206, headers: range });
    let left = last + 1 - from;
    const body = new ReadableStream({
      pull(controller) {
        const chunk = new Uint8Array(Math.min(left, 65_536)).fill(byteOf(1));
        left -= chunk.length;
        controller.enqueue(chunk);
        if (left === 0) controller.close();
      },
    });
    return new Response(body, { status: 206, headers: range });
  };
  const url = `${folder}onnx/model_q4.onnx_data`;
  const parts = await partsOf({ path: 'model_q4.onnx_data', url, byteLength: size, etag: '"1"' });
  const keys = new Map(parts.map(({ key }) => [key, 1]));
  const store = await ModelStore.open({
    pieces: forgetfulPieces((key) => keys.get(key)),
    locks: localLocks(),
    now: () => 1,
  });
  begin();
  const model = await openModel(
    { kind: 'url', url: `${folder}?dtype=q4` },
    { store, fetch: async (input, init) => answer(String(input), new Headers(init?.headers)) },
  );
  assert.ok(isGraphModel(model));
  await model.downloaded();
  end('an ONNX repository of 1 GB, downloaded', shard);
  model.close();
}

if (process.env['LLM_ELEMENTS_MEMORY_NOW'] === undefined) {
  test('1 GB passes through with less than 64 MiB above a shard: downloaded, stored, rewritten', async (context) => {
    const env = { ...process.env, LLM_ELEMENTS_MEMORY_NOW: '1' };
    const args = ['--expose-gc', '--import', 'tsx', fileURLToPath(import.meta.url)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    for (const line of stdout.trim().split('\n')) context.diagnostic(line);
    assert.equal(stdout.trim().split('\n').length, 4);
  });
} else {
  await passPack();
  await passGguf();
  await passGraph();
}
