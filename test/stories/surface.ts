// What pages can style of each element, read in the page of stories: the parts it renders, the states it sets for
// `:state()`, the custom properties that its rules take from the page where they apply. Bundled with story-page.ts as
// `window.surface`; stories.e2e.ts holds it against custom-elements.json.

import { flat } from './reading.js';

export interface Surface {
  readonly parts: readonly string[];
  readonly states: readonly string[];
  readonly properties: readonly string[];
}

const states = new Map<string, Set<string>>();

/** Hears which states elements set: from outside nobody can list them. To be called before the first element is made. */
export function hearStates(): void {
  const attach = Reflect.get(HTMLElement.prototype, 'attachInternals') as (this: HTMLElement) => ElementInternals;
  HTMLElement.prototype.attachInternals = function (this: HTMLElement): ElementInternals {
    const internals = attach.call(this);
    const { localName } = this;
    const heard = states.get(localName) ?? new Set<string>();
    states.set(localName, heard);
    const { states: set } = internals;
    const add = set.add.bind(set);
    set.add = (state) => {
      heard.add(state);
      return add(state);
    };
    return internals;
  };
}

/** By tag, what is there now; states since the page was opened. */
export function surface(): Readonly<Record<string, Surface>> {
  const found: Record<string, { parts: Set<string>; states: Set<string>; properties: Set<string> }> = {};
  for (const host of flat(document.body)) {
    const { shadowRoot, localName } = host;
    if (shadowRoot === null || !localName.startsWith('llm-')) continue;
    const of = (found[localName] ??= {
      parts: new Set(),
      states: states.get(localName) ?? new Set(),
      properties: new Set(),
    });
    for (const element of shadowRoot.querySelectorAll('[part]')) for (const part of element.part) of.parts.add(part);
    for (const property of propertiesOf(shadowRoot)) of.properties.add(property);
  }
  return Object.fromEntries(
    Object.entries(found).map(([tag, of]) => [
      tag,
      { parts: [...of.parts], states: [...of.states], properties: [...of.properties] },
    ]),
  );
}

const mentioned = (text: string): string[] => [...text.matchAll(/var\((--[\w-]+)/g)].map(([, name = '']) => name);

/** The page's properties behind the declarations that apply to something here, now or under the pointer or the focus. */
function propertiesOf(root: ShadowRoot): Set<string> {
  const rules = root.adoptedStyleSheets.flatMap(({ cssRules }) => [...styleRules(cssRules)]);
  const behind = new Map<string, string[]>();
  const used: string[] = [];
  for (const { selectorText, style } of rules) {
    const own = style.cssText.replace(/(--_[\w-]+):([^;]+);/g, (_all, name: string, value: string) => {
      behind.set(name, [...(behind.get(name) ?? []), ...mentioned(value)]);
      return '';
    });
    if (applies(selectorText, root)) used.push(...mentioned(own));
  }
  const found = new Set<string>();
  for (const name of used) {
    for (const each of [name, ...(behind.get(name) ?? [])]) if (each.startsWith('--llm-')) found.add(each);
  }
  return found;
}

function* styleRules(rules: CSSRuleList): Generator<CSSStyleRule> {
  for (const rule of rules) {
    if (rule instanceof CSSStyleRule) yield rule;
    // Not what is only for printing, more contrast or another width: the same properties stand elsewhere, too.
    else if (rule instanceof CSSGroupingRule) yield* styleRules(rule.cssRules);
  }
}

/** Always true, and allowed wherever a pseudo-class is. */
const always = ':not(#_)';
const passing =
  /::[\w-]+(\([^)]*\))?|:(hover|focus|focus-visible|focus-within|active|checked|disabled|indeterminate|modal|popover-open|dir\(\w+\))(?![\w-])/g;

/** Could the rule apply to something that is there, in another moment? */
function applies(selector: string, root: ShadowRoot): boolean {
  if (selector.includes(':host')) return true;
  const lasting = selector.replace(/:not\(:[\w-]+\)/g, always).replace(passing, always);
  return root.querySelector(lasting) !== null;
}
