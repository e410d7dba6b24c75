// How a service worker comes to the engine: it asks a page, and the page hands it a port to the host, over which it then
// talks without the page in between. Asked by sw/v1, answered by the client's `lendEngine`. The question goes by
// `Client.postMessage` with a port for the reply; a page that has no engine does not reply. Both ends are of one origin,
// and still nothing is believed before its schema has passed it.

import * as v from 'valibot';
import { settingsSchema, type EngineSettings } from './host-api.js';

/** What the service worker sends, with one port for the reply. */
export interface EngineQuestion {
  readonly type: 'llm-elements:engine?';
}
export const engineQuestion: EngineQuestion = { type: 'llm-elements:engine?' };

const questionSchema = v.object({ type: v.literal(engineQuestion.type) });
export const isEngineQuestion = (value: unknown): boolean => v.is(questionSchema, value);

/** What the page replies, with the port to the host. */
export interface LentEngine {
  readonly scope: string;
  /** The settings that hold for the site; a service worker brings none of its own. */
  readonly settings: EngineSettings;
}
const lentSchema: v.GenericSchema<unknown, LentEngine> = v.object({
  scope: v.pipe(v.string(), v.minLength(1), v.maxLength(2_000)),
  settings: settingsSchema,
});

/** @returns null for anything but a page's reply */
export function parseLentEngine(value: unknown): LentEngine | null {
  const result = v.safeParse(lentSchema, value, { abortEarly: true });
  return result.success ? result.output : null;
}
