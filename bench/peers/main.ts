/**
 * `npm run bench:peers` runs our models and others' on the same data in the same run; `-- implicit`
 * one peer alone, `-- --keep` without writing results. Peers come from PyPI into a virtual environment
 * in the user's cache directory.
 */
import { skipGramRows } from '../algorithms/p8-skip-gram.ts';
import type { Figure } from '../result.ts';
import { lastResult, machineFacts, printResult, writeResult } from '../result.ts';
import { besideImplicit } from './implicit-models.ts';
import { besideTrecEval } from './metrics.ts';
import { besideRiver, besideSurprise } from './rating-models.ts';

/** Each peer stands in a file of its own. */
const PEERS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  implicit: besideImplicit,
  gensim: skipGramRows,
  surprise: besideSurprise,
  river: besideRiver,
  trec_eval: besideTrecEval,
};

const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith('--'));
const unknown = wanted.filter((name) => PEERS[name] === undefined);
if (unknown.length > 0) {
  throw new Error(
    `Expected peers from ${Object.keys(PEERS).join(', ')}, got ${unknown.join(', ')}.`,
  );
}
console.log(JSON.stringify(machineFacts()));
for (const name of wanted.length > 0 ? wanted : Object.keys(PEERS)) {
  const figures = await PEERS[name]!();
  const result = { id: `peers-${name}`, title: `beside ${name}`, seed: 1, figures };
  printResult(result, lastResult(result.id));
  if (!words.includes('--keep')) writeResult(result);
}
