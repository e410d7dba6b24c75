// What Storybook's docs pages say of an element: its reference from custom-elements.json, and a control for each attribute
// that a person can set by hand. Called by .storybook/preview.ts. Storybook's own reading of a manifest puts everything in
// one list by name, where the attribute `attachments` and a part of that name are one; here each kind has its own.

import type { ArgTypes } from '@storybook/web-components-vite';

interface Named {
  readonly name: string;
  readonly description?: string;
}

interface Typed extends Named {
  readonly type?: { readonly text: string };
  readonly default?: string;
}

interface Member extends Typed {
  readonly kind: string;
  readonly static?: boolean;
  readonly parameters?: readonly Typed[];
  readonly return?: { readonly type?: { readonly text: string } };
}

interface Declaration {
  readonly tagName?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly members?: readonly Member[];
  readonly attributes?: readonly (Typed & { readonly fieldName?: string })[];
  readonly events?: readonly Typed[];
  readonly slots?: readonly Named[];
  readonly cssParts?: readonly Named[];
  readonly cssStates?: readonly Named[];
  readonly cssProperties?: readonly Typed[];
}

export interface Manifest {
  readonly modules: readonly { readonly declarations?: readonly Declaration[] }[];
}

const declarationOf = (manifest: Manifest, tag: string): Declaration | undefined =>
  manifest.modules.flatMap(({ declarations = [] }) => declarations).find(({ tagName }) => tagName === tag);

/** @returns the element's comment as markdown, empty for a tag that the manifest does not have */
export function descriptionOf(manifest: Manifest, tag: string): string {
  const { summary = '', description = '' } = declarationOf(manifest, tag) ?? {};
  return [summary, description].filter((text) => text !== '').join('\n\n');
}

type Control = NonNullable<ArgTypes[string]['control']>;

/** How a value of the type is set by hand; null for what no control could. */
function controlOf(type: string): { readonly control: Control; readonly options?: readonly string[] } | null {
  if (type === 'boolean') return { control: { type: 'boolean' } };
  if (type === 'string') return { control: { type: 'text' } };
  if (type === 'readonly string[]') return { control: { type: 'object' } };
  if (/^number( \| null)?$/.test(type)) return { control: { type: 'number' } };
  if (/^'[^']*'( \| '[^']*')+$/.test(type))
    return { control: { type: 'select' }, options: type.split(' | ').map((option) => option.slice(1, -1)) };
  return null;
}

/** The reference of an element: by property where it can be set, else by kind and name. */
export function argTypesOf(manifest: Manifest, tag: string): ArgTypes {
  const declaration = declarationOf(manifest, tag);
  if (declaration === undefined) return {};
  const { members = [], attributes = [], events = [], slots = [] } = declaration;
  const { cssParts = [], cssStates = [], cssProperties = [] } = declaration;
  const types: ArgTypes = {};
  const add = (key: string, category: string, { name, description = '', type, default: preset }: Typed) => {
    types[key] = {
      name: name === '' ? '(default)' : name,
      description,
      control: false,
      table: {
        category,
        ...(type === undefined ? {} : { type: { summary: type.text } }),
        ...(preset === undefined ? {} : { defaultValue: { summary: preset } }),
      },
    };
  };
  const byAttribute = new Set<string>();
  for (const attribute of attributes) {
    const key = attribute.fieldName ?? attribute.name;
    byAttribute.add(key);
    add(key, 'attributes', attribute);
    Object.assign(types[key] ?? {}, controlOf(attribute.type?.text ?? ''));
  }
  for (const member of members) {
    const { kind, name, parameters = [], static: shared = false, description } = member;
    if (shared || description === undefined || byAttribute.has(name)) continue;
    if (kind === 'field') add(name, 'properties', member);
    else {
      const returned = member.return?.type;
      const call = `${name}(${parameters.map((parameter) => parameter.name).join(', ')})`;
      add(`method ${name}`, 'methods', { name: call, description, ...(returned ? { type: returned } : {}) });
    }
  }
  const kinds = { events, slots, 'CSS parts': cssParts, 'CSS states': cssStates, 'CSS properties': cssProperties };
  for (const [kind, list] of Object.entries(kinds)) for (const one of list) add(`${kind} ${one.name}`, kind, one);
  return types;
}
