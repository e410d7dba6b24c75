// The docs pages say what the manifest has: every attribute with a control of its kind, nothing of one kind hidden by another.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { argTypesOf, descriptionOf, type Manifest } from '../../stories/manifest-docs.js';

const manifest = JSON.parse(readFileSync('custom-elements.json', 'utf8')) as Manifest;
const tags = manifest.modules
  .flatMap(({ declarations = [] }) => declarations)
  .flatMap(({ tagName }) => (tagName === undefined ? [] : [tagName]));

describe('docs pages of the stories', () => {
  test('have every attribute, event, slot, part, state and property of every element', () => {
    assert.equal(tags.length, 7);
    for (const declaration of manifest.modules.flatMap(({ declarations = [] }) => declarations)) {
      if (declaration.tagName === undefined) continue;
      const types = argTypesOf(manifest, declaration.tagName);
      const {
        attributes = [],
        events = [],
        slots = [],
        cssParts = [],
        cssStates = [],
        cssProperties = [],
      } = declaration;
      const kinds = { attributes, events, slots, 'CSS parts': cssParts, 'CSS states': cssStates };
      for (const [category, list] of Object.entries({ ...kinds, 'CSS properties': cssProperties })) {
        const shown = Object.values(types).filter(({ table }) => table?.category === category);
        assert.deepEqual(
          shown.map(({ name }) => name).sort(),
          list.map(({ name }) => (name === '' ? '(default)' : name)).sort(),
          `${declaration.tagName}: ${category}`,
        );
        for (const { name = '', description } of shown) assert.ok(description, `${name} is not described`);
      }
      assert.ok(descriptionOf(manifest, declaration.tagName).length > 40);
    }
  });

  test('have a control of its kind for what can be set by hand, and none for the rest', () => {
    const types = argTypesOf(manifest, 'llm-chat');
    assert.deepEqual(types['disabled']?.control, { type: 'boolean' });
    assert.deepEqual(types['placeholder']?.control, { type: 'text' });
    assert.deepEqual(types['temperature']?.control, { type: 'number' });
    assert.deepEqual(types['attachments']?.options, ['on', 'off']);
    assert.equal(types['messages']?.control, false);
    assert.equal(types['events llm-send']?.control, false);
    assert.equal(types['method send']?.name, 'send(text)');
  });

  test('are empty for what the manifest does not have', () => {
    assert.deepEqual(argTypesOf(manifest, 'llm-nothing'), {});
    assert.equal(descriptionOf(manifest, 'llm-nothing'), '');
  });

  test('and what editors propose are values, not names of types', () => {
    const { tags: known } = JSON.parse(readFileSync('html-custom-data.json', 'utf8')) as {
      readonly tags: readonly { readonly attributes?: readonly { readonly values?: readonly { name: string }[] }[] }[];
    };
    const values = known.flatMap(({ attributes = [] }) => attributes.flatMap((each) => each.values ?? []));
    assert.ok(values.some(({ name }) => name === 'conversation'));
    assert.deepEqual(
      values.filter(({ name }) => /^[A-Z]/.test(name)),
      [],
    );
  });
});
