// What a visitor chose for this site, in the form that crosses the port. Kept by the host for this origin and published in
// the state, so that all tabs show and use the same. Called by host-api.ts, page-messages.ts, the host and the elements;
// knows nothing of stores. What goes wrong: a change that does not fit is `invalid-request` and changes nothing.

import * as v from 'valibot';
import { check } from './check.js';
import { highestTemperature, mostTokens } from './limits.js';

export { highestTemperature, mostTokens };

const fields = {
  /** 'auto' takes the ladder; a device pins it. Null: the site's setting. */
  device: v.nullable(v.picklist(['auto', 'webgpu', 'wasm'])),
  /** Catalogue id or address of the model loaded when nothing else is asked for. Null: the site's default. */
  model: v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(2_000))),
  /** Whether conversations are kept on this device. */
  keepConversations: v.boolean(),
  /** Tokens of an answer where the request names no limit. Null: the model's own limit. */
  maxTokens: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(mostTokens))),
  /** Where the request names none. Null: what the model's makers advise. */
  temperature: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(highestTemperature))),
};

export const preferencesSchema = v.object(fields);
export type VisitorPreferences = Readonly<v.InferOutput<typeof preferencesSchema>>;

/** What holds for a visitor who chose nothing. */
export const noPreferences: VisitorPreferences = {
  device: null,
  model: null,
  keepConversations: true,
  maxTokens: null,
  temperature: null,
};

const changeSchema = v.strictObject({
  device: v.exactOptional(fields.device),
  model: v.exactOptional(fields.model),
  keepConversations: v.exactOptional(fields.keepConversations),
  maxTokens: v.exactOptional(fields.maxTokens),
  temperature: v.exactOptional(fields.temperature),
});
export type PreferencesChange = Readonly<v.InferOutput<typeof changeSchema>>;

/** @throws EngineError `invalid-request` naming the field */
export const parsePreferencesChange = (value: unknown): PreferencesChange =>
  check(changeSchema, value, 'the preferences');
