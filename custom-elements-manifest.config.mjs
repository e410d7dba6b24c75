// What `npm run manifest` reads to write custom-elements.json, the elements' reference for editors and docs, and from it
// docs/reference.md (components/reference.mjs) and VS Code's custom data (`html.customData` and `css.customData`).

import { customElementVsCodePlugin } from 'custom-element-vs-code-integration';
import { reference } from './components/reference.mjs';

/** The public surface only: elements, their registration and the entry; events are the documented ones. */
const publicSurface = {
  name: 'public-surface',
  packageLinkPhase({ customElementsManifest }) {
    const { modules } = customElementsManifest;
    customElementsManifest.modules = modules.filter(
      ({ path, declarations = [] }) =>
        path === 'components/index.ts' ||
        path.startsWith('components/define/') ||
        declarations.some(({ customElement }) => customElement),
    );
    for (const module of customElementsManifest.modules) {
      const declarations = (module.declarations ?? []).filter(({ customElement }) => customElement);
      module.declarations = declarations;
      for (const declaration of declarations) {
        // The analyzer takes the first argument of any dispatched event for its name.
        declaration.events = declaration.events?.filter(({ name }) => name?.startsWith('llm-'));
        declaration.members = declaration.members?.filter(
          ({ name, privacy }) => privacy !== 'private' && !name.startsWith('#'),
        );
      }
    }
  },
};

/** Files are found in the order the disk lists them, which differs between clones: the manifest is sorted by path. */
const sorted = {
  name: 'sorted',
  packageLinkPhase({ customElementsManifest }) {
    customElementsManifest.modules.sort((one, two) => (one.path < two.path ? -1 : 1));
  },
};

export default {
  globs: ['components/**/*.ts'],
  exclude: ['**/*.test.ts', '**/*.stories.ts', '**/*.harness.ts', 'components/internal/**'],
  litelement: true,
  packagejson: false,
  outdir: '.',
  plugins: [
    sorted,
    publicSurface,
    reference,
    customElementVsCodePlugin({
      outdir: '.',
      htmlFileName: 'html-custom-data.json',
      cssFileName: 'css-custom-data.json',
      hideLogs: true,
    }),
  ],
};
