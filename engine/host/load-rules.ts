// What a page demands of the models that answer it: whose signature, and how large a download. Each tab is held to its own,
// whoever came first: a page that pins keys is never answered by a model that another page, which pins none, has loaded.
// The settings that hold for the site (the first tab's) bind every tab besides. Called by EngineHost, Opener and ModelSlot.
// What goes wrong: `model-invalid`, with what is demanded.

import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';

export interface LoadRules {
  /** Public keys, in hex, by one of which a model must be signed; empty: any model is taken. */
  readonly trustedKeys: readonly string[];
  /** Bytes; null: no limit. */
  readonly maxDownload: number | null;
}

export const noRules: LoadRules = { trustedKeys: [], maxDownload: null };

export const rulesOf = ({ trustedKeys = [], maxDownload }: EngineSettings): LoadRules => ({
  trustedKeys,
  maxDownload: maxDownload ?? null,
});

/**
 * Both at once.
 * @throws EngineError `model-invalid` when no key would do for both
 */
export function both(one: LoadRules, other: LoadRules): LoadRules {
  const limits = [one.maxDownload, other.maxDownload].filter((limit): limit is number => limit !== null);
  const maxDownload = limits.length === 0 ? null : Math.min(...limits);
  if (one.trustedKeys.length === 0) return { trustedKeys: other.trustedKeys, maxDownload };
  if (other.trustedKeys.length === 0) return { trustedKeys: one.trustedKeys, maxDownload };
  const trustedKeys = one.trustedKeys.filter((key) => other.trustedKeys.includes(key));
  if (trustedKeys.length > 0) return { trustedKeys, maxDownload };
  throw new EngineError(
    'model-invalid',
    'This page and another one of this site trust different keys, and none both.',
    {
      hint: 'The owner of this site should set the same trusted-keys everywhere.',
    },
  );
}

/** For a model that is loaded already. @throws EngineError `model-invalid` */
export function checkSigned({ trustedKeys }: LoadRules, name: string, signedBy: string | null): void {
  if (trustedKeys.length === 0 || (signedBy !== null && trustedKeys.includes(signedBy))) return;
  const by = signedBy === null ? 'no known key' : `the key ${signedBy.slice(0, 16)}…`;
  throw new EngineError(
    'model-invalid',
    `${name}, which is loaded, is signed by ${by}; this page takes models signed by its own keys only.`,
    {
      hint: 'Another page of this site loaded it. Load a signed model, or set the same trusted-keys everywhere.',
    },
  );
}
