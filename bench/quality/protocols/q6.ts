/**
 * Q6: clicks of a shop (RecSys 2015, the 100k sample). At every position of every test session the
 * next click is ranked among all items of the training part; HR@20 and MRR@20. A third of the next
 * clicks are repeats, so nothing is left out as seen. Settings were chosen on the last training
 * day (`-- Q6 --validation`).
 */
import type { Histories } from '../../../algorithms/histories/histories.ts';
import { hitAtRank, reciprocalAtRank } from '../../../algorithms/metrics/ranking.ts';
import {
  DEFAULT_SESSION_NEIGHBOUR_OPTIONS,
  SessionNeighbours,
} from '../../../algorithms/neighbourhood/session-neighbours.ts';
import {
  DEFAULT_TRANSITION_OPTIONS,
  fitTransitions,
} from '../../../algorithms/neighbourhood/transitions.ts';
import { fitItemPopularity } from '../../../algorithms/popularity/item-popularity.ts';
import { type Contender, contenderOf, randomContender } from '../contender.ts';
import {
  type ClickSession,
  readYoochoose,
  YOOCHOOSE_FILE,
  type YoochooseData,
} from '../datasets/yoochoose.ts';
import {
  compareWithBestPart,
  type Measures,
  type RankingTask,
  rowsOf,
  runRanking,
} from '../ranking-run.ts';
import { maxBlend } from '../score-blends.ts';
import type { Part, Protocol } from './protocol.ts';

const DAY_SECONDS = 86_400;
const SEED = 1;

const SEQUENTIAL_RULES = {
  ...DEFAULT_TRANSITION_OPTIONS,
  stepDecay: 0.5,
  backward: 0.3,
  shrinkage: 0,
  reach: 4,
  historyDecay: 0.5,
};

const BLENDS = [
  maxBlend('blend', {
    'VSKNN 1.04': 1.15,
    'VSKNN 4': 0.4,
    'rules, no repeats': 0.5,
    'rules, two steps': 0.4,
    'last item': 0.1,
    'in session': 0.3,
  }),
];

const endOf = (session: ClickSession): number => session.times[session.times.length - 1]!;

/** For choosing settings the sessions of the last training day are tested. */
const partOf = (data: YoochooseData, part: Part): YoochooseData => {
  if (part === 'test') return data;
  const cut =
    data.train.reduce((latest, session) => Math.max(latest, endOf(session)), 0) - DAY_SECONDS;
  return {
    ...data,
    train: data.train.filter(({ times }) => times[0]! < cut),
    test: data.train.filter(({ times }) => times[0]! >= cut),
  };
};

const historiesOfSessions = (sessions: readonly ClickSession[], itemCount: number): Histories => {
  const starts = new Uint32Array(sessions.length + 1);
  sessions.forEach(({ items }, k) => {
    starts[k + 1] = starts[k]! + items.length;
  });
  const items = new Uint32Array(starts[sessions.length]!);
  const times = new Float64Array(items.length);
  sessions.forEach((session, k) => {
    items.set(session.items, starts[k]);
    times.set(session.times, starts[k]);
  });
  return { userCount: sessions.length, itemCount, starts, items, weights: null, times };
};

/** A row for each position: the session up to it, the click at it as the target. */
const questionsOf = (
  { test, knownItems }: YoochooseData,
  train: Histories,
): { readonly task: RankingTask; readonly clusterOf: number[] } => {
  const inTraining = new Set(train.items);
  const prefixes: ClickSession[] = [];
  const targets: number[] = [];
  const clusterOf: number[] = [];
  test.forEach(({ items, times }, session) => {
    for (let p = 1; p < items.length; p++) {
      if (!inTraining.has(items[p]!)) continue;
      prefixes.push({ items: items.slice(0, p), times: times.slice(0, p) });
      targets.push(items[p]!);
      clusterOf.push(session);
    }
  });
  const histories = historiesOfSessions(prefixes, knownItems);
  return { task: { histories, targets, against: 'all' }, clusterOf };
};

const marker = (name: string, firstFrom: (length: number) => number): Contender => ({
  name,
  fitSeconds: 0,
  modelBytes: 0,
  seed: null,
  score({ history: { items } }, scores) {
    scores.fill(0);
    for (let k = firstFrom(items.length); k < items.length; k++) {
      if (items[k]! < scores.length) scores[items[k]!] = 1;
    }
  },
});

const contendersOf = async (train: Histories): Promise<Contender[]> => {
  const context = { seed: SEED };
  const rules = { ...SEQUENTIAL_RULES, countsRepeats: true };
  const single = await contenderOf({
    name: 'rules, no repeats',
    settings: SEQUENTIAL_RULES,
    fit: () => fitTransitions(train, SEQUENTIAL_RULES, context),
  });
  const oneStep = new Float64Array(train.itemCount);
  const neighbours = (fade: number): Promise<Contender> => {
    const settings = { ...DEFAULT_SESSION_NEIGHBOUR_OPTIONS, fade };
    return contenderOf({
      name: `VSKNN ${fade}`,
      settings,
      fit: () => new SessionNeighbours(train, settings),
    });
  };
  return [
    randomContender(SEED),
    await contenderOf({ name: 'popularity', fit: () => fitItemPopularity(train) }),
    marker('in session', () => 0),
    marker('last item', (length) => length - 1),
    single,
    {
      ...single,
      name: 'rules, two steps',
      fitSeconds: 0,
      score({ history }, scores) {
        single.model.score(history, oneStep);
        scores.fill(0);
        single.model.addFrom(oneStep, scores);
      },
    },
    await contenderOf({
      name: 'sequential rules',
      settings: rules,
      fit: () => fitTransitions(train, rules, context),
    }),
    await neighbours(1.04),
    await neighbours(4),
  ];
};

export const q6: Protocol = {
  id: 'Q6',
  title: 'Yoochoose clicks, 100k: next click among all items',
  file: YOOCHOOSE_FILE,
  async run(part) {
    const data = partOf(await readYoochoose(), part);
    const train = historiesOfSessions(
      data.train.toSorted((a, b) => endOf(a) - endOf(b)),
      data.knownItems,
    );
    const contenders = await contendersOf(train);
    const { task, clusterOf } = questionsOf(data, train);
    const measures: Measures = {
      metrics: {
        'HR@20': (rank) => hitAtRank(rank, 20),
        'MRR@20': (rank) => reciprocalAtRank(rank, 20),
      },
      clusterOf,
    };
    const run = runRanking(task, contenders, BLENDS);
    return {
      remarks: [
        `${task.targets.length} clicks of ${data.test.length} sessions; intervals by session.`,
      ],
      rows: rowsOf(run, contenders, BLENDS, measures),
      comparisons: BLENDS.flatMap((blend) => compareWithBestPart(run, blend, measures)),
    };
  },
};
