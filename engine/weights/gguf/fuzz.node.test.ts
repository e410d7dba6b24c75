// A hundred thousand hostile GGUF headers: each is read or refused by an EngineError, nothing is read beyond the file,
// and what comes out is no larger than what went in. One file in a hundred is opened as a model, too. The seed is printed
// and can be given again in LLM_ELEMENTS_FUZZ_SEED.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ggufParts } from '../../../test/support/gguf-model.js';
import { writeGguf } from '../../../test/support/gguf-writer.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { EngineError } from '../../protocol/errors.js';
import type { ByteSource } from '../byte-source.js';
import { openGguf } from './gguf-model.js';
import { readHeader, type GgufValue } from './header.js';

const runs = 100_000;

/** xorshift32: reproducible, and quick enough not to be what is measured. */
function createRandom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Numbers that parsers get wrong, as 8 bytes. */
const nasty = [0n, 1n, 0xffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

function mutate(
  bytes: Uint8Array<ArrayBuffer>,
  headerLength: number,
  random: (below: number) => number,
): Uint8Array<ArrayBuffer> {
  const mutated = bytes.slice();
  const view = new DataView(mutated.buffer);
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(headerLength - 8);
    const kind = random(4);
    if (kind === 0) mutated[at] = random(256);
    else if (kind === 1) view.setBigUint64(at, nasty[random(nasty.length)] as bigint, true);
    else if (kind === 2) view.setUint32(at, random(16), true);
    else mutated.copyWithin(at, random(headerLength), Math.min(headerLength, at + random(64)));
  }
  return random(20) === 0 ? mutated.slice(0, random(mutated.length)) : mutated;
}

function sourceOf(bytes: Uint8Array<ArrayBuffer>): ByteSource {
  return {
    name: 'hostile.gguf',
    size: bytes.length,
    read: (offset, length) => {
      assert.ok(offset >= 0 && length >= 0 && offset + length <= bytes.length, `${length} bytes at ${offset}`);
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
}

/** A lower bound of the bytes that a value takes in the file. */
const weight = (value: GgufValue): number =>
  Array.isArray(value) ? value.reduce<number>((sum, item: GgufValue) => sum + weight(item), 0) : 1;

async function fuzz(): Promise<void> {
  const seed = Number(process.env['LLM_ELEMENTS_FUZZ_SEED'] ?? Date.now() & 0x7fffffff);
  const model = randomModel({
    architecture: 'llama',
    layers: 1,
    hiddenSize: 32,
    feedForwardSize: 32,
    heads: 2,
    kvHeads: 1,
    headSize: 16,
    vocabularySize: 8,
    contextLength: 16,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: { kind: 'none' },
    tiedHead: true,
  });
  const sound = writeGguf(await ggufParts(model));
  const { tensors } = await readHeader(sourceOf(sound));
  const headerLength = Math.min(...[...tensors.values()].map(({ offset }) => offset));
  const random = createRandom(seed);
  let read = 0;
  let refused = 0;
  for (let run = 0; run < runs; run++) {
    const bytes = mutate(sound, headerLength, random);
    try {
      if (run % 100 === 0) {
        await openGguf(sourceOf(bytes));
      } else {
        const header = await readHeader(sourceOf(bytes));
        let sum = header.tensors.size;
        for (const value of header.metadata.values()) sum += weight(value);
        assert.ok(sum <= bytes.length, `seed ${seed}, run ${run}`);
      }
      read++;
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw new Error(`seed ${seed}, run ${run}`, { cause: thrown });
      assert.notEqual(thrown.hint, '');
      refused++;
    }
  }
  assert.ok(read > runs / 100 && refused > runs / 10, `${read} read, ${refused} refused: the mutations say little`);
}

if (process.env['LLM_ELEMENTS_FUZZ_NOW'] === undefined) {
  // In a process of its own: the test runner watches every promise of its own, and there are ten million here.
  test(`fuzzed: ${runs} mutated headers, no crash, nothing larger than the file`, async () => {
    const env = { ...process.env, LLM_ELEMENTS_FUZZ_NOW: '1' };
    await promisify(execFile)(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url)], { env });
  });
} else {
  await fuzz();
}
