/**
 * `node bench/peers/metrics.ts` holds our ranking metrics against an independent implementation,
 * trec_eval (package pytrec-eval-terrier, installed into a virtual environment under the system's
 * temporary directory), on seeded random lists.
 *
 * Two definitions differ on purpose and are translated: trec_eval divides average precision by all
 * relevant items, we by those that fit the list; its reciprocal rank knows no cut-off.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  averagePrecision,
  hitRate,
  ndcg,
  precision,
  recall,
  reciprocalRank,
} from '../../algorithms/metrics/ranking.ts';
import { seededRandom, shuffle } from '../../algorithms/random/seeded-random.ts';

const CUT = 10;
const CASES = 2000;
const SEED = 7;
const TOLERANCE = 1e-9;
const ENVIRONMENT = join(tmpdir(), 'freshet-peers');
const PYTHON = join(ENVIRONMENT, 'bin/python');

interface Case {
  readonly ranked: number[];
  readonly relevant: number[];
}

const randomCases = (): Case[] => {
  const random = seededRandom(SEED);
  return Array.from({ length: CASES }, () => {
    const items = shuffle(
      Array.from({ length: 60 }, (_, item) => item),
      random,
    );
    const relevant = shuffle([...items], random).slice(0, 1 + random.below(20));
    return { ranked: items.slice(0, 1 + random.below(40)), relevant };
  });
};

const install = (): void => {
  if (!existsSync(PYTHON)) execFileSync('python3', ['-m', 'venv', ENVIRONMENT]);
  execFileSync(PYTHON, ['-m', 'pip', 'install', '--quiet', 'pytrec-eval-terrier==0.5.11'], {
    stdio: 'inherit',
  });
};

type Figures = Readonly<Record<string, number>>;

const ours = ({ ranked, relevant }: Case): Figures => {
  const wanted = new Set(relevant);
  return {
    ndcg_cut_10: ndcg(ranked, wanted, CUT)!,
    recall_10: recall(ranked, wanted, CUT)!,
    P_10: precision(ranked, wanted, CUT)!,
    map_cut_10: (averagePrecision(ranked, wanted, CUT)! * Math.min(CUT, wanted.size)) / wanted.size,
    success_10: hitRate(ranked, wanted, CUT)!,
    recip_rank: reciprocalRank(ranked, wanted, Math.max(ranked.length, 1))!,
  };
};

install();
const cases = randomCases();
const answer = execFileSync(PYTHON, [join(import.meta.dirname, 'metrics.py')], {
  input: JSON.stringify(cases),
  encoding: 'utf8',
  maxBuffer: 2 ** 28,
});
const theirs = JSON.parse(answer) as Readonly<Record<string, Figures>>;
const largest = new Map<string, number>();
cases.forEach((entry, k) => {
  for (const [name, value] of Object.entries(ours(entry))) {
    const difference = Math.abs(value - theirs[String(k)]![name]!);
    largest.set(name, Math.max(largest.get(name) ?? 0, difference));
  }
});
for (const [name, difference] of largest) {
  const verdict = difference <= TOLERANCE ? 'agrees' : 'DIFFERS';
  console.log(`${name.padEnd(12)} largest difference ${difference.toExponential(2)}  ${verdict}`);
}
if ([...largest.values()].some((difference) => difference > TOLERANCE)) process.exit(1);
console.log(`${CASES} lists, seed ${SEED}, against trec_eval`);
