// Lint rules. The heart is the door rule: rooms of engine/ open one way (docs: CONTRIBUTING.md, "Doors").

import tseslint from 'typescript-eslint';

const engineRooms = [
  'client',
  'protocol',
  'host',
  'backends',
  'conversations',
  'storage',
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
  host: ['routing', 'backends', 'conversations', 'metrics', 'weights', 'tokenizer', 'decoders'],
  routing: ['backends', 'metrics', 'decoders', 'weights'],
  backends: ['generate', 'decoders', 'tokenizer', 'weights', 'metrics'],
  generate: ['decoders', 'tokenizer', 'metrics'],
  decoders: ['kv', 'weights', 'kernels'],
  kv: ['kernels'],
  weights: ['kernels', 'storage'],
  tokenizer: ['weights'],
  conversations: ['storage'],
  storage: [],
  metrics: [],
  protocol: [],
  kernels: [],
  sw: ['client'],
  stories: ['components', 'client'],
  server: ['components', 'client'],
};

const rooms = Object.keys(doors);

/** Core `no-restricted-imports` for one room: relative imports may only reach rooms whose door is open. */
const doorRule = (room) => {
  const open = new Set([room, 'protocol', ...doors[room]]);
  const closed = rooms.filter((other) => !open.has(other));
  // From outside, a room of the engine is reached through engine/ (components/metrics/ is no such room).
  const named = (other) => (engineRooms.includes(other) && !engineRooms.includes(room) ? `engine/${other}` : other);
  return {
    files: [engineRooms.includes(room) ? `engine/${room}/**/*.ts` : `${room}/**/*.ts`],
    ignores: ['**/*.test.ts', '**/*.e2e.ts', '**/*.stories.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^\\.\\.?/(.*/)?(${closed.map(named).join('|')})/`,
              message: `This door does not open: ${room} may import ${[...open].join(', ')} only (eslint.config.mjs).`,
            },
            { regex: '^(\\.\\.?/)+test/', message: 'Code of the kit never imports test support.' },
            ...(room === 'server' ? [] : [{ regex: '^node:', message: 'The kit runs in browsers.' }]),
          ],
        },
      ],
    },
  };
};

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
      'kernels/wasm/assembly/**', // AssemblyScript: not TypeScript, though it looks like it
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
      eqeqeq: 'error',
      'no-console': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      'prefer-const': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
    },
  },
  ...rooms.filter((room) => room !== 'stories').map(doorRule),
  {
    // The parts that run in Node: tests, tools, benches.
    files: ['**/*.node.test.ts', '**/*.e2e.ts', 'test/**/*.ts', 'bench/**/*.ts', 'models/**/*.ts', 'server/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // Storybook's format asks for a default export.
    files: ['**/*.stories.ts', '.storybook/**/*.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
