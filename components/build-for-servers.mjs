// Writes dist/server/: the elements as a server imports them ("node" in package.json's exports), where there is no page:
// with Lit's own build for servers, which a site's renderer shares with us. Run when the package is packed; a test builds
// it, too. What browsers load is rollup.config.mjs' affair, and knows nothing of this.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** @param {string} outdir */
export const buildForServers = (outdir) =>
  build({
    entryPoints: {
      index: join(root, 'components/index.ts'),
      autoload: join(root, 'components/llm-elements.ts'),
      define: join(root, 'components/define/all.ts'),
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    chunkNames: 'chunks/[name]-[hash]',
    external: ['lit', 'lit/*', '@lit/context', 'valibot'],
    logLevel: 'warning',
  });

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildForServers(join(root, 'dist/server'));
