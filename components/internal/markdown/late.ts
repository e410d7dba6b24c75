// A Lit directive for what comes later than the text around it: coloured code, a formula. Shows what is there now, and
// replaces it when the rest has been fetched. Used by render.ts.
// What goes wrong: what cannot be fetched or read leaves the plain text standing, which says the same.

import { noChange, type ChildPart } from 'lit';
import { AsyncDirective } from 'lit/async-directive.js';
import { directive } from 'lit/directive.js';

type Load = (place: () => Node) => Promise<unknown>;

class Late extends AsyncDirective {
  #key: unknown = null;
  /** For a part that was away when its value came. */
  #value: { readonly of: unknown; readonly value: unknown } | null = null;

  /**
   * @param key what `load` depends on; the same again changes nothing. Null: nothing to load yet
   * @param before shown until then
   * @param load resolves to a value of a template, null where there is nothing better; gets the node it stands in
   */
  render(key: unknown, before: unknown, load: Load): unknown {
    void key;
    void load; // on a server only what is there now is shown
    return before;
  }

  override update(part: ChildPart, [key, before, load]: [unknown, unknown, Load]): unknown {
    if (key !== null && key === this.#key) return noChange;
    this.#key = key;
    if (key === null) return before;
    load(() => part.parentNode).then(
      (value) => {
        if (value === null || this.#key !== key) return;
        this.#value = { of: key, value };
        if (this.isConnected) this.setValue(value);
      },
      (thrown: unknown) => reportError(thrown),
    );
    return before;
  }

  override reconnected(): void {
    if (this.#value?.of === this.#key) this.setValue(this.#value?.value);
  }
}

export const late = directive(Late);
