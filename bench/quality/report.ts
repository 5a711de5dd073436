/** What a protocol reports, as a table for people and as a file for comparison. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Interval } from '../../algorithms/metrics/confidence.ts';
import { machineFacts } from '../result.ts';

export interface ResultRow {
  readonly model: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, Interval>>;
  /** null where the fit takes no seed. */
  readonly seed: number | null;
  readonly fitSeconds: number;
  readonly scoreSeconds: number;
  readonly modelBytes: number;
  readonly note?: string;
}

export interface Comparison {
  readonly of: string;
  readonly against: string;
  readonly metric: string;
  readonly difference: Interval;
}

export interface ProtocolReport {
  readonly id: string;
  readonly title: string;
  readonly command: string;
  readonly remarks: readonly string[];
  readonly rows: readonly ResultRow[];
  readonly comparisons?: readonly Comparison[];
}

const asFigure = ({ mean, low, high }: Interval): string =>
  `${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;

const asMegabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

const cellsOf = (row: ResultRow, metrics: readonly string[]): string[] => [
  row.model,
  ...metrics.map((name) => (row.metrics[name] ? asFigure(row.metrics[name]) : '–')),
  row.fitSeconds.toFixed(1),
  row.scoreSeconds.toFixed(1),
  asMegabytes(row.modelBytes),
  row.seed === null ? '–' : String(row.seed),
];

export const tableOf = ({ rows }: ProtocolReport): string => {
  const metrics = [...new Set(rows.flatMap((row) => Object.keys(row.metrics)))];
  const head = ['model', ...metrics, 'fit s', 'score s', 'MB', 'seed'];
  const cells = [head, ...rows.map((row) => cellsOf(row, metrics))];
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return [lines[0]!, '-'.repeat(lines[0]!.length), ...lines.slice(1)].join('\n');
};

export const textOf = (report: ProtocolReport): string =>
  [
    `${report.id}: ${report.title}`,
    ...report.remarks,
    '',
    tableOf(report),
    ...(report.comparisons ?? []).map(
      ({ of, against, metric, difference }) =>
        `${metric}: ${of} − ${against} = ${asFigure(difference)} (paired, by user)`,
    ),
    '',
  ].join('\n');

export const RESULTS = join(import.meta.dirname, '../results');

export const saveReport = (report: ProtocolReport, seconds: number): string => {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `quality-${report.id.toLowerCase()}.json`);
  const peakResidentMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  const machine = { ...machineFacts(), peakResidentMiB };
  const content = { ...report, seconds: Math.round(seconds), machine };
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
  return path;
};
