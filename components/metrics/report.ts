// The figures as JSON, for a bug report or a comparison: what the element shows, in numbers with their units in the names.
// No content of conversations is in the engine's state, and so none is here. Pure.

import type { ProfileReport } from '../../engine/protocol/profile.js';
import type { EngineState } from '../../engine/protocol/state.js';
import type { Sample } from './history.js';

/** @param at milliseconds since 1970 */
export function reportOf(
  state: EngineState,
  samples: readonly Sample[],
  profile: ProfileReport | null,
  at: number,
): string {
  const { status, metrics, generating, waiting, tabs, loads, host, notes } = state;
  const report = {
    at: new Date(at).toISOString(),
    engine: { host, tabs, loads, running: generating.length, waiting: waiting.length },
    model: status.kind === 'ready' ? status.model : null,
    metrics,
    notes,
    history: samples,
    kernels: profile?.kind === 'kernels' ? profile.kernels : null,
  };
  return JSON.stringify(report, null, 2);
}
