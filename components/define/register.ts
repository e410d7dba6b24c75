// Registers an element under its name, once: a page may load the kit twice, from two bundles even, and the second time
// must do nothing. Used by the modules of this folder, the only ones of components/ with a side effect.

export function register(name: `llm-${string}`, element: CustomElementConstructor): void {
  // Imported on a server there is no registry; the module must load there all the same.
  if (typeof customElements === 'undefined' || customElements.get(name) !== undefined) return;
  customElements.define(name, element);
}
