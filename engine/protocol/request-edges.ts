// The fields of OpenAI's chat request that we cannot serve and that would change what the answer is: refused, each by
// name and with what to do instead, because dropping them in silence gives an answer that was not asked for. Called by
// `chat.ts` before the schema. Source: the OpenAI API reference, "Create chat completion".
// Dropped without harm: `user`, `metadata`, `service_tier`, `parallel_tool_calls`, `stream_options` (our last chunk
// always has the usage) and whatever else we do not know. Values are never quoted: they may be a visitor's text.

import { EngineError } from './errors.js';

interface Edge {
  /** Whether a value that is set asks for what happens anyway. */
  readonly served: (value: unknown) => boolean;
  readonly why: string;
  readonly hint: string;
}

const never = (): boolean => false;
const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);

const toolsInstead = 'Send the functions as `tools`.';
const textOnly = { why: 'answers are text only', hint: 'Leave it out.' };

const edges: ReadonlyMap<string, Edge> = new Map([
  [
    'n',
    { served: oneOf(1), why: 'one request gives one answer', hint: 'Leave it out, and ask again for another answer.' },
  ],
  [
    'tool_choice',
    {
      served: oneOf('auto', 'none'),
      why: 'a model cannot be made to call a tool',
      hint: "Send 'auto' or 'none', and ask for the call in a message.",
    },
  ],
  ['functions', { served: never, why: 'this older form is not read', hint: toolsInstead }],
  ['function_call', { served: oneOf('auto', 'none'), why: 'this older form is not read', hint: toolsInstead }],
  ['audio', { served: never, ...textOnly }],
  [
    'modalities',
    {
      served: (value: unknown) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
      ...textOnly,
    },
  ],
  [
    'store',
    { served: oneOf(false), why: 'nothing is stored, by design', hint: 'Leave it out, and keep what you need.' },
  ],
  [
    'web_search_options',
    { served: never, why: 'nothing is looked up', hint: 'Leave it out, and put what is to be read into a message.' },
  ],
]);

/**
 * @param fields of a request, nulls (not set) taken out
 * @throws EngineError `invalid-request` naming the field
 */
export function refuseUnserved(fields: Readonly<Record<string, unknown>>): void {
  for (const [name, { served, why, hint }] of edges) {
    if (!Object.hasOwn(fields, name)) continue;
    const value = fields[name];
    if (value === undefined || served(value)) continue;
    throw new EngineError('invalid-request', `the request, ${name}: ${why}`, { hint });
  }
}
