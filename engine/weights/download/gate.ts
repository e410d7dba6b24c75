// The size gate: decides before the first byte of weights whether a model may be downloaded here. Called by the sources
// when they know how much is missing. It knows nothing of files.
// What goes wrong: beyond the site's or the caller's limit, or much on a metered connection, is `model-too-large`; more
// than this device can keep is no error but makes the model run without being kept, unless it is large: `storage`.

import { EngineError } from '../../protocol/errors.js';
import type { ModelStore } from '../store/model-store.js';

export interface GateOptions {
  /** Bytes that a download may have; null for no limit. Set by the site, or by the caller for this one load. */
  readonly maxDownload?: number | null;
  /** The visitor or the site said yes to this download: a metered connection is no reason to refuse it. */
  readonly allowMetered?: boolean;
  /** Whether the connection is metered or the visitor asked to spare data. */
  readonly metered?: () => boolean;
}

/** On a metered connection more than this needs a yes. Bytes. */
export const meteredLimit = 50 * 2 ** 20;
/** A model of this size is downloaded even where it cannot be kept: it comes again at each visit. Bytes. */
export const unkeptLimit = 256 * 2 ** 20;

export interface Wanted {
  readonly name: string;
  readonly source: string;
  /** Bytes to be downloaded. */
  readonly missing: number;
  /** Bytes to be stored. */
  readonly needed: number;
}

/**
 * @returns whether the model can be kept, as far as the browser says
 * @throws EngineError `model-too-large`, `storage`
 */
export async function passGate(
  { name, source, missing, needed }: Wanted,
  options: GateOptions,
  store: ModelStore | null,
): Promise<{ readonly keep: boolean }> {
  const limit = options.maxDownload ?? null;
  if (limit !== null && missing > limit) {
    throw new EngineError(
      'model-too-large',
      `${name} would be a download of ${size(missing)}; ${size(limit)} are allowed here.`,
      {
        hint: 'Choose a smaller model, or raise max-download.',
      },
    );
  }
  if (options.allowMetered !== true && missing > meteredLimit && options.metered?.() === true) {
    throw new EngineError(
      'model-too-large',
      `${name} would be a download of ${size(missing)} over a metered connection.`,
      {
        hint: 'Connect to Wi-Fi, or confirm the download.',
      },
    );
  }
  if (store === null) return { keep: false };
  const estimate = await store.estimate();
  if (estimate === null || needed <= estimate.quota - estimate.usage) return { keep: true };
  const others = (await store.models()).filter(({ model }) => model.source !== source);
  const evictable = others.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  if (needed <= estimate.quota - estimate.usage + evictable) return { keep: true };
  if (needed <= unkeptLimit) return { keep: false };
  const room = Math.max(0, estimate.quota - estimate.usage);
  throw new EngineError(
    'storage',
    `${name} needs ${size(needed)} more on this device, and there is room for ${size(room)}.`,
    {
      hint: 'Free some disk space, delete another model, or choose a smaller one.',
    },
  );
}

/** The Network Information API (saveData, cellular), where there is one: only Chromium has it. */
export function isMetered(): boolean {
  const { connection } = navigator as { connection?: { readonly saveData?: boolean; readonly type?: string } };
  return connection?.saveData === true || connection?.type === 'cellular';
}

const size = (bytes: number): string =>
  bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
