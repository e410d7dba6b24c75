// Turns the dedicated worker it is called in into an engine: the worker of the tab that was elected
// (client/elected-tab.ts), for sites whose kit comes from another origin and browsers without SharedWorker. Its own tab
// hands it ports; the others come by the broker. Called by serve-engine.ts at the top level of the worker, so that no
// message of the tab is lost. Ends with its tab, which is how the next one takes over: nothing here is handed on but what
// is kept on the device.

import { parseAttachOrder, type TabWorkerReport } from '../protocol/brokering.js';
import { Broker } from './broker.js';
import { EngineHost } from './engine-host.js';
import { hostParts, type EntryParts, type WorkerScope } from './host-parts.js';

interface TabWorkerScope extends WorkerScope {
  postMessage(message: TabWorkerReport): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

export function serveTabWorker(entry: EntryParts): EngineHost {
  const scope = globalThis as unknown as TabWorkerScope;
  const host = new EngineHost({ ...hostParts(scope, 'tab'), ...entry });
  const broker = new Broker({
    scope: scope.name,
    hostId: host.id,
    attach: (port, left) => host.attach(port, left),
    openChannel: (name) => new BroadcastChannel(name),
  });
  scope.onmessage = ({ data, ports: [port] }) => {
    const order = parseAttachOrder(data);
    if (order === null || port === undefined) return;
    host.attach(port);
    scope.postMessage({ type: 'llm-elements:attached', id: order.id });
  };
  host.alive.then(
    () => {
      scope.postMessage({ type: 'llm-elements:ready', hostId: host.id });
      broker.announce();
    },
    (error: unknown) => {
      // Without its lock nobody could see it die: the tab hears of the error and says what is wrong.
      queueMicrotask(() => {
        throw error;
      });
    },
  );
  return host;
}
