// The bits of ServiceWorkerGlobalScope that this room uses; TypeScript's DOM library has no worker types beside it.
// Used by service-worker.ts and what it calls. Source: the W3C Service Workers specification.

export interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
export interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  /** '' for navigations and for whatever has no client of this origin. */
  readonly clientId: string;
  respondWith(answer: Promise<Response>): void;
}
export interface ExtendableMessageEvent
  extends ExtendableEvent, Pick<MessageEvent, 'data' | 'origin' | 'ports' | 'source'> {}

export interface WorkerClient {
  readonly id: string;
  readonly url: string;
  readonly type: 'window' | 'worker' | 'sharedworker';
  postMessage(message: unknown, transfer: Transferable[]): void;
}

export interface WorkerClients {
  claim(): Promise<void>;
  get(id: string): Promise<WorkerClient | undefined>;
  matchAll(options: {
    readonly type?: 'window' | 'all';
    readonly includeUncontrolled?: boolean;
  }): Promise<readonly WorkerClient[]>;
}

export interface WorkerScope {
  readonly location: Location;
  readonly clients: WorkerClients;
  readonly registration: { readonly scope: string; readonly active: unknown };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
  addEventListener(type: 'message', listener: (event: ExtendableMessageEvent) => void): void;
}

export const worker = globalThis as unknown as WorkerScope;
