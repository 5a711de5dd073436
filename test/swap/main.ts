/**
 * `npm run test:swap`: a hundred swaps of releases under load, bad releases among them. No request may
 * fail, each list must be of the release that it names, every bad release must be refused, and the
 * slowest hundredth of requests may take at most a fifth longer than without swaps in the same run
 * (told but not judged of shorter runs, which are for finding what is broken).
 */
import { parseArgs } from 'node:util';
import { runSwaps } from './swap-run.ts';

const P99_RATIO_MAX = 1.2;
const SWAPS = 100;
const PROBLEMS_TOLD = 10;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    swaps: { type: 'string', default: String(SWAPS) },
    rate: { type: 'string', default: '1000' },
    items: { type: 'string', default: '5000' },
    people: { type: 'string', default: '5000' },
    every: { type: 'string', default: '400' },
    seed: { type: 'string', default: '1' },
  },
});
const swaps = Number(values.swaps);
const report = await runSwaps({
  swaps,
  rate: Number(values.rate),
  items: Number(values.items),
  people: Number(values.people),
  everyMs: Number(values.every),
  seed: Number(values.seed),
});
const told = { ...report, problems: report.problems.slice(0, PROBLEMS_TOLD) };
console.log(JSON.stringify(told, null, 2));

const sampled = Object.values(report.sampled).reduce((sum, count) => sum + count, 0);
const checks: readonly (readonly [claim: string, holds: boolean])[] = [
  ['every good release was put to use', report.swaps === swaps],
  ['every bad release was refused', report.refused === Math.floor(swaps / 2)],
  ['no request failed', report.failedRequests === 0],
  ['lists of several releases were computed anew', Object.keys(report.sampled).length > 1],
  ['each is of the release that it names', report.problems.length === 0 && sampled > 0],
  ...(swaps >= SWAPS
    ? ([['the slowest hundredth is hardly slower', report.p99Ratio <= P99_RATIO_MAX]] as const)
    : []),
];
for (const [claim, holds] of checks) if (!holds) console.log(`not so: ${claim}`);
const failed = checks.filter(([, holds]) => !holds).length;
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
