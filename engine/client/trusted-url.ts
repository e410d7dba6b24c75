// Script URLs on pages that enforce Trusted Types (W3C Trusted Types; CSP `require-trusted-types-for 'script'`): there
// `new SharedWorker` and `serviceWorker.register` take only what a policy made. Ours, `llm-elements`, passes URLs of the
// page's own origin and nothing else; a site with a `trusted-types` directive lists that name. Called by this room only.

import { EngineError } from '../protocol/errors.js';
import { isForeign } from './locations.js';

interface ScriptUrlPolicy {
  createScriptURL(url: string): unknown;
}

interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): ScriptUrlPolicy;
}

/** Two copies of this module on a page share one policy: a second of that name may be forbidden. */
const shared = Symbol.for('llm-elements.trusted-types');

/**
 * @returns the URL as the browser's sinks want it (a TrustedScriptURL where there are Trusted Types)
 * @throws EngineError `engine-lost` for another origin, or where the site's policy does not allow ours
 */
export function trustedScriptUrl(url: string): string {
  if (isForeign(url)) {
    throw new EngineError('engine-lost', `The engine's script at ${url} is of another origin than this page.`, {
      hint: 'Serve the files of the kit from the same origin as the page.',
    });
  }
  const scope = globalThis as typeof globalThis & { trustedTypes?: TrustedTypesFactory; [shared]?: ScriptUrlPolicy };
  if (!scope.trustedTypes) return url;
  try {
    const policy = (scope[shared] ??= scope.trustedTypes.createPolicy('llm-elements', {
      createScriptURL: (given) => {
        if (isForeign(given)) throw new TypeError('This script is of another origin.');
        return given;
      },
    }));
    return policy.createScriptURL(url) as string;
  } catch (error) {
    throw new EngineError('engine-lost', "This page's Trusted Types policy does not let the engine start.", {
      hint: "Add 'llm-elements' to the trusted-types directive of the page's content security policy.",
      cause: error,
    });
  }
}
