/**
 * One pass over all questions of a ranking protocol: every contender scores every item once for
 * each person, blends combine those scores, and the rank of the target among its candidates is
 * kept. Equal scores are ranked in the middle of their tie.
 */
import type { Histories } from '../../algorithms/histories/histories.ts';
import { historyOf } from '../../algorithms/histories/histories.ts';
import { bootstrapMean, pairedBootstrap } from '../../algorithms/metrics/confidence.ts';
import { hitAtRank, ndcgAtRank, rankOfTarget } from '../../algorithms/metrics/ranking.ts';
import { type Blend, type Contender, seconds } from './contender.ts';
import type { Comparison, ResultRow } from './report.ts';

export interface RankingTask {
  /** What the models are asked with: histories without the target. */
  readonly histories: Histories;
  /** Per user the item to be found, −1 to leave the user out. */
  readonly targets: ArrayLike<number>;
  /** What a target is ranked against: given candidates, or all items that the user has not seen. */
  readonly against: 'unseen' | readonly Uint32Array[];
}

/** Per contender the rank of each user's target. */
export type Ranks = ReadonlyMap<string, Float64Array>;

export interface RankingRun {
  readonly users: readonly number[];
  readonly ranks: Ranks;
  readonly scoreSeconds: ReadonlyMap<string, number>;
}

export const runRanking = (
  task: RankingTask,
  contenders: readonly Contender[],
  blends: readonly Blend[],
): RankingRun => {
  const { histories, targets } = task;
  const users = Array.from({ length: histories.userCount }, (_, user) => user).filter(
    (user) => targets[user]! >= 0,
  );
  const scores = new Map<string, Float64Array>();
  const ranks = new Map<string, Float64Array>();
  const scoreSeconds = new Map<string, number>();
  for (const { name } of [...contenders, ...blends]) {
    scores.set(name, new Float64Array(histories.itemCount));
    ranks.set(name, new Float64Array(users.length));
    scoreSeconds.set(name, 0);
  }
  const seen = new Uint8Array(histories.itemCount);
  users.forEach((user, place) => {
    const history = historyOf(histories, user);
    for (const item of history.items) seen[item] = 1;
    const run = (name: string, write: (into: Float64Array) => void): void => {
      const start = seconds();
      const into = scores.get(name)!;
      write(into);
      scoreSeconds.set(name, scoreSeconds.get(name)! + seconds() - start);
      ranks.get(name)![place] = rankIn(task, user, into, seen);
    };
    for (const contender of contenders) {
      run(contender.name, (into) => contender.score({ user, history }, into));
    }
    for (const blend of blends) {
      const parts = blend.parts.map((part) => scores.get(part)!);
      run(blend.name, (into) => blend.combine(parts, into, seen));
    }
    for (const item of history.items) seen[item] = 0;
  });
  return { users, ranks, scoreSeconds };
};

const rankIn = (
  { targets, against }: RankingTask,
  user: number,
  scores: Float64Array,
  seen: Uint8Array,
): number => {
  const target = targets[user]!;
  if (against !== 'unseen') {
    const others = Float64Array.from(against[user]!, (item) => scores[item]!);
    return rankOfTarget(scores[target]!, others, 'average');
  }
  const wanted = scores[target]!;
  if (Number.isNaN(wanted)) return scores.length;
  let above = 0;
  let equal = 0;
  for (let item = 0; item < scores.length; item++) {
    if (seen[item] === 1 || item === target) continue;
    if (scores[item]! > wanted) above += 1;
    else if (scores[item]! === wanted) equal += 1;
  }
  return above + equal / 2;
};

const at10 = {
  'HR@10': (rank: number) => hitAtRank(rank, 10),
  'NDCG@10': (rank: number) => ndcgAtRank(rank, 10),
};

export const rowsOf = (
  run: RankingRun,
  contenders: readonly Contender[],
  blends: readonly Blend[],
): ResultRow[] => {
  const rowOf = (name: string): Pick<ResultRow, 'model' | 'metrics' | 'scoreSeconds'> => ({
    model: name,
    metrics: Object.fromEntries(
      Object.entries(at10).map(([metric, of]) => [
        metric,
        bootstrapMean({ sums: run.ranks.get(name)!.map(of), counts: null })!,
      ]),
    ),
    scoreSeconds: run.scoreSeconds.get(name)!,
  });
  return [
    ...contenders.map(({ name, settings, seed, fitSeconds, modelBytes, note }) => ({
      ...rowOf(name),
      settings,
      seed,
      fitSeconds,
      modelBytes,
      note,
    })),
    ...blends.map(({ name, settings, parts, note }) => ({
      ...rowOf(name),
      settings: { parts, ...settings },
      seed: null,
      fitSeconds: 0,
      modelBytes: 0,
      note,
    })),
  ];
};

/** A blend against its best part by NDCG@10: the lower end must not lie far below 0. */
export const compareWithBestPart = (run: RankingRun, blend: Blend): Comparison[] => {
  const gains = (name: string) => run.ranks.get(name)!.map(at10['NDCG@10']);
  const total = (name: string): number => gains(name).reduce((sum, gain) => sum + gain, 0);
  const best = blend.parts.toSorted((a, b) => total(b) - total(a))[0]!;
  return Object.entries(at10).map(([metric, of]) => ({
    of: blend.name,
    against: best,
    metric,
    difference: pairedBootstrap(
      { sums: run.ranks.get(blend.name)!.map(of), counts: null },
      { sums: run.ranks.get(best)!.map(of), counts: null },
    )!,
  }));
};
