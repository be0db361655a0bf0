import tseslint from 'typescript-eslint';
import { rooms } from './eslint-rooms.js';

const CLOCK =
  'Time comes from the Clock port (src/runtime/ports.ts); only its adapters may touch the real one.';

const bannedGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval'].map(
  (name) => ({ name, message: CLOCK }),
);

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'bench/results/**', 'web/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { house: { rules: { rooms } } },
    rules: {
      'house/rooms': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    // The product: no ambient clock, randomness or timers.
    files: ['src/**/*.ts', 'actors/**/*.ts', 'machines/**/*.ts', 'simulations/**/*.ts'],
    ignores: ['**/*.test.ts', 'src/runtime/real/**', 'simulations/chaos/**'],
    rules: {
      'no-restricted-globals': ['error', ...bannedGlobals],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: CLOCK },
        { object: 'performance', property: 'now', message: CLOCK },
        { object: 'process', property: 'hrtime', message: CLOCK },
        { object: 'Math', property: 'random', message: 'Randomness comes from the Random port.' },
        { object: 'crypto', property: 'randomUUID', message: 'Identifiers come from the Ids port.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:timers', message: CLOCK },
            { name: 'node:timers/promises', message: CLOCK },
            { name: 'node:perf_hooks', message: CLOCK },
          ],
        },
      ],
    },
  },
  {
    // State charts are pure.
    files: ['machines/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*'], message: 'machines are pure: no I/O' }] },
      ],
    },
  },
);
