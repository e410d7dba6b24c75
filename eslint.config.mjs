// Lint rules. The heart is the door rule: rooms of engine/ open one way (docs: CONTRIBUTING.md, "Doors").

import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

const engineRooms = [
  'client',
  'protocol',
  'host',
  'backends',
  'generate',
  'decoders',
  'kv',
  'weights',
  'tokenizer',
  'routing',
  'metrics',
];

/** Room -> rooms it may import. Everything may import `protocol` (messages and errors) and itself. */
const doors = {
  components: ['client'],
  client: [],
  host: ['routing', 'backends', 'metrics', 'weights', 'tokenizer', 'decoders'],
  routing: ['backends', 'metrics', 'decoders', 'weights'],
  backends: ['generate', 'decoders', 'tokenizer', 'weights', 'metrics'],
  generate: ['decoders', 'tokenizer', 'metrics'],
  decoders: ['kv', 'weights', 'kernels'],
  kv: ['kernels'],
  weights: ['kernels'],
  tokenizer: ['weights'],
  metrics: [],
  protocol: [],
  kernels: [],
  sw: [],
  stories: ['components', 'client', 'support'],
  server: ['components', 'client'],
};

const elements = [
  ...engineRooms.map((room) => ({ type: room, pattern: `engine/${room}/**/*`, mode: 'full' })),
  { type: 'components', pattern: 'components/**/*', mode: 'full' },
  { type: 'kernels', pattern: 'kernels/**/*', mode: 'full' },
  { type: 'sw', pattern: 'sw/**/*', mode: 'full' },
  { type: 'stories', pattern: 'stories/**/*', mode: 'full' },
  { type: 'server', pattern: 'server/**/*', mode: 'full' },
  { type: 'support', pattern: 'test/support/**/*', mode: 'full' },
];

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'dist-storybook/**',
      'node_modules/**',
      '.cache/**',
      'coverage/**',
      'models/**/*.py',
      'bench/results/**',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strict],
    languageOptions: { parserOptions: { ecmaVersion: 2022, sourceType: 'module' } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' },
        { selector: 'ForInStatement', message: 'Use Object.keys or a Map.' },
      ],
      'no-restricted-imports': ['error', { patterns: ['**/dist/*', 'node:*'] }],
      eqeqeq: 'error',
      'no-console': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      'prefer-const': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['**/*.test.ts', '**/*.e2e.ts', '**/*.stories.ts', 'test/**', 'bench/**'],
    plugins: { boundaries },
    settings: {
      'boundaries/elements': elements,
      'import/resolver': { typescript: true, node: true },
    },
    rules: {
      'boundaries/element-types': [
        'error',
        {
          default: 'disallow',
          message: 'This door does not open: ${file.type} may not import ${dependency.type} (see eslint.config.mjs)',
          rules: Object.entries(doors).map(([from, allow]) => ({ from: [from], allow: [from, 'protocol', ...allow] })),
        },
      ],
    },
  },
  {
    // The parts that run in Node: tests, tools, benches.
    files: ['**/*.node.test.ts', '**/*.e2e.ts', 'test/**/*.ts', 'bench/**/*.ts', 'models/**/*.ts', 'server/**/*.ts'],
    rules: { 'no-restricted-imports': 'off', 'no-console': 'off' },
  },
  {
    // Storybook's format asks for a default export.
    files: ['**/*.stories.ts', '.storybook/**/*.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
