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

/** The short crash run: as many events and kills as fit beside the other steps. */
const CRASH_SIZE = ['--seed', '7', '--events', '20000', '--kills', '12'];

/** The short siege: each kind of process and each server is hit. */
const SIEGE_SIZE = [
  ...['--seed', '7', '--events', '10000', '--kills', '6', '--server-kills', '3'],
  ...['--stops', '1', '--sleepers', '0', '--emptied', '1'],
];

/** Few swaps and little load: enough to find what is broken, not how fast it is. */
const SWAP_SIZE = ['--swaps', '10', '--rate', '100', '--items', '2000', '--people', '1000'];

const STEPS: readonly Step[] = [
  vitestStep('tests', ['npm', 'test', '--'], 6),
  vitestStep('programs', ['npm', 'run', 'test:programs', '--'], 12),
  vitestStep('browser', ['npm', 'run', 'test:browser', '--'], 8),
  vitestStep('faults', ['npm', 'run', 'test:faults', '--'], 9),
  vitestStep('deploy', ['npm', 'run', 'test:deploy', '--'], 6),
  vitestStep('distributed', ['npm', 'run', 'test:distributed', '--'], 20),
  { name: 'api', command: ['npm', 'run', 'test:api'], minutesMax: 6 },
  { name: 'simulation', command: ['npm', 'run', 'simulate-faults'], minutesMax: 3 },
  { name: 'crash-points', command: ['npm', 'run', 'test:crash-points'], minutesMax: 12 },
  { name: 'crash', command: ['npm', 'run', 'test:crash', '--', ...CRASH_SIZE], minutesMax: 4 },
  { name: 'siege', command: ['npm', 'run', 'test:siege', '--', ...SIEGE_SIZE], minutesMax: 8 },
  { name: 'swap', command: ['npm', 'run', 'test:swap', '--', ...SWAP_SIZE], minutesMax: 3 },
  { name: 'format', command: ['npm', 'run', 'format:check'], minutesMax: 2 },
  { name: 'types', command: ['npm', 'run', 'types'], minutesMax: 3 },
  { name: 'lint', command: ['npm', 'run', 'lint'], minutesMax: 2 },
  { name: 'unused', command: ['npm', 'run', 'unused'], minutesMax: 2 },
];

interface Ending {
  readonly exitCode: number;
  /** The end of what it said. */
  readonly said: string;
}

const SAID_MAX = 500;

const run = (step: Step): Promise<Ending> =>
  new Promise((resolve) => {
    const [program = '', ...args] = step.command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    let said = '';
    child.stdout.on('data', (piece: Buffer) => {
      process.stdout.write(piece);
      said = (said + piece.toString('utf8')).slice(-SAID_MAX);
    });
    const timer = setTimeout(() => {
      console.error(`${step.name} took longer than ${step.minutesMax} minutes`);
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    }, step.minutesMax * 60_000);
    child.on('error', () => resolve({ exitCode: 1, said }));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? 1, said });
    });
  });

const CLOSING_LINE = /(\d+) passed, (\d+) failed\s*$/;

/** A step counts its tests where it wrote them down or closed with their number, else as one check. */
const outcomeOf = (step: Step, { exitCode, said }: Ending, seconds: number): Outcome => {
  const failedAtLeast = exitCode === 0 ? 0 : 1;
  const counted = reportedCounts(step) ?? closingCounts(said) ?? { passed: 1, failed: 0 };
  const failed = Math.max(counted.failed, failedAtLeast);
  const passed = counted.passed + counted.failed === failed ? 0 : counted.passed;
  return { step: step.name, passed, failed, seconds };
};

type Counts = Pick<Outcome, 'passed' | 'failed'>;

const reportedCounts = (step: Step): Counts | undefined => {
  try {
    const report = JSON.parse(readFileSync(reportOf(step.name), 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    return { passed: report.numPassedTests, failed: report.numFailedTests };
  } catch {
    // Not a vitest run, or one that ended before it could say.
    return undefined;
  }
};

const closingCounts = (said: string): Counts | undefined => {
  const [, passed, failed] = CLOSING_LINE.exec(said) ?? [];
  return failed === undefined ? undefined : { passed: Number(passed), failed: Number(failed) };
};

const outcomes: Outcome[] = [];
for (const step of STEPS) {
  console.log(`\n=== ${step.name}: ${step.command.join(' ')}`);
  const began = process.hrtime.bigint();
  const ending = await run(step);
  const seconds = Number((process.hrtime.bigint() - began) / 1_000_000_000n);
  outcomes.push(outcomeOf(step, ending, seconds));
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
