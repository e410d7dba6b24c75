// ggml's blocks against the reference package's numbers (test/fixtures/make_ggml_blocks.py), and what converting costs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { WeightTensor } from '../model.js';
import { dequantise } from '../quantise.js';
import { unfoldBlocks } from './block-types.js';
import { convertRows, kindOf } from './convert.js';
import { tensorType } from './tensor-types.js';

interface Fixture {
  readonly type: string;
  readonly blocks: string;
  readonly values: string;
}

const path = new URL('../../../test/fixtures/ggml-blocks.json', import.meta.url);
const fixtures = JSON.parse(readFileSync(path, 'utf8')) as Fixture[];
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'base64'));
const codes = Array.from({ length: 40 }, (_, code) => tensorType(code));
const typeOf = (name: string) => {
  const type = codes.find((each) => each.name === name);
  assert.ok(type);
  return type;
};

for (const { type: name, blocks, values } of fixtures) {
  const truth = new Float32Array(bytesOf(values).buffer);
  const type = typeOf(name);

  if (name !== 'Q4_0' && name !== 'Q8_0') {
    test(`${name}: the reference package's numbers`, () => {
      const unfolded = unfoldBlocks(type, bytesOf(blocks));
      assert.equal(unfolded.length, truth.length);
      for (const [i, value] of truth.entries()) {
        // The reference multiplies in another order here and there: a unit in the last place of the terms.
        assert.ok(Math.abs((unfolded[i] as number) - value) <= 4e-7 * Math.max(1, Math.abs(value)), `${i}: ${value}`);
      }
    });
  }

  test(`${name}: converted, within the error that it reports`, () => {
    const kind = kindOf(name, false, 'x', 'file');
    const rows = convertRows(type, kind, bytesOf(blocks), bytesOf(blocks).length, null);
    const shape = [1, truth.length] as const;
    const scales = new Uint16Array(rows.scales.slice().buffer);
    const tensor: WeightTensor =
      kind === 'f16'
        ? { kind, shape, data: new Uint16Array(rows.data.slice().buffer) }
        : { kind: kind as 'q4' | 'q8', shape, quants: rows.data, scales };
    const converted = dequantise(tensor);
    let error = 0;
    let norm = 0;
    for (const [i, value] of truth.entries()) {
      error += ((converted[i] as number) - value) ** 2;
      norm += value ** 2;
    }
    if (name === 'Q4_0' || name === 'Q8_0') {
      assert.equal(rows.squaredError, 0);
      assert.ok(error <= 1e-12 * norm);
    } else {
      assert.ok(
        Math.abs(error - rows.squaredError) <= 1e-4 * rows.squaredError + 1e-9 * norm,
        `${error} ${rows.squaredError}`,
      );
      assert.ok(Math.abs(norm - rows.squaredNorm) <= 1e-4 * norm);
      assert.ok(error / norm < (kind === 'q4' ? 0.02 : 1e-4), `${name}: ${error / norm}`);
    }
  });
}
