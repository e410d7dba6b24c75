// Writes docs/reference.md, the elements' reference, from custom-elements.json's data, so that it says what the code's own
// comments say. A plugin of the manifest's analyzer (custom-elements-manifest.config.mjs): `npm run manifest` runs it.

import { writeFileSync } from 'node:fs';
import { format } from 'prettier';

const cell = (text = '') =>
  text
    .replaceAll('|', '\\|')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
const code = (text) => (text === undefined || text === '' ? '' : `\`${cell(text)}\``);

/** @param {string[]} head @param {string[][]} rows */
const table = (title, head, rows) =>
  rows.length === 0
    ? ''
    : `### ${title}\n\n| ${head.join(' | ')} |\n| ${head.map(() => '---').join(' | ')} |\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n\n`;

function element(declaration) {
  const { tagName, summary, description, members = [], attributes = [], events = [], slots = [] } = declaration;
  const { cssParts = [], cssProperties = [], cssStates = [] } = declaration;
  const attributeOf = new Map(attributes.map(({ name, fieldName }) => [fieldName ?? name, name]));
  const fields = members.filter(({ kind, static: fixed }) => kind === 'field' && fixed !== true);
  const methods = members.filter(({ kind, description: said }) => kind === 'method' && said !== undefined);
  return [
    `## \`<${tagName}>\`\n\n${(summary ?? '').replaceAll(/\s*\n\s*/g, ' ')}\n\n${description ?? ''}\n\n`,
    table(
      'Properties and attributes',
      ['property', 'attribute', 'type', 'default', 'what it is'],
      fields.map((field) => [
        code(field.name),
        field.readonly === true ? 'read only' : code(attributeOf.get(field.name)),
        code(field.type?.text),
        code(field.default),
        cell(field.description),
      ]),
    ),
    table(
      'Methods',
      ['method', 'what it does'],
      methods.map(({ name, parameters = [], description: said }) => [
        code(`${name}(${parameters.map((parameter) => parameter.name).join(', ')})`),
        cell(said),
      ]),
    ),
    table(
      'Events',
      ['event', 'when'],
      events.map((event) => [code(event.name), cell(event.description)]),
    ),
    table(
      'Slots',
      ['slot', 'what belongs there'],
      slots.map((slot) => [code(slot.name) || '(default)', cell(slot.description)]),
    ),
    table(
      'CSS parts',
      ['part', 'what it is'],
      cssParts.map((part) => [code(part.name), cell(part.description)]),
    ),
    table(
      'CSS states',
      ['state', 'when'],
      cssStates.map((state) => [code(`:state(${state.name})`), cell(state.description)]),
    ),
    table(
      'CSS custom properties',
      ['property', 'what it is'],
      cssProperties.map((property) => [code(property.name), cell(property.description)]),
    ),
  ].join('');
}

/** The analyzer's plugin. */
export const reference = {
  name: 'reference',
  packageLinkPhase({ customElementsManifest }) {
    const declarations = customElementsManifest.modules
      .flatMap(({ declarations: found = [] }) => found)
      .filter(({ customElement, tagName }) => customElement && tagName)
      .sort((one, two) => (one.tagName < two.tagName ? -1 : 1));
    const text = [
      '# Reference of the elements\n\n',
      "Written by `npm run manifest` from the elements' own comments; edit those. `custom-elements.json` has the same for\n",
      'machines.\n\n',
      ...declarations.map(element),
    ].join('');
    // The analyzer does not wait for plugins; what it does last comes after this.
    pending = format(text, { parser: 'markdown', printWidth: 120, proseWrap: 'preserve' }).then((pretty) =>
      writeFileSync(new URL('../docs/reference.md', import.meta.url), pretty),
    );
  },
};

let pending = Promise.resolve();
process.on('beforeExit', async () => {
  await pending;
});
