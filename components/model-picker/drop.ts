// Files dragged over an element and dropped: which of them are taken, and whether one hangs over it now. One per
// `<llm-model-picker>`, which puts the handlers on what covers it whole. Text and links that are dragged stay the page's.

import type { ReactiveController, ReactiveControllerHost } from 'lit';

export class DropController implements ReactiveController {
  /** A file hangs over the element. */
  get over(): boolean {
    return this.#over;
  }

  readonly #host: ReactiveControllerHost;
  readonly #takes: () => boolean;
  readonly #dropped: (file: File | null) => void;
  #over = false;

  /**
   * @param takes whether files are wanted at all
   * @param dropped gets the first file; null where what looked like a file is none, a folder in some browsers
   */
  constructor(host: ReactiveControllerHost, takes: () => boolean, dropped: (file: File | null) => void) {
    this.#host = host;
    this.#takes = takes;
    this.#dropped = dropped;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#over = false;
  }

  readonly dragover = (event: DragEvent): void => {
    if (!this.#wanted(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
    this.#show(true);
  };

  readonly dragleave = ({ currentTarget, relatedTarget }: DragEvent): void => {
    // Moving over to a child leaves nothing.
    const inside =
      relatedTarget instanceof Node && currentTarget instanceof Node && currentTarget.contains(relatedTarget);
    if (!inside) this.#show(false);
  };

  readonly drop = (event: DragEvent): void => {
    this.#show(false);
    if (!this.#wanted(event)) return;
    event.preventDefault();
    this.#dropped(event.dataTransfer?.files[0] ?? null);
  };

  #wanted({ dataTransfer }: DragEvent): boolean {
    return this.#takes() && dataTransfer?.types.includes('Files') === true;
  }

  #show(over: boolean): void {
    if (over === this.#over) return;
    this.#over = over;
    this.#host.requestUpdate();
  }
}
