// Registers an element under its name, once: a page may load the kit twice, from two bundles or in two versions even. The
// first one holds, because a name cannot be given again; the other says so. Used by the modules of this folder, the only
// ones of components/ with a side effect.

export function register(name: `llm-${string}`, element: CustomElementConstructor): void {
  // Imported on a server there is no registry; the module must load there all the same.
  if (typeof customElements === 'undefined') return;
  const first = customElements.get(name);
  if (first === undefined) customElements.define(name, element);
  else if (first !== element) {
    // eslint-disable-next-line no-console -- for the site's developer, who has loaded the kit from two places
    console.info(`llm-elements: <${name}> was registered by another copy of the kit, which is used.`);
  }
}
