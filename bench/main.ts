/**
 * `npm run bench` runs every benchmark, `npm run bench -- P1 P3` those named, `-- --keep` without
 * overwriting the committed results, `-- --small` in a short form where a benchmark has one.
 */
import { BENCHMARKS } from './benchmarks.ts';
import { hasReached, lastResult, machineFacts, printResult, writeResult } from './result.ts';

const words = process.argv.slice(2);
const size = words.includes('--small') ? 'small' : 'full';
const keepsResults = words.includes('--keep') || size === 'small';
const wanted = words.filter((word) => !word.startsWith('--'));
const unknown = wanted.filter((id) => !BENCHMARKS.some((benchmark) => benchmark.id === id));
if (unknown.length > 0) {
  const known = BENCHMARKS.map(({ id, title }) => `  ${id.padEnd(12)} ${title}`).join('\n');
  console.error(`Expected benchmarks of this list, got ${unknown.join(', ')}:\n${known}`);
  process.exit(2);
}

console.log(JSON.stringify(machineFacts()));
let missed = 0;
for (const benchmark of BENCHMARKS) {
  if (wanted.length > 0 && !wanted.includes(benchmark.id)) continue;
  const result = await benchmark.run(size);
  printResult(result, lastResult(benchmark.id));
  if (!keepsResults) writeResult(result);
  missed += result.figures.filter((figure) => hasReached(figure) === false).length;
}
console.log(missed === 0 ? '\nEvery target is reached.' : `\n${missed} targets are missed.`);
