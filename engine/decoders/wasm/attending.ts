// Attention of a pass over a sequence's pages, divided among threads. Called by forward.ts once a layer, after the pass's keys
// and values are in their pages and pages that close are closed. Knows nothing of what comes before or after.
// Of many tokens threads take some each. Of one they take heads, and after a long text share the pages and then the elements
// of heads (attention-apart.ts), between which they meet: the bits are the same either way.

import type { Kernels } from '../../../kernels/wasm/kernels.js';
import { attentionMixUnits } from '../../../kernels/wasm/operations.js';
import { firstFloatPage, floatLayerBytes, int8LayerLayout, pageTokens } from '../../kv/page-layout.js';
import { attentionScaleOf, layerFacts } from '../../weights/architectures.js';
import type { ForwardPlan, Pass } from './forward.js';
import type { ThreadScratch } from './scratch.js';
import { inParts, share, type Team } from './sharing.js';

/** Tokens before one whose attention threads share in two steps: a meeting costs as much as that saves with fewer. */
const apartFrom = 128;

export class Attention {
  private readonly own: ThreadScratch;

  constructor(
    private readonly plan: ForwardPlan,
    private readonly kernels: Kernels,
    private readonly team: Team,
  ) {
    this.own = plan.scratch.threads[team.index] as ThreadScratch;
  }

  /** Threads take rows, or of a few rows have query heads: a share each, so that heads which read the same keys stay together. */
  attend(index: number, pass: Pass): void {
    const { spec } = this.plan;
    const { rows, position } = pass;
    if (rows === 1 && position >= apartFrom && this.team.size > 1) return this.attendApart(index, pass);
    if (rows < 2 * this.team.size) {
      const [from, to] = share(this.team, spec.heads, 1);
      this.attendRows(index, pass, 0, rows, from, to);
      return;
    }
    const rowWork = 2 * spec.heads * spec.headSize * (position + rows);
    const unit = rows >= 8 * this.team.size ? 8 : 2;
    inParts(this.team, rows, rowWork, unit, (from, to) => this.attendRows(index, pass, from, to, 0, spec.heads));
  }

  /** One token's, in two steps. */
  private attendApart(index: number, { position, floatPages, int8Pages: closedPages }: Pass): void {
    const { kernels, own, team } = this;
    const { spec, scratch, int8Pages } = this.plan;
    const { heads, kvHeads, headSize } = spec;
    const { keyQuants, valueScales, valueQuants, byteLength } = int8LayerLayout(spec);
    const group = heads / kvHeads;
    const window = layerFacts(spec, index).window ?? 0;
    const firstFloat = int8Pages ? firstFloatPage(position) : 0;
    const [floatOffset, closedOffset] = [index * floatLayerBytes(spec), index * byteLength];
    const { scores, scoreStride } = scratch;

    const pageOf = (token: number): number => Math.floor(token / pageTokens);
    const pages = pageOf(position) - (window > 0 ? pageOf(Math.max(0, position - window + 1)) : 0) + 1;
    const [pageStart, pageEnd] = share(team, kvHeads * pages, 1);
    kernels.attentionScores(
      scores,
      scoreStride,
      scratch.queryKeyValue,
      position,
      group,
      headSize,
      pageStart,
      pageEnd,
      kvHeads,
      floatPages,
      floatOffset,
      closedPages,
      closedOffset,
      keyQuants,
      firstFloat,
      window,
      own.attention,
    );
    team.barrier();
    const [mixStart, mixEnd] = share(team, kvHeads * attentionMixUnits(headSize), 1);
    kernels.attentionMix(
      scratch.attended,
      scores,
      scoreStride,
      position,
      group,
      headSize,
      mixStart,
      mixEnd,
      kvHeads,
      floatPages,
      floatOffset,
      closedPages,
      closedOffset,
      valueScales,
      valueQuants,
      firstFloat,
      window,
      attentionScaleOf(spec),
      spec.attentionSoftCap ?? 0,
      own.attention,
    );
  }

  /** Rows that see the same pages as floats go through the kernel together. */
  private attendRows(index: number, pass: Pass, rowFrom: number, rowTo: number, from: number, to: number): void {
    const { spec, int8Pages } = this.plan;
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
