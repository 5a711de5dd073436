/** Checks that need more than `npm test` may take: a browser, whole programs, minutes. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts', 'test/programs/**/*.test.ts', 'test/**/*.system.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 240_000,
  },
});
