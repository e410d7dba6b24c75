// The contract's own decoder first: a suite that the oracle fails would prove nothing about the others.

import { test } from 'node:test';
import { decoderContract } from './decoder-contract.js';
import { createReferenceDecoder } from './reference-decoder.js';

for (const kind of ['q4', 'f32'] as const) {
  for (const { name, run } of decoderContract({
    createDecoder: createReferenceDecoder,
    kind,
    exactUpTo: 4,
    error: 0,
    tie: 0,
  })) {
    test(`${kind}: ${name}`, run);
  }
}
