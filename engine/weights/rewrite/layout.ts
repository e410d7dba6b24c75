// Where each part of each tensor will lie in the shards of a pack, known before a single byte is: places follow from
// kinds and shapes alone (../pack-format.md, "Shards"). Called by rewriter.ts, which can therefore go on in the middle
// of a model after a crash. It knows nothing of bytes.

import type { TensorFacts } from '../model.js';
import { partAlignment, shardLimit, type ManifestTensor, type Place } from '../pack/manifest.js';
import { partLengths } from '../tensor-layout.js';

export interface Layout {
  readonly tensors: readonly ManifestTensor[];
  /** Bytes of each shard. */
  readonly shards: readonly number[];
}

/** A shard that holds this much is closed rather than begin a part that does not fit. Bytes. */
const enough = 4 * 2 ** 20;

/** @param limit smaller than the format's only in tests */
export function planLayout(facts: Iterable<TensorFacts>, limit = shardLimit): Layout {
  const closed = Math.min(enough, limit / 4);
  const shards: number[] = [];
  let filled = 0;
  const place = (length: number): Place => {
    const start = Math.ceil(filled / partAlignment) * partAlignment;
    const room = limit - start;
    if (room <= 0 || (length > room && filled >= closed)) {
      shards.push(filled);
      filled = 0;
    } else {
      filled = start;
    }
    const at = { shard: shards.length, offset: filled };
    filled += length;
    while (filled > limit) {
      shards.push(limit);
      filled -= limit;
    }
    return at;
  };
  const tensors = [...facts].map(({ name, kind, shape }): ManifestTensor => {
    const { data, scales } = partLengths(kind, shape);
    const dimensions = [...shape];
    if (kind === 'f32' || kind === 'f16') return { name, kind, shape: dimensions, data: place(data) };
    // The order matters: quants are written while scales are still being gathered.
    const quants = place(data);
    return { name, kind, shape: dimensions, quants, scales: place(scales) };
  });
  if (filled > 0) shards.push(filled);
  return { tensors, shards };
}
