// Every block of code in the guides says what the kit has: scripts are checked against its types, HTML and CSS against
// custom-elements.json, catalogues against their schema. That the scripts also run is test/e2e/snippets.e2e.ts' part.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { parseCatalogue } from '../../engine/host/catalogue.js';
import { guides, readDocument, root, type Document } from './documents.js';

interface Named {
  readonly name: string;
}
interface Declaration {
  readonly tagName?: string;
  readonly attributes?: readonly Named[];
  readonly slots?: readonly Named[];
  readonly cssParts?: readonly Named[];
  readonly cssProperties?: readonly Named[];
  readonly cssStates?: readonly Named[];
  readonly events?: readonly Named[];
}
const manifest = JSON.parse(readFileSync(join(root, 'custom-elements.json'), 'utf8')) as {
  modules: { declarations?: Declaration[] }[];
};
const elements = new Map(
  manifest.modules
    .flatMap(({ declarations = [] }) => declarations)
    .flatMap((declaration) => (declaration.tagName === undefined ? [] : [[declaration.tagName, declaration] as const])),
);
const pages = [...guides(), readDocument('engine/client/README.md'), readDocument('components/README.md')];

const blocks = (language: string): { where: string; text: string }[] =>
  pages.flatMap(({ path, blocks: all }) =>
    all.filter((block) => block.language === language).map(({ line, text }) => ({ where: `${path}:${line}`, text })),
  );

/** Global attributes of HTML that the guides use. */
const ofHtml = new Set(['class', 'id', 'style', 'lang', 'dir', 'slot', 'title']);

/** Attributes of the kit's tags that are none. */
function strangeAttributes(html: string): string[] {
  return [...html.matchAll(/<(llm-[a-z-]+)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*>/g)].flatMap(([, tag = '', given = '']) => {
    const element = elements.get(tag);
    if (element === undefined) return [`no element <${tag}>`];
    const known = new Set((element.attributes ?? []).map(({ name }) => name));
    return [...given.matchAll(/\s([\w-]+)(?:="[^"]*")?/g)]
      .map(([, name = '']) => name)
      .filter((name) => !known.has(name) && !ofHtml.has(name))
      .map((name) => `<${tag}> has no attribute ${name}`);
  });
}

/** Parts, states and custom properties that no element has. */
function strangeStyles(css: string): string[] {
  const all = (kind: 'cssParts' | 'cssProperties' | 'cssStates'): Set<string> =>
    new Set([...elements.values()].flatMap((element) => (element[kind] ?? []).map(({ name }) => name)));
  const [parts, states, properties] = [all('cssParts'), all('cssStates'), all('cssProperties')];
  const named = (pattern: RegExp): string[] => [...css.matchAll(pattern)].map(([, name = '']) => name);
  return [
    ...named(/::part\(([\w-]+)\)/g).filter((name) => !parts.has(name)),
    ...named(/:state\(([\w-]+)\)/g).filter((name) => !states.has(name) && !states.has(`:state(${name})`)),
    ...named(/(--llm-[\w-]+)/g).filter((name) => !properties.has(name)),
  ];
}

/** What a guide's scripts find on their page. */
const around = `
import type { LlmChat } from '${root}/components/index.js';
import type { Engine, KitServiceWorker } from '${root}/engine/client/index.js';
declare global {
  const engine: Engine;
  const kit: KitServiceWorker;
  const chat: LlmChat;
  const signal: AbortSignal;
  function show(text: string): void;
  function showBar(options: { onClick: () => unknown }): void;
}
`;
const entries: Readonly<Record<string, string>> = {
  client: 'engine/client/index.js',
  'language-model': 'engine/client/language-model/index.js',
  index: 'components/index.js',
  'llm-elements': 'components/llm-elements.js',
};

/** The scripts as files of one program, checked by TypeScript. @returns what it says, by script */
function check(scripts: readonly { where: string; text: string }[]): string[] {
  const files = new Map([[join(root, 'test/docs/around.d.ts'), around]]);
  const checked = new Map(
    scripts.map(({ where, text }, index) => {
      const linked = text.replaceAll(
        /'(?:\/|\.\/)?llm-elements\/([a-z-]+)(?:\.js)?'/g,
        (all, name: string) => `'${entries[name] === undefined ? all : `${root}/${entries[name]}`}'`,
      );
      return [join(root, `test/docs/snippet-${index}.js`), { where, text: `${linked}\nexport {};\n` }] as const;
    }),
  );
  for (const [file, { text }] of checked) files.set(file, text);
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root);
  const loose = { allowJs: true, checkJs: true, strictNullChecks: false, exactOptionalPropertyTypes: false };
  const given = { ...options, ...loose, noImplicitAny: false, noUncheckedIndexedAccess: false, noUnusedLocals: false };
  const settings: ts.CompilerOptions = { ...given, incremental: false, noEmit: true };
  delete settings.tsBuildInfoFile;
  const host = ts.createCompilerHost(settings);
  const [readFile, fileExists, getSourceFile] = [host.readFile, host.fileExists, host.getSourceFile];
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.getSourceFile = (name, target, ...rest) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile(name, target, ...rest) : ts.createSourceFile(name, text, target);
  };
  const program = ts.createProgram([...files.keys()], settings, host);
  return [...checked].flatMap(([file, { where }]) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  });
}

describe('code in the guides', () => {
  test('scripts use what the kit has, in its types', () => {
    // A service worker's one line is no script of a page; test/e2e/plain-host.e2e.ts runs it.
    const scripts = blocks('js').filter(({ text }) => !text.startsWith('importScripts('));
    assert.ok(scripts.length > 12, `the test reads scripts: ${scripts.length}`);
    const wrong = [
      {
        where: 'wrong call',
        text: "import { connect } from '/llm-elements/client.js';\n(await connect()).chat.completion.create({ messages: [] });",
      },
      { where: 'wrong import', text: "import { conect } from '/llm-elements/client.js';" },
      {
        where: 'wrong option',
        text: "import { connect } from '/llm-elements/client.js';\nawait connect({ gpu: true });",
      },
      { where: 'wrong event', text: "chat.addEventListener('llm-send', (event) => event.detail.words);" },
    ];
    const found = check([...scripts, ...wrong]);
    const expected = (message: string): boolean => message.startsWith('wrong ');
    assert.deepEqual(
      found.filter((message) => !expected(message)),
      [],
    );
    const seen = new Set(found.filter(expected).map((message) => message.split(':')[0]));
    assert.deepEqual([...seen].sort(), wrong.map(({ where }) => where).sort(), 'and what is wrong is seen');
  });

  test("HTML has the kit's elements with attributes that they have", () => {
    const all = blocks('html');
    assert.ok(all.length > 6, `the test reads HTML: ${all.length}`);
    assert.deepEqual(
      all.flatMap(({ where, text }) => strangeAttributes(text).map((fault) => `${where}: ${fault}`)),
      [],
    );
    assert.equal(strangeAttributes('<llm-chat systemprompt="x" welcome="y"></llm-chat><llm-tea></llm-tea>').length, 2);
  });

  test('CSS has parts, states and properties that there are', () => {
    const all = blocks('css');
    assert.ok(all.length > 2, `the test reads CSS: ${all.length}`);
    assert.deepEqual(
      all.flatMap(({ where, text }) => strangeStyles(text).map((fault) => `${where}: ${fault}`)),
      [],
    );
    assert.deepEqual(strangeStyles('a::part(none) { --llm-none: red } b:state(none) {}').length, 3);
  });

  test('catalogues can be read', () => {
    const all = blocks('json');
    assert.ok(all.length > 0, 'the test reads catalogues');
    for (const { text } of all)
      parseCatalogue(JSON.parse(text), 'https://site.example/llm-elements/models/models.json');
  });

  test('elements, events, attributes and properties that the text names are there', () => {
    const events = new Set([...elements.values()].flatMap((element) => (element.events ?? []).map(({ name }) => name)));
    const ofClient = new Set(['llm-update', 'llm-state-change']);
    const properties = [...elements.values()].flatMap((element) => element.cssProperties ?? []).map(({ name }) => name);
    const strange = pages.flatMap(({ path, prose }: Document) => [
      ...[...prose.matchAll(/`<(llm-[a-z-]+)>`/g)].filter(([, tag = '']) => !elements.has(tag)).map(([all]) => all),
      ...[...prose.matchAll(/`(llm-[a-z-]+)`/g)]
        .filter(([, name = '']) => !events.has(name) && !ofClient.has(name) && !elements.has(name))
        .filter(([, name]) => !(path === 'components/README.md' && name === 'llm-elements') && name !== 'llm-elements')
        .map(([all]) => `${path}: ${all}`),
      ...[...prose.matchAll(/`(--llm-[a-z-]+)`/g)]
        .filter(([, name = '']) => !properties.includes(name))
        .map(([all]) => all),
    ]);
    assert.deepEqual(strange, []);
  });
});
