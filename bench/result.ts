/**
 * What a benchmark reports, and how results are written and compared. Machines differ and are
 * noisy, so a figure that matters is a ratio against something measured in the same run; absolute
 * figures stand beside it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it should reach, where a target is set. */
  readonly reach?: { readonly atLeast: number } | { readonly atMost: number };
  /** Ratios are compared with the last committed result; absolute figures are not. */
  readonly isRatio?: boolean;
  /** Smallest and largest of the repetitions. */
  readonly spread?: readonly [number, number];
}

export interface BenchResult {
  readonly id: string;
  readonly title: string;
  readonly seed?: number;
  readonly figures: readonly Figure[];
  readonly notes?: readonly string[];
  /** Pictures for the documents, by their name in `docs/images`. */
  readonly drawings?: Readonly<Record<string, string>>;
}

/** Small forms show that a benchmark works, and where its time goes; nobody compares them. */
export type BenchSize = 'full' | 'small';

export interface Benchmark {
  readonly id: string;
  readonly title: string;
  run(size: BenchSize): Promise<BenchResult>;
}

const RESULTS = join(import.meta.dirname, 'results');
const IMAGES = join(import.meta.dirname, '../docs/images');

export const machineFacts = (): Readonly<Record<string, unknown>> => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  commit: commitNow(),
});

const commitNow = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
};

export const hasReached = (figure: Figure): boolean | undefined => {
  if (figure.reach === undefined) return undefined;
  return 'atLeast' in figure.reach
    ? figure.value >= figure.reach.atLeast
    : figure.value <= figure.reach.atMost;
};

export const writeResult = ({ drawings = {}, ...result }: BenchResult): void => {
  mkdirSync(RESULTS, { recursive: true });
  for (const [name, svg] of Object.entries(drawings)) writeFileSync(join(IMAGES, name), svg);
  const content = { measuredAt: new Date().toISOString(), machine: machineFacts(), ...result };
  writeFileSync(join(RESULTS, `${result.id}.json`), `${JSON.stringify(content, null, 2)}\n`);
};

export const lastResult = (id: string): BenchResult | undefined => {
  const path = join(RESULTS, `${id}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as BenchResult) : undefined;
};

export const printResult = (result: BenchResult, before: BenchResult | undefined): void => {
  console.log(`\n${result.id}  ${result.title}`);
  for (const figure of result.figures) {
    const reached = hasReached(figure);
    const verdict = reached === undefined ? '' : reached ? 'reached' : 'MISSED';
    console.log(
      `  ${figure.name.padEnd(52)} ${formatFigure(figure.value).padStart(12)} ${figure.unit.padEnd(14)} ` +
        `${reachText(figure).padEnd(16)} ${verdict} ${comparison(figure, before)}`.trimEnd(),
    );
  }
  for (const note of result.notes ?? []) console.log(`  ${note}`);
};

const formatFigure = (value: number): string =>
  Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : value.toFixed(Math.abs(value) < 1 ? 3 : 2);

const reachText = ({ reach }: Figure): string => {
  if (reach === undefined) return '';
  return 'atLeast' in reach
    ? `≥ ${formatFigure(reach.atLeast)}`
    : `≤ ${formatFigure(reach.atMost)}`;
};

const comparison = (figure: Figure, before: BenchResult | undefined): string => {
  const old = before?.figures.find(({ name }) => name === figure.name);
  if (!figure.isRatio || !old || old.value === 0) return '';
  return `(${(figure.value / old.value).toFixed(2)} × the last result)`;
};
