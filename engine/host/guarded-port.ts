// Stands between a port and comlink: comlink's `expose` follows any property path a message names (`hello.constructor`
// leads to Function), so only plain calls of the methods in `hostMethods` get through. Everything else is answered
// with an `invalid-request` reply where it names an id, and dropped where it does not. Called by TabSession.
// Wire format: comlink 4.4's `{id, type: 'APPLY', path, argumentList: [{type: 'RAW', value}]}`.

import type { Endpoint } from 'comlink';
import * as v from 'valibot';
import { EngineError } from '../protocol/errors.js';
import { hostMethods, type Reply } from '../protocol/host-api.js';

const callSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  type: v.literal('APPLY'),
  path: v.strictTuple([v.picklist(hostMethods)]),
  argumentList: v.pipe(v.array(v.object({ type: v.literal('RAW'), value: v.unknown() })), v.maxLength(2)),
});

/** @param onRefused told of each refused message, for tests and counters */
export function guardPort(port: MessagePort, onRefused: () => void = () => undefined): Endpoint {
  const listeners = new Map<EventListenerOrEventListenerObject, (event: MessageEvent) => void>();
  return {
    postMessage: (message: unknown, transfer: Transferable[] = []) => port.postMessage(message, transfer),
    start: () => port.start(),
    addEventListener: (type, listener) => {
      const heard = (event: MessageEvent): void => {
        const call = v.safeParse(callSchema, event.data);
        if (call.success) {
          const checked = new MessageEvent('message', { data: call.output, ports: [...event.ports] });
          if (typeof listener === 'function') listener(checked);
          else listener.handleEvent(checked);
          return;
        }
        onRefused();
        refuse(port, event.data);
      };
      listeners.set(listener, heard);
      port.addEventListener(type as 'message', heard);
    },
    removeEventListener: (type, listener) => {
      const heard = listeners.get(listener);
      if (heard) port.removeEventListener(type as 'message', heard);
      listeners.delete(listener);
    },
  };
}

function refuse(port: MessagePort, data: unknown): void {
  const named = v.safeParse(v.object({ id: v.pipe(v.string(), v.maxLength(200)) }), data);
  if (!named.success) return;
  const error = new EngineError('invalid-request', 'The engine does not know this kind of message.', {
    hint: 'Use the client of this kit and the same version of it.',
  }).toShape();
  const value: Reply<never> = { ok: false, error };
  port.postMessage({ id: named.output.id, type: 'RAW', value });
}
