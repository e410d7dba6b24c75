// That nothing in an answer's DOM can run, be submitted or be fetched: only elements and attributes that our templates
// have, only addresses that may be followed. Test support; imported by tests only.

const allowed = new Set(
  'div p h3 h4 h5 h6 strong em del code pre br hr a bdi span ul ol li blockquote table thead tbody tr th td figure figcaption button svg rect path'.split(
    ' ',
  ),
);
const allowedAttributes = new Set(
  'class dir start href target rel referrerpolicy role tabindex aria-label aria-hidden scope data-align data-checked data-cloud part type viewBox focusable d x y width height rx'.split(
    ' ',
  ),
);

/** @throws Error naming what is there and must not be */
export function inert(root: ParentNode): void {
  for (const element of root.querySelectorAll('*')) {
    if (!allowed.has(element.localName)) throw new Error(`<${element.localName}> in an answer`);
    for (const { name, value } of element.attributes) {
      if (!allowedAttributes.has(name)) throw new Error(`${name}="${value}" on <${element.localName}>`);
      if (name === 'href' && !/^(?:https?:\/\/|mailto:)/.test(value)) throw new Error(`href="${value}"`);
    }
    if (element instanceof HTMLAnchorElement) {
      if (!element.relList.contains('noopener') || !element.relList.contains('nofollow'))
        throw new Error('a bare link');
    }
  }
}
