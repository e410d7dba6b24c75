// The form an answer must have (`response_format`), in OpenAI's shapes, and one of ours for regular expressions. It is
// held while the answer is written (engine/generate/constraint), so it cannot be missed. Source: the OpenAI API
// reference, "Structured outputs". Called by chat.ts; whether a schema can be followed is found out by the engine.

import * as v from 'valibot';

/** Characters of a schema as JSON. */
const longestSchema = 200_000;

const schemaObject = v.pipe(
  v.union([v.record(v.string(), v.unknown()), v.boolean()], 'a JSON schema is wanted: an object, true or false'),
  v.check(
    (schema) => JSON.stringify(schema).length <= longestSchema,
    `the schema is longer than ${longestSchema} characters`,
  ),
);

export const responseFormatSchema = v.variant('type', [
  v.object({ type: v.literal('text') }),
  /** Any JSON object. */
  v.object({ type: v.literal('json_object') }),
  v.object({
    type: v.literal('json_schema'),
    json_schema: v.object({
      name: v.optional(v.pipe(v.string(), v.maxLength(64))),
      description: v.optional(v.pipe(v.string(), v.maxLength(10_000))),
      schema: schemaObject,
      /** Always so here. */
      strict: v.optional(v.nullable(v.boolean())),
    }),
  }),
  /** Not OpenAI's: the answer matches a regular expression of JavaScript. */
  v.object({
    type: v.literal('regex'),
    regex: v.object({
      pattern: v.pipe(v.string(), v.minLength(1), v.maxLength(10_000)),
      flags: v.optional(v.pipe(v.string(), v.regex(/^[dgimsuvy]*$/, 'these are no flags of a regular expression'))),
      /** The whole answer matches, as if between ^ and $. */
      whole: v.optional(v.boolean()),
    }),
  }),
]);
export type ResponseFormat = v.InferOutput<typeof responseFormatSchema>;
