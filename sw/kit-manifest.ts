// What the kit of this build consists of: `kit-manifest.json` as sw/stamp-kit.mjs writes it, checked. Called by
// kit-build.ts. The id of the build stands in the service worker's own code, so that a manifest of another build, which
// a server in the middle of an update may give, is found out.

import * as v from 'valibot';

/** Written over by sw/stamp-kit.mjs; run from source there is no build, and nothing is kept ahead. */
const mark = 'llm-elements-build:unbuilt';

export const ownBuild = mark.slice(mark.indexOf(':') + 1);

const idSchema = v.pipe(v.string(), v.regex(/^[0-9a-z]{1,64}$/));
const manifestSchema = v.object({
  build: idSchema,
  /** Of the engine's worker, as pages name it in `?build=`. */
  engine: idSchema,
  files: v.pipe(
    v.array(
      v.object({
        /** Relative to the kit's folder. */
        path: v.pipe(v.string(), v.minLength(1), v.maxLength(1_000)),
        bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
        /** Hex; absent for models, which have lives of their own. */
        sha256: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
      }),
    ),
    v.maxLength(10_000),
  ),
});
export type KitManifest = v.InferOutput<typeof manifestSchema>;
export type KitFile = KitManifest['files'][number];

/** @throws Error in plain words */
export function parseKitManifest(value: unknown): KitManifest {
  const result = v.safeParse(manifestSchema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Error(`kit-manifest.json is not as the build writes it: ${v.getDotPath(issue) ?? ''} ${issue.message}`);
}
