// What `npm run manifest` reads to write custom-elements.json, the elements' reference for editors and docs.
export default {
  globs: ['components/**/*.ts'],
  exclude: ['**/*.test.ts', '**/*.stories.ts', '**/*.harness.ts', 'components/internal/**'],
  litelement: true,
  packagejson: false,
  outdir: '.',
};
