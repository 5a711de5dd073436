/**
 * One pass over all questions of a ranking protocol: every contender scores every item once for
 * each person, blends combine those scores, and the rank of the target among its candidates is
 * kept. Equal scores are ranked in the middle of their tie.
 */
import type { Histories } from '../../algorithms/histories/histories.ts';
import { historyOf } from '../../algorithms/histories/histories.ts';
import {
  bootstrapMean,
  type Clusters,
  pairedBootstrap,
} from '../../algorithms/metrics/confidence.ts';
import { hitAtRank, ndcgAtRank, rankOfTarget } from '../../algorithms/metrics/ranking.ts';
import { type Blend, type Contender, seconds } from './contender.ts';
import type { Comparison, ResultRow } from './report.ts';

export interface RankingTask {
  /** What the models are asked with: histories without the target. */
  readonly histories: Histories;
  /** Per user the item to be found, −1 to leave the user out. */
  readonly targets: ArrayLike<number>;
  /**
   * What a target is ranked against: given candidates, all items that the user has not seen, or
   * all items, as where people come back to what they saw.
   */
  readonly against: 'unseen' | 'all' | readonly Uint32Array[];
}

/** How ranks become figures: at which cut-off, by what metrics, and whose events belong together. */
export interface Measures {
  readonly metrics: Readonly<Record<string, (rank: number) => number>>;
  /** Per row of the histories the person or session that it belongs to; null: each its own. */
  readonly clusterOf: ArrayLike<number> | null;
}

export const AT_10: Measures = {
  metrics: {
    'HR@10': (rank) => hitAtRank(rank, 10),
    'NDCG@10': (rank) => ndcgAtRank(rank, 10),
  },
  clusterOf: null,
};

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
  if (typeof against !== 'string') {
    const others = Float64Array.from(against[user]!, (item) => scores[item]!);
    return rankOfTarget(scores[target]!, others, 'average');
  }
  const wanted = scores[target]!;
  if (Number.isNaN(wanted)) return scores.length;
  let above = 0;
  let equal = 0;
  for (let item = 0; item < scores.length; item++) {
    if ((seen[item] === 1 && against === 'unseen') || item === target) continue;
    if (scores[item]! > wanted) above += 1;
    else if (scores[item]! === wanted) equal += 1;
  }
  return above + equal / 2;
};

/** Sums and counts by person. */
const clustersOf = (
  { users }: RankingRun,
  values: Float64Array,
  clusterOf: Measures['clusterOf'],
): Clusters => {
  if (!clusterOf) return { sums: values, counts: null };
  const sums = new Map<number, number>();
  const counts = new Map<number, number>();
  users.forEach((user, place) => {
    const cluster = clusterOf[user]!;
    sums.set(cluster, (sums.get(cluster) ?? 0) + values[place]!);
    counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
  });
  return { sums: [...sums.values()], counts: [...counts.values()] };
};

export const rowsOf = (
  run: RankingRun,
  contenders: readonly Contender[],
  blends: readonly Blend[],
  { metrics, clusterOf }: Measures = AT_10,
): ResultRow[] => {
  const rowOf = (name: string): Pick<ResultRow, 'model' | 'metrics' | 'scoreSeconds'> => ({
    model: name,
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([metric, of]) => [
        metric,
        bootstrapMean(clustersOf(run, run.ranks.get(name)!.map(of), clusterOf))!,
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

/** A blend against its best part: the lower end must not lie far below 0. */
export const compareWithBestPart = (
  run: RankingRun,
  blend: Blend,
  { metrics, clusterOf }: Measures = AT_10,
): Comparison[] =>
  Object.entries(metrics).map(([metric, of]) => {
    const total = (name: string): number =>
      run.ranks.get(name)!.reduce((sum, rank) => sum + of(rank), 0);
    const best = blend.parts.toSorted((a, b) => total(b) - total(a))[0]!;
    const clusters = (name: string): Clusters =>
      clustersOf(run, run.ranks.get(name)!.map(of), clusterOf);
    const difference = pairedBootstrap(clusters(blend.name), clusters(best))!;
    return { of: blend.name, against: best, metric, difference };
  });
