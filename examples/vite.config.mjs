// Builds the examples into dist/examples: one page a framework, each beside the built kit, which it loads by a script
// tag as any site would. Run by `npm run examples` and, through it, by `npm run build`.

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

const folder = import.meta.dirname;
const outDir = join(folder, '../dist/examples');

export default defineConfig({
  root: folder,
  base: './',
  logLevel: 'warn',
  plugins: [
    vue({ template: { compilerOptions: { isCustomElement: (tag) => tag.startsWith('llm-') } } }),
    svelte({ configFile: false, preprocess: vitePreprocess() }),
    {
      name: 'plain-page',
      closeBundle: async () => {
        await cp(join(folder, 'html'), join(outDir, 'html'), { recursive: true });
        await cp(join(folder, 'example.css'), join(outDir, 'example.css'));
      },
    },
  ],
  build: {
    outDir,
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: Object.fromEntries(['react', 'vue', 'svelte'].map((name) => [name, join(folder, name, 'index.html')])),
    },
  },
});
