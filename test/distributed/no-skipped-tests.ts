/**
 * Fails a run in which a test was skipped, unless it is a rule of a contract that an adapter lacks for a
 * reason that its name says.
 */
import type { Reporter, TestModule } from 'vitest/node';

const REASONED = /\(skipped: .+\)$/;

export class NoSkippedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules
      .flatMap((module) => [...module.children.allTests('skipped')])
      .filter(({ name }) => !REASONED.test(name));
    if (skipped.length === 0) return;
    console.error(`\nExpected no test to be skipped, got ${skipped.length}:`);
    for (const { fullName } of skipped) console.error(`  ${fullName}`);
    process.exitCode = 1;
  }
}
