/** Tests against the real servers, which are started before the first and ended after the last. */
import { defineConfig } from 'vitest/config';
import { NoSkippedTests } from './test/distributed/no-skipped-tests.ts';

export default defineConfig({
  plugins: [
    {
      name: 'no-skipped-tests',
      // After the command line had its say on reporters; who asks for some tests skips the others.
      configureVitest: ({ vitest }) => {
        if (vitest.config.testNamePattern) return;
        vitest.config.reporters.push(new NoSkippedTests());
      },
    },
  ],
  test: {
    include: ['**/*.distributed.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/distributed/servers.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});
