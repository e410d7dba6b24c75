// What all open sequences of a decoder hold together. Called by every decoder for `Decoder.holding`.

import type { Holding, Sequence } from './decoder.js';

export function heldBy(sequences: Iterable<Pick<Sequence, 'holding'>>): Holding {
  let tokens = 0;
  let kvBytes = 0;
  for (const { holding } of sequences) {
    tokens += holding.tokens;
    kvBytes += holding.kvBytes;
  }
  return { tokens, kvBytes };
}
