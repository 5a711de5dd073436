/**
 * `npm run simulate-faults`: 500 seeds. `-- --seed N` replays one, `--seeds K` runs K from there on,
 * `--trace` prints everything that happened, in order.
 */
import { parseArgs } from 'node:util';
import { simulate } from './run.ts';

const SEEDS = 500;

const { values } = parseArgs({
  // Also where the separator that npm takes away was left.
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? 1);
const count = Number(values.seeds ?? (values.seed === undefined ? SEEDS : 1));
const trace = values.trace ? { trace: (line: string) => console.log(line) } : {};

const began = performance.now();
const failing: number[] = [];
let steps = 0;
let ms = 0;
for (let seed = first; seed < first + count; seed += 1) {
  const report = await simulate({ seed, ...trace });
  steps += report.steps;
  ms += report.ms;
  if (count === 1) console.log(JSON.stringify(report.profile, null, 2));
  if (report.problems.length === 0) continue;
  failing.push(seed);
  console.log(`seed ${seed}:`);
  for (const problem of report.problems.slice(0, 10)) console.log(`  ${problem}`);
}
const seconds = ((performance.now() - began) / 1_000).toFixed(1);
console.log(
  `${count} seeds, ${steps} steps, ${Math.round(ms / 1_000)} virtual seconds in ${seconds} s`,
);
if (failing.length > 0) {
  console.log(`replay one with: npm run simulate-faults -- --seed ${failing[0]} --trace`);
}
console.log(`${count - failing.length} passed, ${failing.length} failed`);
process.exitCode = failing.length > 0 ? 1 : 0;
