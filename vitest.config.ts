import { defineConfig } from 'vitest/config';

/**
 * Two projects: `unit` needs no server and sits beside the code; `integration` (in test/) starts real
 * servers through test/servers and therefore runs with longer limits and few files at a time.
 */
export default defineConfig({
  test: {
    reporters: ['default', './test/runner/summary-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['./test/support/property-seed.ts'],
          include: ['{src,machines,actors,simulations,bench}/**/*.test.ts'],
          testTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'integration',
          setupFiles: ['./test/support/property-seed.ts'],
          include: ['test/**/*.test.ts'],
          globalSetup: ['./test/support/global-setup.ts'],
          // Above the deadline of test/support/wait-for.ts, whose error says more than that a test took too long.
          testTimeout: 240_000,
          hookTimeout: 240_000,
          pool: 'forks',
          maxWorkers: 2,
        },
      },
    ],
  },
});
