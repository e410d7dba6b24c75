// How a tab lends the engine what a SharedWorker cannot have: a dedicated worker with shared memory, so threads. The page
// offers once after hello (`HostApi.offerHelper`, with a port); over that port the host orders a helper when a model needs
// one and hands over a port to it; the page starts the worker and passes the port on. Nothing is started before it is
// ordered, and everything ends with the tab. Host: host/helpers.ts. Page: client/lend-helper.ts.
// Both ends are of one origin, and still nothing is believed before its schema has passed it.

import * as v from 'valibot';
import { check } from './check.js';

const threads = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(64));
const id = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/, 'this is no id'));

const offerSchema = v.object({ threads });
/** What a page can lend. */
export type HelperOffer = Readonly<v.InferOutput<typeof offerSchema>>;

const orderSchema = v.variant('type', [
  /** With the port that the helper shall serve. */
  v.object({ type: v.literal('start'), id }),
  v.object({ type: v.literal('stop'), id }),
]);
/** Host -> page. */
export type HelperOrder = Readonly<v.InferOutput<typeof orderSchema>>;

const reportSchema = v.object({ type: v.literal('failed'), id });
/** Page -> host: that helper's script could not be started, or broke. */
export type HelperReport = Readonly<v.InferOutput<typeof reportSchema>>;

/** Page -> its helper's worker, with the port that it shall serve. */
export const helperBegin = 'llm-elements:helper';

/** @throws EngineError `invalid-request` naming the field */
export const parseHelperOffer = (value: unknown): HelperOffer => check(offerSchema, value, 'the offer of a helper');

/** @throws EngineError `internal` */
export const parseHelperOrder = (value: unknown): HelperOrder =>
  check(orderSchema, value, "the engine's order for a helper", 'internal', 'Reload every tab of this site.');

/** @throws EngineError `invalid-request` */
export const parseHelperReport = (value: unknown): HelperReport => check(reportSchema, value, 'a report of a helper');
