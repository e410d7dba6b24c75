// Replies that few pages ever ask for, or none before its first answer: what is kept on this device, conversations, the
// kernels' times. Schemas of valibot, fetched by the client (connection.ts) with the first such call; tests take the
// readers of all calls from here. What goes wrong is told as in page-messages.ts.

import * as v from 'valibot';
import { conversationListSchema, conversationSchema } from './conversations.js';
import type { HostMethod } from './host-api.js';
import { erasureSchema, keptReportSchema } from './kept-data.js';
import { replies, type RareMethod } from './page-messages.js';
import { profileReportSchema } from './profile.js';
import { Misfit, type Reader } from './shape.js';
import type { StorageReport } from './state.js';

const line = v.pipe(v.string(), v.maxLength(10_000));
const count = v.pipe(v.number(), v.finite(), v.minValue(0));

const storageReport: v.GenericSchema<unknown, StorageReport> = v.object({
  kind: v.picklist(['opfs', 'opfs-sync', 'indexeddb', 'memory', 'none']),
  usage: v.nullable(count),
  quota: v.nullable(count),
  models: v.pipe(
    v.array(
      v.object({
        source: line,
        name: line,
        quantisation: line,
        byteLength: count,
        storedBytes: count,
        lastUsed: count,
      }),
    ),
    v.maxLength(10_000),
  ),
});

const urlList: v.GenericSchema<unknown, readonly string[]> = v.pipe(v.array(line), v.maxLength(10_000));

const reading =
  <T>(schema: v.GenericSchema<unknown, T>): Reader<T> =>
  (value, at) => {
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (result.success) return result.output;
    const path = v.getDotPath(result.issues[0]);
    throw new Misfit(path === null ? at : `${at}.${path}`);
  };

/** Readers of what these calls answer with. */
export const rareReplies = {
  storage: reading(storageReport),
  listConversations: reading(conversationListSchema),
  readConversation: reading(conversationSchema),
  writeConversation: reading(conversationSchema),
  kept: reading(keptReportSchema),
  eraseAll: reading(erasureSchema),
  profile: reading(profileReportSchema),
  fetched: reading(urlList),
} as const satisfies { readonly [M in RareMethod]: Reader<unknown> };

/** Readers of what every call answers with. */
export const allReplies = { ...replies, ...rareReplies } satisfies { readonly [M in HostMethod]: Reader<unknown> };
