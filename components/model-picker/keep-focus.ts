// Buttons of the picker vanish with what they do: "Load" when the model is loaded, "Delete" when it is deleted. The focus
// would fall to the page's top; it goes to the control of the same card instead, or to the chosen one. One per
// `<llm-model-picker>`.

import type { ReactiveController, ReactiveElement } from 'lit';

export class KeepFocusController implements ReactiveController {
  readonly #host: ReactiveElement;
  #focused: Element | null = null;
  #card: Element | null = null;

  constructor(host: ReactiveElement) {
    this.#host = host;
    host.addController(this);
  }

  hostUpdate(): void {
    const focused = this.#host.shadowRoot?.activeElement ?? null;
    if (focused === null) return;
    this.#focused = focused;
    this.#card = focused.closest('[part=model]');
  }

  hostUpdated(): void {
    const { shadowRoot } = this.#host;
    const lost = this.#focused !== null && !this.#focused.isConnected && !shadowRoot?.activeElement;
    const card = this.#card?.isConnected === true ? this.#card : null;
    this.#focused = null;
    this.#card = null;
    if (!lost || !shadowRoot) return;
    const radio = (root: ParentNode | null, which = '') =>
      root?.querySelector<HTMLElement>(`input[type=radio]${which}`);
    const button = shadowRoot.querySelector<HTMLElement>('button');
    (radio(card) ?? radio(shadowRoot, ':checked') ?? radio(shadowRoot) ?? button)?.focus();
  }
}
