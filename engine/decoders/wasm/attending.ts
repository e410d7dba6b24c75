// Attention of a pass over a sequence's pages, divided among threads. Called by forward.ts once a layer, after the pass's keys
// and values are in their pages and pages that close are closed. Knows nothing of what comes before or after.

import type { Kernels } from '../../../kernels/wasm/kernels.js';
import { firstFloatPage, floatLayerBytes, int8LayerLayout, pageTokens } from '../../kv/page-layout.js';
import { attentionScaleOf, layerFacts } from '../../weights/architectures.js';
import type { ForwardPlan, Pass } from './forward.js';
import type { ThreadScratch } from './scratch.js';
import { share, type Team } from './sharing.js';

export class Attention {
  private readonly own: ThreadScratch;

  constructor(
    private readonly plan: ForwardPlan,
    private readonly kernels: Kernels,
    private readonly team: Team,
  ) {
    this.own = plan.scratch.threads[team.index] as ThreadScratch;
  }

  /** Rows that see the same pages as floats go through the kernel together; threads share rows, or else query heads. */
  attend(index: number, pass: Pass): void {
    const { spec, int8Pages } = this.plan;
    const byRows = pass.rows >= 2 * this.team.size;
    const [rowFrom, rowTo] = byRows ? share(this.team, pass.rows, 1) : [0, pass.rows];
    const [from, to] = byRows ? [0, spec.heads] : share(this.team, spec.heads, 1);
    const group = spec.heads / spec.kvHeads;
    for (let row = rowFrom; row < rowTo;) {
      const position = pass.position + row;
      const rest = int8Pages ? pageTokens - (position % pageTokens) : rowTo - row;
      const rows = Math.min(rest, rowTo - row);
      if (to - from === spec.heads) this.attendHeads(index, pass, row, rows, 0, spec.kvHeads, 0, group);
      else {
        for (let head = Math.floor(from / group); head * group < to; head++) {
          const first = Math.max(from - head * group, 0);
          const end = Math.min(to - head * group, group);
          this.attendHeads(index, pass, row, rows, head, head + 1, first, end);
        }
      }
      row += rows;
    }
  }

  /** Key-value heads from, to; of each one's query heads the ones from groupFrom to groupTo. */
  private attendHeads(
    index: number,
    pass: Pass,
    row: number,
    rows: number,
    from: number,
    to: number,
    groupFrom: number,
    groupTo: number,
  ): void {
    const { spec, scratch, int8Pages } = this.plan;
    const { keyQuants, valueScales, valueQuants, byteLength } = int8LayerLayout(spec);
    const queryRows = spec.heads * spec.headSize;
    const width = queryRows + 2 * spec.kvHeads * spec.headSize;
    const position = pass.position + row;
    const group = groupTo - groupFrom;
    // The kernel counts query heads by its own group: where that is a part, its beginnings are set back.
    const skipped = (from * (spec.heads / spec.kvHeads - group) + groupFrom) * spec.headSize * 4;
    this.kernels.attention(
      scratch.attended + row * queryRows * 4 + skipped,
      queryRows,
      scratch.queryKeyValue + row * width * 4 + skipped,
      width,
      rows,
      position,
      spec.kvHeads,
      group,
      spec.headSize,
      from,
      to,
      pass.floatPages,
      index * floatLayerBytes(spec),
      pass.int8Pages,
      index * byteLength,
      keyQuants,
      valueScales,
      valueQuants,
      int8Pages ? firstFloatPage(position) : 0,
      layerFacts(spec, index).window ?? 0,
      attentionScaleOf(spec),
      spec.attentionSoftCap ?? 0,
      this.own.attention,
    );
  }
}
