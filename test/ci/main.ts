/**
 * Runs the README's test command, then every check that needs more than that, and adds up what
 * passed and failed. Each step runs whatever the others said, so that one run shows all problems.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly minutesMax: number;
}

interface Outcome {
  readonly step: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
}

const reports = mkdtempSync(join(tmpdir(), 'freshet-ci-'));
const reportOf = (step: string): string => join(reports, `${step}.json`);

/** A vitest run that leaves its counts in a file. */
const vitestStep = (name: string, words: readonly string[], minutesMax: number): Step => ({
  name,
  command: [
    ...words,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportOf(name)}`,
  ],
  minutesMax,
});

const STEPS: readonly Step[] = [
  vitestStep('tests', ['npm', 'test', '--'], 6),
  vitestStep('browser', ['npm', 'run', 'test:browser', '--'], 8),
  { name: 'format', command: ['npm', 'run', 'format:check'], minutesMax: 2 },
  { name: 'types', command: ['npm', 'run', 'types'], minutesMax: 3 },
  { name: 'lint', command: ['npm', 'run', 'lint'], minutesMax: 2 },
  { name: 'unused', command: ['npm', 'run', 'unused'], minutesMax: 2 },
];

const run = (step: Step): Promise<number> =>
  new Promise((resolve) => {
    const [program = '', ...args] = step.command;
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const timer = setTimeout(() => {
      console.error(`${step.name} took longer than ${step.minutesMax} minutes`);
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    }, step.minutesMax * 60_000);
    child.on('error', () => resolve(1));
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code ?? 1);
    });
  });

/** A step counts its tests where it wrote them down, else as one check. */
const outcomeOf = (step: Step, exitCode: number, seconds: number): Outcome => {
  try {
    const report = JSON.parse(readFileSync(reportOf(step.name), 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    const failed = Math.max(report.numFailedTests, exitCode === 0 ? 0 : 1);
    return { step: step.name, passed: report.numPassedTests, failed, seconds };
  } catch {
    const failed = exitCode === 0 ? 0 : 1;
    return { step: step.name, passed: 1 - failed, failed, seconds };
  }
};

const outcomes: Outcome[] = [];
for (const step of STEPS) {
  console.log(`\n=== ${step.name}: ${step.command.join(' ')}`);
  const began = process.hrtime.bigint();
  const exitCode = await run(step);
  const seconds = Number((process.hrtime.bigint() - began) / 1_000_000_000n);
  outcomes.push(outcomeOf(step, exitCode, seconds));
}
rmSync(reports, { recursive: true });

console.log('');
for (const { step, passed, failed, seconds } of outcomes) {
  console.log(`${step.padEnd(14)} ${passed} ok, ${failed} not ok, ${seconds} s`);
}
const total = (count: (outcome: Outcome) => number): number =>
  outcomes.reduce((sum, outcome) => sum + count(outcome), 0);
const failed = total((outcome) => outcome.failed);
console.log(`${total((outcome) => outcome.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
