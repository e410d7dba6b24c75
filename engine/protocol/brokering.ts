// How tabs come to an engine that lives in a tab (host/serve-tab-worker.ts, client/elected-tab.ts). Three roads:
//   the tab's own worker   postMessage between a page and the worker it started: attach, and what the worker answers;
//   the broker's channel   a BroadcastChannel for all tabs of a scope: who wants a link, which host takes it;
//   a link's channel       a BroadcastChannel for one tab and the host (link.ts), because a MessagePort crosses none.
// Every script of the origin can write on the channels, and no other origin can: nothing here is believed before its
// schema has passed it, and what does not fit is dropped without an answer.

import * as v from 'valibot';

const id = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/, 'this is no id'));

/** Where links are asked for. */
export const brokerChannelName = (scope: string): string => `${scope}#broker`;

/** Between one tab and one host. */
export const linkChannelName = (scope: string, hostId: string, link: string): string =>
  `${scope}#link:${hostId}:${link}`;

/** Held by the tab whose worker is the host, wanted by all the others: whoever is granted it is the next. */
export const electedLockName = (scope: string): string => `${scope}#elected`;

const brokerSchema = v.variant('type', [
  /** Tab -> host: I want a link; its id is new. */
  v.strictObject({ type: v.literal('connect'), link: id }),
  /** Host -> that tab: I listen on the link's channel. */
  v.strictObject({ type: v.literal('accepted'), link: id, hostId: id }),
  /** Host -> all: I am here; whoever waits asks again. */
  v.strictObject({ type: v.literal('here'), hostId: id }),
]);
export type BrokerMessage = Readonly<v.InferOutput<typeof brokerSchema>>;

/** @returns null for anything else: a stranger on the channel is no error */
export const parseBrokerMessage = (value: unknown): BrokerMessage | null => parsed(brokerSchema, value);

/** 0 is the tab's port to the host; the others were opened by a message of the tab. */
const portNumber = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000_000));

const linkSchema = v.variant('type', [
  v.strictObject({
    type: v.literal('message'),
    to: v.picklist(['host', 'page']),
    port: portNumber,
    data: v.unknown(),
    /** The call's argument of this index is a port, which from now on has this number. */
    opens: v.exactOptional(v.strictObject({ port: portNumber, argument: v.picklist([0, 1]) })),
  }),
  v.strictObject({ type: v.literal('close'), to: v.picklist(['host', 'page']), port: portNumber }),
]);
export type LinkMessage = Readonly<v.InferOutput<typeof linkSchema>>;

/** @returns null for anything else */
export const parseLinkMessage = (value: unknown): LinkMessage | null => parsed(linkSchema, value);

const orderSchema = v.strictObject({ type: v.literal('llm-elements:attach'), id });
/** Page -> the worker it started, with one port: serve it. */
export type AttachOrder = Readonly<v.InferOutput<typeof orderSchema>>;

/** @returns null for anything else */
export const parseAttachOrder = (value: unknown): AttachOrder | null => parsed(orderSchema, value);

const reportSchema = v.variant('type', [
  /** The host holds its lock and takes ports. */
  v.strictObject({ type: v.literal('llm-elements:ready'), hostId: id }),
  v.strictObject({ type: v.literal('llm-elements:attached'), id }),
]);
/** The worker -> the page that started it. */
export type TabWorkerReport = Readonly<v.InferOutput<typeof reportSchema>>;

/** @returns null for anything else */
export const parseTabWorkerReport = (value: unknown): TabWorkerReport | null => parsed(reportSchema, value);

function parsed<const S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | null {
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : null;
}
