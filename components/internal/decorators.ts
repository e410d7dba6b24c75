// Lit's decorators as far as the kit uses them. Lit's own read both kinds of decorators that TypeScript knows, which every
// page would download; these do what they do for ours (`experimentalDecorators`). Called by the elements' classes.
// Source: lit.dev, "Decorators" and "Reactive properties" (`createProperty`).

import type { PropertyDeclaration, ReactiveElement } from 'lit';

type Decorator = (prototype: ReactiveElement, name: string) => void;

/** A property that renders the element anew when it changes; an attribute, too, unless said otherwise. */
export const property =
  (options?: PropertyDeclaration): Decorator =>
  (prototype, name) =>
    (prototype.constructor as typeof ReactiveElement).createProperty(name, options);

/** One of the element's own, no attribute. */
export const state = (): Decorator => property({ state: true, attribute: false });

/** Looks for the element in the shadow root each time it is read; null where there is none. */
export const query =
  (selector: string): Decorator =>
  (prototype, name) => {
    Object.defineProperty(prototype, name, {
      get(this: ReactiveElement) {
        return this.renderRoot?.querySelector(selector) ?? null;
      },
      configurable: true,
    });
  };
