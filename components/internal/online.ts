// Whether the browser believes that there is a network (navigator.onLine, which knows of cables and not of servers), with
// a render when it changes. For elements that say so.

import type { ReactiveController, ReactiveElement } from 'lit';

export class OnlineController implements ReactiveController {
  readonly #host: ReactiveElement;
  readonly #changed = () => this.#host.requestUpdate();

  constructor(host: ReactiveElement) {
    this.#host = host;
    host.addController(this);
  }

  /** True where the browser does not say. */
  get value(): boolean {
    return (globalThis.navigator as Partial<Navigator> | undefined)?.onLine !== false;
  }

  hostConnected(): void {
    addEventListener('online', this.#changed);
    addEventListener('offline', this.#changed);
  }

  hostDisconnected(): void {
    removeEventListener('online', this.#changed);
    removeEventListener('offline', this.#changed);
  }
}
