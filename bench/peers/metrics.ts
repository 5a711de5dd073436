/**
 * Our ranking metrics beside an independent implementation, trec_eval (package pytrec-eval-terrier),
 * on seeded random lists.
 *
 * Two definitions differ on purpose and are translated: trec_eval divides average precision by all
 * relevant items, we by those that fit the list; its reciprocal rank knows no cut-off.
 */
import {
  averagePrecision,
  hitRate,
  ndcg,
  precision,
  recall,
  reciprocalRank,
} from '../../algorithms/metrics/ranking.ts';
import { seededRandom, shuffle } from '../../algorithms/random/seeded-random.ts';
import type { Figure } from '../result.ts';
import { installPackages, runPython, withFiles } from './environment.ts';

const CUT = 10;
const CASES = 2000;
const SEED = 7;

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

export const besideTrecEval = async (): Promise<Figure[]> => {
  installPackages(['pytrec-eval-terrier==0.5.11']);
  const cases = randomCases();
  const input = Buffer.from(JSON.stringify(cases));
  const theirs = await withFiles({ cases: input }, async (directory) =>
    runPython<Readonly<Record<string, Figures>>>('metrics.py', [directory]),
  );
  const largest = new Map<string, number>();
  cases.forEach((entry, k) => {
    for (const [name, value] of Object.entries(ours(entry))) {
      const difference = Math.abs(value - theirs[String(k)]![name]!);
      largest.set(name, Math.max(largest.get(name) ?? 0, difference));
    }
  });
  return [...largest].map(([name, value]) => ({
    name: `${name}, ${CASES} lists: largest difference × 10⁹`,
    value: value * 1e9,
    unit: '',
    reach: { atMost: 1 },
  }));
};
