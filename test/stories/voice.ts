// What a screen reader gets of a page: Chromium's accessibility tree, and what is wrong with it whatever the element is.
// Called by stories.e2e.ts for every story; axe looks at attributes, this at what the browser makes of them.

import type { CDPSession, Page } from 'playwright-core';

/** Roles that say nothing without a name. */
const named = new Set([
  'button',
  'link',
  'textbox',
  'searchbox',
  'combobox',
  'slider',
  'spinbutton',
  'switch',
  'checkbox',
  'radio',
  'DisclosureTriangle',
  'image',
  'img',
  'progressbar',
  'meter',
  'dialog',
  'log',
  'region',
  'article',
]);

interface Heard {
  readonly role: string;
  readonly name: string;
  readonly properties: ReadonlyMap<string, unknown>;
  readonly value: unknown;
  readonly below: readonly string[];
}

/** The roles met, and what is wrong with them. */
export async function listen(page: Page, session: CDPSession): Promise<{ roles: Set<string>; faults: string[] }> {
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const rolesBelow = (ids: readonly string[]): string[] =>
    nodes
      .filter(({ nodeId }) => ids.includes(nodeId))
      .flatMap(({ role, childIds = [] }) => [String(role?.value ?? ''), ...rolesBelow(childIds)]);
  const heard = nodes
    .filter(({ ignored }) => !ignored)
    .map(({ role, name, value, properties = [], childIds = [] }): Heard => {
      const said = String(role?.value ?? '');
      return {
        role: said,
        name: String(name?.value ?? '').trim(),
        properties: new Map(properties.map((each) => [each.name, each.value.value])),
        value: value?.value,
        below: said === 'table' ? rolesBelow(childIds) : [],
      };
    });
  const faults = heard.flatMap(({ role, name, properties, value, below }) => {
    const what = `${role} "${name}"`;
    const found: string[] = [];
    if (named.has(role) && name === '') found.push(`a ${role} has no name`);
    if (role === 'table' && !below.includes('columnheader')) found.push(`${what} has no headers`);
    if (role === 'log' && !['off', undefined].includes(properties.get('live') as string | undefined)) {
      found.push(`${what} is read out token by token`);
    }
    if (properties.get('live') === 'assertive') found.push(`${what} interrupts`);
    if (role === 'progressbar' && value !== undefined && /^\d{4,}$/.test(name))
      found.push(`${what} is named by a number`);
    return found;
  });
  // One voice each: a region that is there from the first render (an element that speaks in two speaks twice).
  const voices = await page.evaluate(() =>
    [...window.reading.flat(document.body)].flatMap((element) => {
      const { shadowRoot } = element;
      if (shadowRoot === null || element.localName === 'llm-engine') return [];
      const count = shadowRoot.querySelectorAll('[aria-live=polite]').length;
      const open = shadowRoot.querySelector('dialog[open]') === null ? 1 : 2;
      return count >= 1 && count <= open ? [] : [`${element.localName} has ${String(count)} voices`];
    }),
  );
  // The value of a bar in words: bytes and tokens as bare numbers say nothing.
  const bars = await page.evaluate(() =>
    [...window.reading.flat(document.body)].flatMap((element) =>
      element.matches('progress[value], [role=meter]') &&
      element.checkVisibility() &&
      element.closest('[aria-hidden=true]') === null &&
      !/\p{L}|%/u.test(element.getAttribute('aria-valuetext') ?? element.ariaLabel ?? '')
        ? [`${element.ariaLabel ?? element.localName} has no value in words`]
        : [],
    ),
  );
  return { roles: new Set(heard.map(({ role }) => role)), faults: [...faults, ...voices, ...bars] };
}
