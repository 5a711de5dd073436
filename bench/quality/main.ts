/**
 * `npm run quality` measures how good the recommendations are, on public protocols, beside
 * popularity and random; `npm run quality -- Q1 Q2` runs those alone, `-- LOOP` all whose names begin
 * so. Each protocol prints one table and writes `bench/results/quality-<id>.json`. With `--validation`
 * the same is run on the part that is held out of the training data, for choosing settings; that
 * writes no result. With `--neural` Q1 and Q2 also train the models that take minutes, and write a
 * result of their own.
 */
import { blendBoundText } from './blend-bound.ts';
import { seconds } from './contender.ts';
import { absenceOf, isPresent } from './datasets/location.ts';
import { loops } from './protocols/loop.ts';
import { newItems } from './protocols/new-items.ts';
import type { Part, Protocol } from './protocols/protocol.ts';
import { q1 } from './protocols/q1.ts';
import { q2 } from './protocols/q2.ts';
import { q3 } from './protocols/q3.ts';
import { q4 } from './protocols/q4.ts';
import { q5 } from './protocols/q5.ts';
import { q6 } from './protocols/q6.ts';
import { q8 } from './protocols/q8.ts';
import { saveReport, textOf } from './report.ts';

const PROTOCOLS: readonly Protocol[] = [q1, q2, q3, q4, q5, q6, q8, newItems, ...loops];

/** Q7 asks nothing of the data: it is read from what Q1, Q2, Q3 and Q6 wrote. */
const BLEND_BOUND = 'Q7';

/** By its name, or by the first part of it. */
const isNamed = ({ id }: Protocol, name: string): boolean =>
  id === name || id.startsWith(`${name}-`);

const chosen = (names: readonly string[]): readonly Protocol[] => {
  const wanted = names.map((name) => name.toUpperCase());
  const unknown = wanted.filter(
    (name) => name !== BLEND_BOUND && !PROTOCOLS.some((protocol) => isNamed(protocol, name)),
  );
  if (unknown.length > 0) {
    const known = [...PROTOCOLS.map(({ id }) => id), BLEND_BOUND].join(', ');
    throw new Error(`Expected protocols from ${known}, got ${unknown.join(', ')}.`);
  }
  return wanted.length === 0
    ? PROTOCOLS
    : PROTOCOLS.filter((protocol) => wanted.some((name) => isNamed(protocol, name)));
};

const words = process.argv.slice(2);
const part: Part = words.includes('--validation') ? 'validation' : 'test';
const flags = words.filter((word) => word === '--validation' || word === '--neural');

for (const protocol of chosen(words.filter((word) => !word.startsWith('--')))) {
  const { id, title, file, alsoNeeds = [] } = protocol;
  const needed = file === undefined ? alsoNeeds : [file, ...alsoNeeds];
  const missing = needed.find((name) => !isPresent(name));
  if (missing) {
    console.log(absenceOf(missing, `${id}, ${title}`));
    continue;
  }
  const isNeural = flags.includes('--neural') && protocol.hasNeural === true;
  const start = seconds();
  const report = {
    id: isNeural ? `${id}-neural` : id,
    title: part === 'test' ? title : `${title} (validation part)`,
    command: ['npm run quality --', id, ...flags].join(' '),
    ...(await protocol.run(part, { isNeural })),
  };
  console.log(textOf(report));
  if (part === 'test') console.log(`written: ${saveReport(report, seconds() - start)}\n`);
}

const named = words.filter((word) => !word.startsWith('--')).map((word) => word.toUpperCase());
if (part === 'test' && (named.length === 0 || named.includes(BLEND_BOUND))) {
  console.log(blendBoundText());
}
