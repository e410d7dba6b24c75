// What all elements that show something have in common, and no more: they speak the language of their place (texts.ts),
// again when it changes, and carry their states for CSS (`:state(busy)`). Elements extend it instead of LitElement.

import { LitElement, type PropertyValues, type ReactiveElement } from 'lit';
import { inLanguageOf, onTexts } from './texts.js';

const present = new Set<ReactiveElement>();
let observer: MutationObserver | null = null;

const speakAnew = () => {
  for (const element of present) element.requestUpdate();
};

/** Listens for `lang` on everything above the element; observing a root twice is one observation. */
function watchLanguage(element: ReactiveElement): void {
  if (observer === null) {
    observer = new MutationObserver(speakAnew);
    onTexts(speakAnew);
  }
  present.add(element);
  for (let node: Node = element; ;) {
    const root = node.getRootNode();
    observer.observe(root, { attributeFilter: ['lang'], subtree: true });
    if (!(root instanceof ShadowRoot)) return;
    node = root.host;
  }
}

export abstract class LlmElement extends LitElement {
  /** States, and what a form-associated element tells its form. */
  protected readonly internals: ElementInternals = this.attachInternals();

  override connectedCallback(): void {
    super.connectedCallback();
    watchLanguage(this);
    // Moved, it may stand in another language.
    if (this.hasUpdated) this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    present.delete(this);
    if (present.size > 0) return;
    observer?.disconnect();
    // Elements that come back observe anew.
  }

  /** What a server rendered (declarative shadow DOM) was there to be seen at once; it gives way to the living element. */
  protected override createRenderRoot(): HTMLElement | DocumentFragment {
    this.shadowRoot?.replaceChildren();
    return super.createRenderRoot();
  }

  /** Renders in the language of this place; outside of a render, `inLanguageOf(this, ...)`. */
  protected override update(changed: PropertyValues): void {
    inLanguageOf(this, () => super.update(changed));
  }

  /** Sets what CSS sees as `:state(name)`; documented by `@cssstate` at each element. */
  protected setStates(states: Readonly<Record<string, boolean>>): void {
    const set = this.internals.states as CustomStateSet | undefined; // Safari before 17.4 has none
    if (set === undefined) return;
    for (const [name, on] of Object.entries(states)) {
      if (on) set.add(name);
      else set.delete(name);
    }
  }
}
