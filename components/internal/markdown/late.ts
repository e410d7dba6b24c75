// A Lit directive for an element whose content comes later than the text around it: coloured code, a formula. Shows what
// there is now, and replaces it when the rest has been fetched. Used by render.ts.
// The content is a render of its own, so that it does not matter whether the element is on the page when its rest comes.
// What goes wrong: what cannot be fetched or read leaves the plain text standing, which says the same.

import { render, type ElementPart } from 'lit';
import { Directive, directive } from 'lit/directive.js';

type Load = (element: Element) => Promise<unknown>;

class Late extends Directive {
  #key: unknown = null;

  /**
   * @param key what `load` depends on; the same again changes nothing. Null: nothing to load yet
   * @param before shown until then
   * @param load resolves to a value of a template, null where there is nothing better
   */
  render(...content: [key: unknown, before: unknown, load: Load]): void {
    void content;
  }

  override update(part: ElementPart, [key, before, load]: Parameters<this['render']>): void {
    if (key !== null && key === this.#key) return;
    this.#key = key;
    const element = part.element as HTMLElement;
    render(before, element);
    if (key === null) return;
    load(element).then((value) => {
      if (value !== null && this.#key === key) render(value, element);
    }, reportError);
  }
}

export const late = directive(Late);
