// Makes the page of stories: all story files found on disk and story-page.ts in one script, by esbuild, with the same
// settings as the kit's build. Called by stories.e2e.ts.

import { readdirSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');

function* storiesUnder(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* storiesUnder(path);
    else if (entry.name.endsWith('.stories.ts')) yield path.split(sep).join('/');
  }
}

/** Scripts by their address; the page's own is `/page.js`. */
export async function bundleStories(): Promise<ReadonlyMap<string, string>> {
  const files = [...storiesUnder('components'), ...storiesUnder('stories')].sort();
  if (files.length === 0) throw new Error('No story was found.');
  const contents = [
    `import { serveStories } from './test/stories/story-page.ts';`,
    ...files.map((file, i) => `import * as file${i} from './${file}';`),
    `serveStories({ ${files.map((file, i) => `${JSON.stringify(file.replace('.stories.ts', ''))}: file${i}`).join(', ')} });`,
  ].join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, sourcefile: 'page.ts', loader: 'ts' },
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    outdir: join(root, '.cache/stories'),
    entryNames: 'page',
    write: false,
    conditions: ['production', 'default'],
    tsconfig: join(root, 'tsconfig.json'),
    logLevel: 'error',
  });
  return new Map(
    outputFiles.map(({ path, text }) => [
      `/${relative(join(root, '.cache/stories'), path).split(sep).join('/')}`,
      text,
    ]),
  );
}
