/**
 * `npm run bench` runs every benchmark, `npm run bench -- P1 P3` those named, `-- --keep` without
 * overwriting the committed results, `-- --small` in a short form where a benchmark has one, `-- --help`
 * tells what there is.
 */
import { BENCHMARKS } from './benchmarks.ts';
import { hasReached, lastResult, machineFacts, printResult, writeResult } from './result.ts';

const FLAGS: Readonly<Record<string, string>> = {
  '--keep': 'leaves the committed results as they are',
  '--small': 'the short form of those that have one; keeps the committed results too',
  '--help': 'this text',
};
const told = (names: readonly (readonly [string, string])[]): string =>
  names.map(([name, text]) => `  ${name.padEnd(18)} ${text}`).join('\n');
const BENCHMARKS_TOLD = told(BENCHMARKS.map(({ id, title }) => [id, title]));

const words = process.argv.slice(2);
const unknownFlags = words.filter((word) => word.startsWith('--') && !(word in FLAGS));
if (words.includes('--help') || unknownFlags.length > 0) {
  const help = `npm run bench -- [FLAGS] [BENCHMARKS]; without a name all of them, which takes hours.\n\n${told(Object.entries(FLAGS))}\n\n${BENCHMARKS_TOLD}`;
  if (unknownFlags.length === 0) console.log(help);
  else console.error(`There is no flag ${unknownFlags.join(', ')}.\n\n${help}`);
  process.exit(unknownFlags.length === 0 ? 0 : 2);
}
const size = words.includes('--small') ? 'small' : 'full';
const keepsResults = words.includes('--keep') || size === 'small';
const wanted = words.filter((word) => !word.startsWith('--'));
const unknown = wanted.filter((id) => !BENCHMARKS.some((benchmark) => benchmark.id === id));
if (unknown.length > 0) {
  console.error(`Expected benchmarks of this list, got ${unknown.join(', ')}:\n${BENCHMARKS_TOLD}`);
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
