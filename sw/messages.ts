// What a page may tell the service worker, checked. Called by service-worker.ts; sent by engine/client.
//   keep      keep these URLs (reply on the port: {failed: urls})
//   claim     take this page, which a first visit or a reload past all caches left uncontrolled
//   running?  how many answers of /v1 are under way (on the port: {running: n}, now and at each change, until 0)
//   activate  to the one that waits: take over now

import * as v from 'valibot';
import { longestUrl } from '../engine/protocol/host-api.js';

const messageSchema = v.variant('type', [
  v.object({
    type: v.literal('keep'),
    urls: v.pipe(
      v.array(v.unknown()),
      v.maxLength(10_000),
      v.transform((urls) => urls.filter(isUrl)),
    ),
  }),
  v.object({ type: v.literal('claim') }),
  v.object({ type: v.literal('running?') }),
  v.object({ type: v.literal('activate') }),
]);
export type PageMessage = v.InferOutput<typeof messageSchema>;

/** @returns null for anything else */
export function parsePageMessage(value: unknown): PageMessage | null {
  const result = v.safeParse(messageSchema, value, { abortEarly: true });
  return result.success ? result.output : null;
}

function isUrl(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestUrl && URL.canParse(value);
}
