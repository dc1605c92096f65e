import { defineConfig } from 'vitest/config';

// Real processes and real servers on few cores: a limit that is reached means that something hangs.
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'] },
      },
    ],
  },
});
