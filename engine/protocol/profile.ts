// The profile of the kernels on the graphics card, as the host tells it a page. Used by host-api.ts, page-messages.ts, the
// host and `<llm-metrics>`. Types and schemas only.

import * as v from 'valibot';

/** GPU time of one kernel since the profile began. */
export interface KernelFigure {
  /** Operation, shape, variant. */
  readonly label: string;
  readonly dispatches: number;
  readonly milliseconds: number;
}

export type ProfileReport =
  | {
      readonly kind: 'kernels';
      /** Measured right now: each kernel runs in a pass of its own, which makes answers somewhat slower. */
      readonly running: boolean;
      /** The longest first. */
      readonly kernels: readonly KernelFigure[];
    }
  /** No model is loaded, the decoder has no such clock, or the device has none (`timestamp-query`). */
  | { readonly kind: 'none'; readonly reason: 'no-model' | 'decoder' | 'device' };

const count = v.pipe(v.number(), v.finite(), v.minValue(0));

export const profileReportSchema: v.GenericSchema<unknown, ProfileReport> = v.variant('kind', [
  v.object({
    kind: v.literal('kernels'),
    running: v.boolean(),
    kernels: v.pipe(
      v.array(v.object({ label: v.pipe(v.string(), v.maxLength(1_000)), dispatches: count, milliseconds: count })),
      v.maxLength(2_000),
    ),
  }),
  v.object({ kind: v.literal('none'), reason: v.picklist(['no-model', 'decoder', 'device']) }),
]);
