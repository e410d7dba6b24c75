// GGUF: what the reader makes of sound files, and of each way in which one can be wrong. Files come from the test's own
// writer; where LLM_ELEMENTS_GGUF_DIR names a folder, files of the reference writer (tools of ../shared) as well.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../../protocol/errors.js';
import { ggufFile, ggufParts } from '../../../test/support/gguf-model.js';
import { writeGguf, type GgufWriterFile, type GgufWriterValue } from '../../../test/support/gguf-writer.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { sharedPath, skipWithoutShared } from '../../../test/support/shared-node.js';
import { parseStories260k } from '../../../test/support/stories260k.js';
import { blobSource } from '../byte-source.js';
import type { Model, ModelSpec } from '../model.js';
import { openTensorModel } from '../open-model.js';
import { dequantise } from '../quantise.js';
import { openGguf, readGgufTokenizer } from './gguf-model.js';

const llama: ModelSpec = {
  architecture: 'llama',
  layers: 2,
  hiddenSize: 64,
  feedForwardSize: 96,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabularySize: 40,
  contextLength: 128,
  rmsNormEpsilon: Math.fround(1e-5),
  ropeTheta: 500_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};
const qwen2: ModelSpec = { ...llama, architecture: 'qwen2', tiedHead: false };

const open = (bytes: Uint8Array<ArrayBuffer>): Promise<Model> => openGguf(blobSource(new Blob([bytes]), 'model.gguf'));

type Changes = Record<string, GgufWriterValue | null>;

/** The metadata with some keys changed, added or (null) left out. */
const withKeys = (parts: GgufWriterFile, changes: Changes): GgufWriterFile => {
  const kept = parts.metadata.filter(([key]) => !(key in changes));
  const added = Object.entries(changes).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]));
  return { ...parts, metadata: [...kept, ...added] };
};

const openWith = async (spec: ModelSpec, changes: Changes): Promise<Model> =>
  open(writeGguf(withKeys(await ggufParts(randomModel(spec)), changes)));

const number = (value: number): GgufWriterValue => ({ type: 'uint32', value });
const float = (value: number): GgufWriterValue => ({ type: 'float32', value });
const string = (value: string): GgufWriterValue => ({ type: 'string', value });

for (const spec of [llama, qwen2]) {
  for (const kind of ['f32', 'f16', 'q4', 'q8'] as const) {
    test(`${spec.architecture} in ${kind}: facts, and every tensor bit for bit`, async () => {
      const model = randomModel(spec, { kind });
      const opened = await open(await ggufFile(model));
      assert.deepEqual(opened.spec, spec);
      assert.deepEqual([...opened.tensors.keys()], [...model.tensors.keys()]);
      for (const [name, facts] of model.tensors) {
        assert.deepEqual(opened.tensors.get(name), facts);
        assert.deepEqual(await opened.readTensor(name), await model.readTensor(name), name);
      }
      assert.equal(opened.identity.name, 'a model in a test');
      assert.equal(opened.identity.licence, 'mit');
      assert.equal(opened.identity.quantisation, { f32: 'F32', f16: 'F16', q4: 'Q4_0', q8: 'Q8_0' }[kind]);
    });
  }
}

test('version 2 reads like version 3, and another alignment is followed', async () => {
  const model = randomModel(llama);
  const parts = await ggufParts(model);
  for (const changes of [{ version: 2 }, { alignment: 256 }]) {
    const opened = await open(writeGguf({ ...parts, ...changes }));
    assert.deepEqual(await opened.readTensor('layers.1.down'), await model.readTensor('layers.1.down'));
  }
});

test('absent keys mean what llama.cpp takes them for', async () => {
  const opened = await openWith(llama, { 'llama.rope.freq_base': null });
  assert.equal(opened.spec.ropeTheta, 10_000);
  const everyHead = { ...llama, kvHeads: 4 };
  assert.equal((await openWith(everyHead, { 'llama.attention.head_count_kv': null })).spec.kvHeads, 4);
  const unnamed = await openWith(llama, { 'general.name': null, 'general.license': null });
  assert.equal(unnamed.identity.name, 'model.gguf');
  assert.equal(unnamed.identity.licence, 'unknown');
});

test('rotary scaling: linear by factor alone, none by name, factors from a tensor, both together', async () => {
  const scaling = async (changes: Changes, factors?: readonly number[]) => {
    const parts = withKeys(await ggufParts(randomModel(llama)), changes);
    const extra = factors && {
      name: 'rope_freqs.weight',
      dimensions: [factors.length],
      type: 0,
      data: new Uint8Array(Float32Array.from(factors).buffer),
    };
    return (await open(writeGguf({ ...parts, tensors: extra ? [...parts.tensors, extra] : parts.tensors }))).spec
      .ropeScaling;
  };
  const factors = [1, 1, 1, 2, 4, 8, 8, 8];
  assert.deepEqual(await scaling({ 'llama.rope.scaling.factor': float(4) }), { kind: 'linear', factor: 4 });
  assert.deepEqual(await scaling({ 'llama.rope.scale_linear': float(2) }), { kind: 'linear', factor: 2 });
  assert.deepEqual(
    await scaling({ 'llama.rope.scaling.factor': float(4), 'llama.rope.scaling.type': string('none') }),
    { kind: 'none' },
  );
  assert.deepEqual(await scaling({}, factors), { kind: 'factors', factors });
  assert.deepEqual(await scaling({ 'llama.rope.scaling.factor': float(2) }, factors), {
    kind: 'factors',
    factors: factors.map((factor) => factor * 2),
  });
  await assert.rejects(scaling({ 'llama.rope.scaling.type': string('dynamic') }), { code: 'model-unsupported' });
  await assert.rejects(scaling({}, [1, 2]), { code: 'model-invalid' });
  await assert.rejects(scaling({}, [1, 1, 1, 2, 4, 8, 8, 0]), { code: 'model-invalid' });
});

test('facts given layer by layer are taken when they agree', async () => {
  const same: GgufWriterValue = { type: 'int32s', value: [2, 2] };
  assert.equal((await openWith(llama, { 'llama.attention.head_count_kv': same })).spec.kvHeads, 2);
  const different: GgufWriterValue = { type: 'int32s', value: [2, 1] };
  await assert.rejects(openWith(llama, { 'llama.attention.head_count_kv': different }), { code: 'model-unsupported' });
});

test('models that we cannot follow are refused by name', async () => {
  const cases: [Changes, RegExp][] = [
    [{ 'general.architecture': string('gemma2') }, /gemma2/],
    [{ 'llama.expert_count': number(8) }, /experts/],
    [{ 'llama.attention.causal': { type: 'bool', value: false } }, /causal/],
    [{ 'split.count': { type: 'uint16', value: 3 } }, /one part of 3/],
    [{ 'llama.rope.dimension_count': number(8) }, /8 of 16/],
    [{ 'llama.attention.value_length': number(32) }, /values of 32/],
  ];
  for (const [changes, message] of cases) {
    await assert.rejects(openWith(llama, changes), { code: 'model-unsupported', message });
  }
});

test('metadata that contradict themselves or the tensors are refused', async () => {
  const cases: [Changes, RegExp][] = [
    [{ 'general.architecture': null }, /general\.architecture/],
    [{ 'llama.block_count': null }, /llama\.block_count/],
    [{ 'llama.block_count': number(3) }, /lacks the tensor for layers\.2/],
    [{ 'llama.block_count': number(0) }, /layers is 0/],
    [{ 'llama.block_count': number(4_000_000_000) }, /layers is 4000000000/],
    [{ 'llama.embedding_length': number(128) }, /token_embd\.weight is 40 x 64/],
    [{ 'llama.attention.head_count': number(3) }, /headSize/],
    [{ 'llama.attention.head_count_kv': number(3) }, /cannot share 3/],
    [{ 'llama.attention.layer_norm_rms_epsilon': float(Number.NaN) }, /no number/],
    [{ 'llama.rope.freq_base': float(-1) }, /ropeTheta/],
    [{ 'llama.context_length': string('long') }, /no number/],
    [{ 'tokenizer.ggml.tokens': null }, /no tokens/],
    [{ 'tokenizer.ggml.tokens': { type: 'strings', value: ['a'] } }, /40 x 64 where 1 x 64/],
  ];
  for (const [changes, message] of cases) {
    await assert.rejects(openWith(llama, changes), { code: 'model-invalid', message }, String(message));
  }
});

test('tensor types that are not read, and tensors beyond the architecture, are refused by name', async () => {
  const parts = await ggufParts(randomModel({ ...llama, hiddenSize: 256, feedForwardSize: 256, headSize: 64 }));
  const retyped = parts.tensors.map((tensor) =>
    tensor.name === 'blk.1.ffn_up.weight' ? { ...tensor, type: 10 } : tensor,
  );
  await assert.rejects(open(writeGguf({ ...parts, tensors: retyped })), {
    code: 'model-unsupported',
    message: /blk\.1\.ffn_up\.weight is of the type Q2_K/,
  });
  const unknown = parts.tensors.map((tensor) =>
    tensor.name === 'token_embd.weight' ? { ...tensor, type: 77 } : tensor,
  );
  await assert.rejects(open(writeGguf({ ...parts, tensors: unknown })), { message: /type 77/ });
  const bias = { name: 'blk.0.attn_q.bias', dimensions: [256], type: 0, data: new Uint8Array(1024) };
  await assert.rejects(open(writeGguf({ ...parts, tensors: [...parts.tensors, bias] })), {
    code: 'model-unsupported',
    message: /blk\.0\.attn_q\.bias/,
  });
});

test('hostile headers: counts, lengths, offsets, dimensions, names, alignment', async () => {
  const parts = await ggufParts(randomModel(llama));
  const [first, second, ...others] = parts.tensors;
  assert.ok(first && second);
  const huge = 2n ** 60n;
  const cases: [string, GgufWriterFile][] = [
    ['a tensor count beyond the file', { ...parts, tensorCount: huge }],
    ['a pair count beyond the file', { ...parts, pairCount: huge }],
    ['more pairs than there are', { ...parts, pairCount: BigInt(parts.metadata.length) + 40n }],
    ['a key twice', { ...parts, metadata: [...parts.metadata, ['general.name', string('again')]] }],
    ['a tensor twice', { ...parts, tensors: [first, { ...second, name: first.name }, ...others] }],
    ['an offset beyond the file', { ...parts, tensors: [{ ...first, offset: huge }, second, ...others] }],
    ['an offset at the last byte', { ...parts, tensors: [{ ...first, offset: 2n ** 63n }, second, ...others] }],
    ['an offset that is not aligned', { ...parts, tensors: [first, { ...second, offset: 33n }, ...others] }],
    ['one tensor over another', { ...parts, tensors: [first, { ...second, offset: 0n }, ...others] }],
    ['a dimension beyond the file', { ...parts, tensors: [{ ...first, dimensions: [64, huge] }, second, ...others] }],
    ['dimensions that overflow', { ...parts, tensors: [{ ...first, dimensions: [2n ** 33n, 2n ** 33n] }, second] }],
    ['an empty dimension', { ...parts, tensors: [{ ...first, dimensions: [0, 40] }, second, ...others] }],
    ['no dimensions', { ...parts, tensors: [{ ...first, dimensions: [] }, second, ...others] }],
    ['nine dimensions', { ...parts, tensors: [{ ...first, dimensions: Array<number>(9).fill(1) }, second, ...others] }],
    ['alignment zero', withKeys(parts, { 'general.alignment': number(0) })],
    ['alignment 48', withKeys(parts, { 'general.alignment': number(48) })],
    ['alignment 2^31', withKeys(parts, { 'general.alignment': number(2 ** 31) })],
    ['alignment 8.5', withKeys(parts, { 'general.alignment': float(8.5) })],
    ['alignment NaN', withKeys(parts, { 'general.alignment': float(Number.NaN) })],
    ['alignment in words', withKeys(parts, { 'general.alignment': string('32') })],
  ];
  for (const [what, file] of cases) {
    await assert.rejects(open(writeGguf(file)), { name: 'EngineError', code: 'model-invalid' }, what);
  }
});

test('values of every type are read, 64-bit ones exactly, nested arrays too', async () => {
  const parts = withKeys(await ggufParts(randomModel(llama)), {
    'tokenizer.test.u64': { type: 'uint64', value: 2n ** 63n },
    'tokenizer.test.i64': { type: 'int64', value: -5n },
    'tokenizer.test.f64': { type: 'float64', value: Math.PI },
    'tokenizer.test.nested': { type: 'nested', value: [[1, -2], [], [3]] },
    'tokenizer.test.bool': { type: 'bool', value: true },
    'tokenizer.test.bom': { type: 'strings', value: ['\uFEFF', '\uFEFFa', '', '\u{1F600}'] },
  });
  const files = await readGgufTokenizer(blobSource(new Blob([writeGguf(parts)]), 'x.gguf'));
  assert.ok(files.kind === 'gguf');
  assert.equal(files.metadata.get('tokenizer.test.u64'), 2n ** 63n);
  assert.equal(files.metadata.get('tokenizer.test.i64'), -5);
  assert.equal(files.metadata.get('tokenizer.test.f64'), Math.PI);
  assert.deepEqual(files.metadata.get('tokenizer.test.nested'), [[1, -2], [], [3]]);
  assert.equal(files.metadata.get('tokenizer.test.bool'), true);
  assert.deepEqual(files.metadata.get('tokenizer.test.bom'), ['\uFEFF', '\uFEFFa', '', '\u{1F600}']);
  assert.ok(![...files.metadata.keys()].some((key) => !key.startsWith('tokenizer.')));
});

test('not a GGUF, another version, another byte order, an empty file', async () => {
  const page = Uint8Array.from(new TextEncoder().encode('<!doctype html><title>404 Not Found</title>'));
  await assert.rejects(open(page), { code: 'model-invalid', message: /no GGUF/ });
  await assert.rejects(open(new Uint8Array(0)), { code: 'model-invalid' });
  const parts = await ggufParts(randomModel(llama));
  await assert.rejects(open(writeGguf({ ...parts, version: 1 })), { code: 'model-unsupported', message: /version 1/ });
  await assert.rejects(open(writeGguf({ ...parts, version: 3 << 24 })), {
    code: 'model-unsupported',
    message: /big-endian/,
  });
});

test('two fine-tunes with one header have two identities; one file has one', async () => {
  const id = async (seed: number): Promise<string> =>
    (await open(await ggufFile(randomModel(llama, { seed })))).identity.id;
  assert.equal(await id(1), await id(1));
  assert.notEqual(await id(1), await id(2));
});

test('a scale that is no number is found when the tensor is read', async () => {
  const parts = await ggufParts(randomModel(llama, { kind: 'q8' }));
  for (const tensor of parts.tensors) if (tensor.name === 'blk.0.attn_v.weight') tensor.data.set([0xff, 0xff], 34 * 3);
  const opened = await open(writeGguf(parts));
  await opened.readTensor('layers.0.key');
  await assert.rejects(opened.readTensor('layers.0.value'), { code: 'model-invalid', message: /scale 3.*attn_v/ });
});

test('progress never goes back and ends at the size; an abort stops; a closed model says so', async () => {
  const bytes = await ggufFile(randomModel(llama));
  const seen: number[] = [];
  const source = blobSource(new Blob([bytes]), 'model.gguf');
  const opened = await openGguf(source, undefined, ({ loadedBytes, totalBytes }) => {
    assert.equal(totalBytes, bytes.length);
    seen.push(loadedBytes);
  });
  for (const name of [...opened.tensors.keys(), 'embedding']) await opened.readTensor(name);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(seen.at(-1), bytes.length);
  await assert.rejects(opened.readTensor('embedding', AbortSignal.abort()), { code: 'aborted' });
  await assert.rejects(openGguf(source, AbortSignal.abort()), { code: 'aborted' });
  await assert.rejects(opened.readTensor('layers.9.up'), { code: 'model-invalid' });
  opened.close();
  await assert.rejects(opened.readTensor('embedding'), { code: 'invalid-request' });
});

/** A source that fails the test if it is ever asked for more than the file holds. */
async function openFuzzed(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const inner = blobSource(new Blob([bytes]), 'fuzzed.gguf');
  let asked = 0;
  try {
    const model = await openGguf({
      ...inner,
      read(offset, length, signal) {
        asked += length;
        assert.ok(length <= bytes.length && asked < 10 * bytes.length + 100_000, 'reads far more than the file holds');
        return inner.read(offset, length, signal);
      },
    });
    for (const [name, { byteLength }] of model.tensors) {
      assert.ok(byteLength <= bytes.length * 2, `${name} is larger than the file`);
      await model.readTensor(name);
    }
  } catch (thrown) {
    assert.ok(thrown instanceof EngineError, `threw ${String(thrown)}`);
    assert.ok(['model-invalid', 'model-unsupported'].includes(thrown.code), thrown.code);
    assert.notEqual(thrown.hint, '');
  }
}

test(
  'fuzzed: any truncation and any mutation gives a model or an EngineError, never more',
  { timeout: 120_000 },
  async () => {
    const tiny: ModelSpec = {
      ...llama,
      layers: 1,
      hiddenSize: 32,
      feedForwardSize: 32,
      heads: 2,
      kvHeads: 1,
      vocabularySize: 8,
    };
    const sound = await ggufFile(randomModel(tiny, { kind: 'q4' }));
    const headerLength = 3000;
    await openFuzzed(sound);
    const interesting = fc.constantFrom(0, 1, 2, 8, 9, 12, 13, 0x7f, 0x80, 0xff);
    const mutation = fc.record({
      at: fc.nat(headerLength),
      bytes: fc.oneof(
        fc.array(fc.oneof(interesting, fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.bigInt(0n, 2n ** 64n - 1n).map((value) => [...new Uint8Array(BigUint64Array.of(value).buffer)]),
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(mutation, { minLength: 0, maxLength: 4 }),
        fc.option(fc.nat(sound.length), { freq: 3 }),
        async (mutations, length) => {
          const bytes = sound.slice(0, length ?? sound.length);
          for (const { at, bytes: changed } of mutations) {
            changed.forEach((byte, i) => {
              if (at + i < bytes.length) bytes[at + i] = byte;
            });
          }
          await openFuzzed(bytes);
        },
      ),
      { numRuns: 3000 },
    );
  },
);

test('fuzzed: bytes without any sense', async () => {
  const magic = [0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (noise, begun) => {
      await openFuzzed(Uint8Array.from(begun ? [...magic, ...noise] : noise));
    }),
    { numRuns: 1000 },
  );
});

test('real vocabularies open far enough for their tokenizers', { skip: skipWithoutShared }, async () => {
  const expected = { 'gpt-2': 50_257, 'llama-spm': 32_000, 'phi-3': 32_064 };
  for (const [name, count] of Object.entries(expected)) {
    const bytes = await readFile(sharedPath(`data/models/gguf-vocab/ggml-vocab-${name}.gguf`));
    const source = blobSource(new Blob([bytes]), name);
    const files = await readGgufTokenizer(source);
    assert.ok(files.kind === 'gguf');
    assert.equal((files.metadata.get('tokenizer.ggml.tokens') as string[]).length, count);
    await assert.rejects(openGguf(source), { name: 'EngineError' }); // a vocabulary is no model
  }
});

const referenceFolder = process.env['LLM_ELEMENTS_GGUF_DIR'];
const skipReference =
  referenceFolder === undefined
    ? 'SKIPPED: LLM_ELEMENTS_GGUF_DIR names no folder of files by the reference writer'
    : skipWithoutShared;

test(
  'files of the reference writer hold stories260K exactly, or as near as their types are',
  { skip: skipReference },
  async () => {
    const folder = String(referenceFolder);
    const truth = parseStories260k(
      await readFile(sharedPath('data/models/stories260K/stories260K.bin')),
      await readFile(sharedPath('data/models/stories260K/tok512.bin')),
    );
    const files = (await readdir(folder)).filter((file) => /^stories260k.*\.gguf$/i.test(file));
    assert.ok(files.length > 0, `no stories260k*.gguf in ${folder}`);
    for (const file of files) {
      const blob = new Blob([await readFile(join(folder, file))]);
      const model = await openTensorModel({ kind: 'file', blob });
      assert.deepEqual({ ...model.spec, rmsNormEpsilon: 0 }, { ...truth.spec, rmsNormEpsilon: 0 });
      assert.deepEqual(
        (model.tokenizerFiles as { metadata: ReadonlyMap<string, unknown> }).metadata.get('tokenizer.ggml.tokens'),
        (truth.tokenizerFiles as { metadata: ReadonlyMap<string, unknown> }).metadata.get('tokenizer.ggml.tokens'),
      );
      const allowed = { f32: 0, f16: 1e-6, q8: 1e-4, q4: 2e-2 };
      for (const name of truth.tensors.keys()) {
        const tensor = await model.readTensor(name);
        const expected = dequantise(await truth.readTensor(name));
        let error = 0;
        let norm = 0;
        dequantise(tensor).forEach((value, i) => {
          error += (value - (expected[i] as number)) ** 2;
          norm += (expected[i] as number) ** 2;
        });
        assert.ok(error <= allowed[tensor.kind] * norm, `${file} ${name}: ${error / norm}`);
      }
    }
  },
);
