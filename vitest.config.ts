import { defineConfig } from 'vitest/config';

// Real processes and real servers on few cores: a limit that is reached means that something hangs.
export default defineConfig({
  test: {
    // Tests of one file at a time; those end to end have several processes each.
    maxConcurrency: 3,
    // They wait for others most of the time: one at a time would leave a core idle.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/dev/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/dev/**/*.test.ts'],
          // One Temporal server for the whole run, a namespace for each file.
          globalSetup: ['test/support/global-temporal.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
