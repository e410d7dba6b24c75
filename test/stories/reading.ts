// What a person without a mouse meets on the page of stories, read in the page itself: the controls in reading order, what
// has the focus and whether one sees it, what does not fit. Bundled with story-page.ts as `window.reading`; keys.ts and
// the tests of this folder ask it. It walks the flat tree, as browsers and screen readers do, not the elements' insides.

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A control with the focus. */
export interface Focus {
  /** The same for the same control while the page lives; 0 for none. */
  readonly id: number;
  /** For messages of tests. */
  readonly what: string;
  /** Where names must differ: the message, card, dialog or group that it stands in. */
  readonly group: number;
  /** What is wrong with how it is met; empty for nothing. */
  readonly faults: readonly string[];
}

const interactive =
  'a[href], button, input, select, textarea, summary, iframe, audio[controls], video[controls], [tabindex], [contenteditable]';
const groups = 'article, li, figure, details, dialog, fieldset, [role=group], [data-entry], [part=model], [popover]';

const ids = new WeakMap<Element, number>();
let nextId = 1;

function idOf(element: Element | null): number {
  if (element === null) return 0;
  const known = ids.get(element) ?? nextId++;
  ids.set(element, known);
  return known;
}

/** All below `node` in the order of reading: shadow trees in their hosts, slotted elements in their slots. */
export function* flat(node: Node): Generator<Element> {
  for (const child of childrenOf(node)) {
    if (!(child instanceof Element)) continue;
    yield child;
    yield* flat(child);
  }
}

function childrenOf(node: Node): Iterable<Node> {
  if (node instanceof Element && node.shadowRoot !== null) return node.shadowRoot.childNodes;
  if (node instanceof HTMLSlotElement && node.assignedNodes().length > 0) return node.assignedNodes();
  return node.childNodes;
}

const parentOf = (element: Element): Element | null =>
  element.assignedSlot ?? element.parentElement ?? (element.getRootNode() as Partial<ShadowRoot>).host ?? null;

function* above(element: Element): Generator<Element> {
  for (let each: Element | null = element; each !== null; each = parentOf(each)) yield each;
}

const seen = (element: Element): boolean => element.checkVisibility({ visibilityProperty: true });

/** Where the keyboard goes: the open modal dialog, else the page. */
const room = (): Element =>
  [...flat(document.body)].find((element) => element instanceof HTMLDialogElement && element.matches(':modal')) ??
  document.body;

/** Of a group of radio buttons Tab stops at the chosen one, without a choice at the first. */
function isOtherRadio(element: Element): boolean {
  if (!(element instanceof HTMLInputElement) || element.type !== 'radio' || element.checked) return false;
  const root = element.getRootNode() as Document | ShadowRoot;
  const group = `input[type=radio][name="${CSS.escape(element.name)}"]`;
  return root.querySelector(`${group}:checked`) !== null || root.querySelector(group) !== element;
}

/** Every control that can be used now, in the order of reading. */
export function controls(): Element[] {
  return [...flat(room())].filter(
    (element) =>
      element.matches(interactive) &&
      !element.matches(':disabled, input[type=hidden]') &&
      !(element.localName === 'summary' && element.parentElement?.querySelector(':scope > summary') !== element) &&
      seen(element) &&
      !isOtherRadio(element),
  );
}

export function active(): Element | null {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element === document.body ? null : element;
}

const boxOf = (element: Element): Box => {
  const { x, y, width, height } = element.getBoundingClientRect();
  return { x, y, width, height };
};

/** How the control and what it stands in look, as far as a focus shows. */
const looksOf = (element: Element): string =>
  [...above(element)]
    .filter((each) => each instanceof HTMLElement && each.localName !== 'main')
    .slice(0, 5)
    .map((each) => {
      const { outlineStyle, outlineWidth, boxShadow, borderColor } = getComputedStyle(each);
      const thin = outlineStyle !== 'auto' && parseFloat(outlineWidth) < 2;
      const outline = outlineStyle === 'none' || thin ? 'none' : outlineWidth;
      return [outline, boxShadow, borderColor].join(' ');
    })
    .join(' / ');

const describe = (element: Element): string => {
  const host = (element.getRootNode() as Partial<ShadowRoot>).host?.localName ?? 'page';
  const part = element.part.value === '' ? '' : `[part=${element.part.value}]`;
  const label = element.getAttribute('aria-label') ?? element.textContent.trim().replace(/\s+/g, ' ').slice(0, 40);
  return `${element.localName}${part} "${label}" in ${host}`;
};

let last: { readonly element: Element; readonly looks: string } | null = null;

/** What has the focus, and what is wrong with it and with the one before, whose looks without the focus are known now. */
export function focused(): Focus {
  const element = active();
  const faults: string[] = [];
  if (last !== null && last.element !== element && last.element.isConnected && !isFence(last.element)) {
    if (looksOf(last.element) === last.looks) faults.push(`${describe(last.element)} does not show the focus`);
  }
  if (element !== null) {
    if (element instanceof HTMLElement && element.tabIndex > 0)
      faults.push(`${describe(element)} has a tabindex above 0`);
    const hiding = [...above(element)].find((each) => each.matches('[aria-hidden=true], [inert]'));
    if (hiding !== undefined) faults.push(`${describe(element)} is in a hidden part`);
    const { width, height } = element.getBoundingClientRect();
    if (width < 2 || height < 2) faults.push(`${describe(element)} has the focus and is not to be seen`);
    if (last !== null && last.element !== element && last.element.isConnected)
      faults.push(...misplaced(last.element, element));
  }
  last = element === null ? null : { element, looks: looksOf(element) };
  const group = element === null ? null : ([...above(element)].slice(1).find((each) => each.matches(groups)) ?? null);
  return { id: idOf(element), what: element === null ? 'nothing' : describe(element), group: idOf(group), faults };
}

const isFence = (element: Element): boolean => element.matches('[data-fence]');

/** Within an element the focus goes down and along the line, never back up: `after` stands behind `before`. */
function misplaced(before: Element, after: Element): string[] {
  if (isFence(before) || isFence(after) || before.getRootNode() !== after.getRootNode()) return [];
  const [a, b] = [before.getBoundingClientRect(), after.getBoundingClientRect()];
  const inside = (outer: DOMRect, inner: DOMRect) =>
    inner.left >= outer.left - 1 &&
    inner.right <= outer.right + 1 &&
    inner.top >= outer.top - 1 &&
    inner.bottom <= outer.bottom + 1;
  if ([...above(after)].includes(before) || inside(a, b) || inside(b, a)) return [];
  if (b.bottom <= a.top + 1) return [`${describe(after)} follows ${describe(before)}, but stands above it`];
  const sameLine = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > Math.min(a.height, b.height) / 2;
  const rtl = getComputedStyle(parentOf(after) ?? after).direction === 'rtl';
  const backwards = rtl ? b.left >= a.right - 1 : b.right <= a.left + 1;
  return sameLine && backwards ? [`${describe(after)} follows ${describe(before)}, but stands before it`] : [];
}

/** The controls as they would be met, by their ids. */
export const expected = (): readonly { readonly id: number; readonly what: string }[] =>
  controls()
    .filter((element) => !isFence(element))
    .map((element) => ({ id: idOf(element), what: describe(element) }));

/** Is the focus in an open modal dialog? */
export const trapped = (): boolean => {
  const element = active();
  return (
    element !== null && [...above(element)].some((each) => each instanceof HTMLDialogElement && each.matches(':modal'))
  );
};

/** Buttons before and behind everything, where a walk begins and ends. */
export function fence(): void {
  last = null;
  for (const [name, where] of [
    ['before', 'afterbegin'],
    ['behind', 'beforeend'],
  ] as const) {
    const button = document.createElement('button');
    button.textContent = name;
    button.dataset['fence'] = name;
    document.body.insertAdjacentElement(where, button);
  }
}

/** All elements have rendered, also what they render because of what they rendered. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    for (const element of flat(document.body)) if ('updateComplete' in element) await element.updateComplete;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** Controls that are hard to hit: less than 24 x 24 pixels (WCAG 2.2, 2.5.8), links within text aside. */
export const small = (): string[] =>
  controls().flatMap((element) => {
    if (isFence(element) || element.localName === 'a') return [];
    // A press on its label is a press on it.
    const label = element instanceof HTMLInputElement ? element.labels?.item(0) : null;
    const boxes = [element, ...(label ? [label] : [])].map(boxOf);
    if (boxes.some(({ width, height }) => width >= 23.9 && height >= 23.9)) return [];
    const { width, height } = boxOf(element);
    return [`${describe(element)} is ${width.toFixed(0)} x ${height.toFixed(0)} pixels`];
  });

/** What does not fit: the page scrolls sideways, an element is wider than the window, or words are cut off. */
export function overflowing(): string[] {
  const found: string[] = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`the page is ${String(scrollWidth)} wide in ${String(clientWidth)}`);
  for (const element of flat(room())) {
    if (!(element instanceof HTMLElement) || !seen(element)) continue;
    const { left, right, width, height } = element.getBoundingClientRect();
    if (width < 2 || height < 2) continue;
    const scrolled = [...above(element)]
      .slice(1)
      .some((each) => /auto|scroll/.test(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth);
    if (!scrolled && (right > clientWidth + 1 || left < -1))
      found.push(`${describe(element)} reaches out of the window`);
    const { overflowX, textOverflow } = getComputedStyle(element);
    const cut = element.scrollWidth > element.clientWidth + 1 && overflowX === 'hidden' && textOverflow !== 'ellipsis';
    if (cut && !element.matches('.hidden, .u-wrap, .u-wrap *')) found.push(`${describe(element)} cuts its words off`);
  }
  return found;
}
