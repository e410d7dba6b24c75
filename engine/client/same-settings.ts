// When a page connects with other settings than those that hold: what cannot be, and what its developer should know. Fetched
// by connect() where a page connects again, or where the settings differ; most pages do neither.

import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';

/** Keys are a page's own, whatever other tabs set; but a page is one page, and what it connected without cannot be added. */
export function checkSameKeys(
  { trustedKeys: held = [] }: EngineSettings,
  { trustedKeys: wanted = [] }: EngineSettings,
): void {
  if (wanted.length === 0 || (held.length > 0 && held.every((key) => wanted.includes(key)))) return;
  throw new EngineError(
    'invalid-request',
    'Another part of this page connected to the engine without these trusted keys.',
    {
      hint: 'Give the same trusted-keys wherever this page connects, or only at its <llm-engine>.',
    },
  );
}

export function warnOfOthers(held: EngineSettings, wanted: EngineSettings): void {
  const names = ['catalogueUrl', 'defaultModel', 'device', 'cloudUrl', 'cloudModel'] as const;
  const others = names.filter((name) => JSON.stringify(held[name]) !== JSON.stringify(wanted[name]));
  if (others.length === 0) return;
  // A site's mistake, for its developer; visitors see nothing of it.
  // eslint-disable-next-line no-console
  console.warn(
    `llm-elements: another tab or element set ${others.join(', ')} of the shared engine first; ` +
      `what this one wants does not hold. Set the same values everywhere.`,
  );
}
