/**
 * `npm run quality` measures how good the recommendations are, on public protocols, beside
 * popularity and random; `npm run quality -- Q1 Q2` runs those alone. Each protocol prints one
 * table and writes `bench/results/quality-<id>.json`.
 */
import { seconds } from './contender.ts';
import { absenceOf, isPresent } from './datasets/location.ts';
import type { Protocol } from './protocols/protocol.ts';
import { q1 } from './protocols/q1.ts';
import { saveReport, textOf } from './report.ts';

const PROTOCOLS: readonly Protocol[] = [q1];

const chosen = (names: readonly string[]): readonly Protocol[] => {
  const wanted = names.map((name) => name.toUpperCase());
  const unknown = wanted.filter((name) => !PROTOCOLS.some(({ id }) => id === name));
  if (unknown.length > 0) {
    const known = PROTOCOLS.map(({ id }) => id).join(', ');
    throw new Error(`Expected protocols from ${known}, got ${unknown.join(', ')}.`);
  }
  return wanted.length === 0 ? PROTOCOLS : PROTOCOLS.filter(({ id }) => wanted.includes(id));
};

for (const protocol of chosen(process.argv.slice(2))) {
  if (!isPresent(protocol.file)) {
    console.log(absenceOf(protocol.file, `${protocol.id}, ${protocol.title}`));
    continue;
  }
  const start = seconds();
  const report = await protocol.run(`npm run quality -- ${protocol.id}`);
  console.log(textOf(report));
  console.log(`written: ${saveReport(report, seconds() - start)}\n`);
}
