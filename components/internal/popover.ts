// A panel that hangs on a button, in the browser's top layer (the popover attribute, opened by the button's
// `popovertarget`): the browser closes it on Escape and on a press outside and gives the focus back; here it is put below
// the button, or above where there is more room, and kept inside the window. One per element. The panel is placed by
// properties of its style, which a strict policy allows.

import type { ReactiveController, ReactiveElement } from 'lit';

/** Pixels between button, panel and the window's edge. */
const gap = 6;

export class PopoverController implements ReactiveController {
  readonly #host: ReactiveElement;
  readonly #button: () => HTMLElement | null;
  readonly #panel: () => HTMLElement | null;
  #open = false;
  /** Its letters may grow while it is open. */
  #sizes: ResizeObserver | null = null;

  constructor(host: ReactiveElement, button: () => HTMLElement | null, panel: () => HTMLElement | null) {
    this.#host = host;
    this.#button = button;
    this.#panel = panel;
    host.addController(this);
  }

  get open(): boolean {
    return this.#open;
  }

  hostDisconnected(): void {
    this.#end();
    this.#open = false;
  }

  hostUpdated(): void {
    if (this.#open) this.#place(); // its words may have become more
  }

  /** To be heard as the panel's `beforetoggle`: what it holds is rendered before it is seen. */
  readonly toggles = (event: Event): void => {
    this.#open = (event as ToggleEvent).newState === 'open';
    this.#host.requestUpdate();
    if (this.#open) {
      addEventListener('resize', this.#moved);
      addEventListener('scroll', this.#moved, { capture: true, passive: true });
      this.#sizes = new ResizeObserver(this.#moved);
      if (event.currentTarget instanceof Element) this.#sizes.observe(event.currentTarget);
    } else {
      this.#end();
    }
  };

  #end(): void {
    removeEventListener('resize', this.#moved);
    removeEventListener('scroll', this.#moved, { capture: true });
    this.#sizes?.disconnect();
    this.#sizes = null;
  }

  readonly #moved = () => this.#place();

  #place(): void {
    const button = this.#button()?.getBoundingClientRect();
    const panel = this.#panel();
    if (button === undefined || panel === null || !panel.matches(':popover-open')) return;
    const { width, height } = panel.getBoundingClientRect();
    const wanted = getComputedStyle(this.#host).direction === 'rtl' ? button.right - width : button.left;
    const left = Math.max(gap, Math.min(wanted, innerWidth - width - gap));
    const below = button.bottom + gap;
    const fits = below + height + gap <= innerHeight || button.top < innerHeight - button.bottom;
    const top = fits ? below : Math.max(gap, button.top - gap - height);
    panel.style.left = `${String(left)}px`;
    panel.style.top = `${String(top)}px`;
  }
}
