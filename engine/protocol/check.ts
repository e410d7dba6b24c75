// Checks a value from outside (a port, a channel, a catalogue, a cloud endpoint) against a valibot schema and turns a
// refusal into the kit's one error type, naming the field. Called by the other files of this room, the catalogue and
// the cloud backend. Knows nothing of what the values mean.

import * as v from 'valibot';
import { EngineError, type EngineErrorCode } from './errors.js';

/**
 * @param what the thing checked, for the message: "the request", "the catalogue"
 * @returns the value with unknown fields dropped
 * @throws EngineError `code` naming the field
 */
export function check<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  what: string,
  code: EngineErrorCode = 'invalid-request',
  hint = 'Correct this field and send it again.',
): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue);
  throw new EngineError(code, `${path === null ? what : `${what}, ${path}`}: ${withoutText(issue)}`, { hint });
}

/** The schema's words, with no text of the value in them: it may be a question, an answer or a key. */
function withoutText({ message, received }: v.BaseIssue<unknown>): string {
  return received.startsWith('"') ? message.replace(received, () => 'some text') : message;
}
