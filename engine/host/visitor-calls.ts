// What `<llm-settings>`, `<llm-privacy>` and `<llm-metrics>` ask of the host beyond the answering of requests: the visitor's
// choices, what this device can do, what is kept here and erasing it, the kernels' times. Put among EngineHost's calls;
// knows of the engine what `VisitorParts` says. What goes wrong is each part's own error.

import * as v from 'valibot';
import { check } from '../protocol/check.js';
import type { KernelProfile } from './kernel-profile.js';
import type { KeptData } from './kept-data.js';
import type { TabSession } from './tab-session.js';
import type { Verdicts } from './verdicts.js';
import type { Visitor } from './visitor.js';
import { parsePreferencesChange } from '../protocol/preferences.js';

export interface VisitorParts {
  readonly visitor: Visitor;
  readonly verdicts: Verdicts;
  readonly kept: KeptData;
  readonly profile: KernelProfile;
  /** Something in the state is new. */
  readonly changed: () => void;
  /** Ends answers, loads and the cloud, frees the model, does this while nothing else writes, and tells the tabs. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
}

const profileSchema = v.optional(v.boolean());

export function visitorCalls(parts: VisitorParts) {
  return {
    setPreferences: async (_session: TabSession, given: unknown) => {
      const change = parsePreferencesChange(given);
      const stored = parts.visitor.change(change); // it acts already; only the storing takes time
      parts.changed();
      await stored;
      return null;
    },
    assess: async () => {
      await parts.verdicts.assess();
      parts.changed();
      return null;
    },
    kept: () => parts.kept.report(),
    eraseAll: async () => {
      let erasure: Awaited<ReturnType<KeptData['erase']>> | null = null;
      await parts.alone(async () => {
        parts.visitor.forget();
        erasure = await parts.kept.erase();
      });
      return erasure;
    },
    profile: (_session: TabSession, running: unknown) =>
      parts.profile.report(check(profileSchema, running, 'the profile switch')),
  };
}
