/**
 * Q7: the blend against its best part. Read from the results of the protocols, since that is where
 * both were measured on the same people: for every blend and metric the lower end of the paired
 * interval of blend − best part must not lie below −.002.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Comparison, type ProtocolReport, RESULTS, type ResultRow } from './report.ts';

const BOUND = -0.002;
const PROTOCOLS = ['Q1', 'Q2', 'Q3', 'Q6'] as const;

const reportOf = (id: string): ProtocolReport | null => {
  const path = join(RESULTS, `quality-${id.toLowerCase()}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ProtocolReport) : null;
};

/** Whether what the blend is held against has the highest mean of all its parts. */
const isAgainstBest = (
  { of, against, metric }: Comparison,
  rows: readonly ResultRow[],
): boolean => {
  const rowOf = (model: string): ResultRow | undefined => rows.find((row) => row.model === model);
  const parts = rowOf(of)?.settings?.parts;
  if (!Array.isArray(parts)) return false;
  const meanOf = (part: string): number => rowOf(part)?.metrics[metric]?.mean ?? -1;
  return parts.every((part) => meanOf(part) <= meanOf(against));
};

const lineOf = (id: string, { of, against, metric, difference }: Comparison): string => {
  const { mean, low, high } = difference;
  const figure = `${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;
  return `${id}  ${metric.padEnd(9)}  ${figure}  ${low >= BOUND ? 'holds ' : 'MISSED'}  ${of} − ${against}`;
};

/** One line for every blend and metric, from the results as they were last written. */
export const blendBoundText = (): string => {
  const lines = PROTOCOLS.flatMap((id) => {
    const report = reportOf(id);
    if (!report) return [`${id}  not measured yet: npm run quality -- ${id}`];
    const best = (report.comparisons ?? []).filter((comparison) =>
      isAgainstBest(comparison, report.rows),
    );
    if (best.length === 0) return [`${id}  no blend is held against its best part`];
    return best.map((comparison) => lineOf(id, comparison));
  });
  return [
    `Q7: blend − best part, paired by user; the lower end must be at least ${BOUND}`,
    ...lines,
    '',
  ].join('\n');
};
