/**
 * P9: the linear models from kept statistics, 3,700 items and a million events with people of the
 * lengths of MovieLens 1M: what an event costs, what a refresh costs on one thread and on two.
 */
import { historyOf } from '../../algorithms/histories/histories.ts';
import { KernelPool } from '../../algorithms/kernels/kernel-pool.ts';
import { DEFAULT_EASE_OPTIONS, EaseStatistics, solveEase } from '../../algorithms/linear/ease.ts';
import { DEFAULT_NEXT_ITEM_OPTIONS, solveNextItem } from '../../algorithms/linear/next-item.ts';
import { NextItemStatistics } from '../../algorithms/linear/next-item-statistics.ts';
import { blockedLinearAlgebra } from '../../algorithms/linear-algebra/blocked-linear-algebra.ts';
import {
  type DenseLinearAlgebra,
  symmetricMatrix,
} from '../../algorithms/linear-algebra/dense-linear-algebra.ts';
import { kernelLinearAlgebra } from '../../algorithms/linear-algebra/kernel-linear-algebra.ts';
import type { Figure } from '../result.ts';
import { type EventShape, syntheticHistories } from './synthetic-events.ts';
import { coreSeconds, SEED, timedAsync } from './timing.ts';

const SHAPE: EventShape = { userCount: 6_040, itemCount: 3_700, eventCount: 1_000_000 };
/** The plain algebra is timed on a smaller matrix, and its time multiplied by the cube. */
const PLAIN_SIZE = 1_000;
const CONTEXT = { seed: SEED };

const easePart = async (algebras: readonly DenseLinearAlgebra[]): Promise<Figure[]> => {
  const histories = syntheticHistories(SHAPE, SEED);
  const statistics = new EaseStatistics(SHAPE.itemCount);
  let seconds = 0;
  for (let user = 0; user < SHAPE.userCount; user++) {
    const { items } = historyOf(histories, user);
    seconds += coreSeconds(() => statistics.addPerson(items));
  }
  const refresh = [];
  for (const algebra of algebras) {
    refresh.push(
      await timedAsync(() => solveEase(statistics, DEFAULT_EASE_OPTIONS, CONTEXT, algebra)),
    );
  }
  return [
    perEvent('P9 EASE statistics', seconds / histories.items.length, 5),
    ...refreshFigures('P9 EASE refresh', refresh, 4),
  ];
};

const nextItemPart = async (algebras: readonly DenseLinearAlgebra[]): Promise<Figure[]> => {
  const histories = syntheticHistories(SHAPE, SEED);
  const statistics = new NextItemStatistics(SHAPE.itemCount, DEFAULT_NEXT_ITEM_OPTIONS.shape);
  const seconds = coreSeconds(() => statistics.addAll(histories));
  const refresh = [];
  for (const algebra of algebras) {
    refresh.push(
      await timedAsync(() =>
        solveNextItem(statistics, DEFAULT_NEXT_ITEM_OPTIONS, CONTEXT, algebra),
      ),
    );
  }
  return [
    perEvent('P9 next-item statistics, in a batch', seconds / histories.items.length, 25),
    ...refreshFigures('P9 next-item refresh, 11 k features', refresh, 30),
  ];
};

const perEvent = (name: string, seconds: number, atMost: number): Figure => ({
  name,
  value: seconds * 1e6,
  unit: 'µs an event',
  reach: { atMost },
});

const refreshFigures = (name: string, [one, two]: readonly number[], atMost: number): Figure[] => [
  { name: `${name}, one thread`, value: one!, unit: 's' },
  { name: `${name}, two threads`, value: two!, unit: 's', reach: { atMost } },
  { name: `${name}, two threads against one`, value: one! / two!, unit: '×', isRatio: true },
];

/** One inversion by the plain code and by each engine. */
const againstPlain = async (algebras: Readonly<Record<string, DenseLinearAlgebra>>) => {
  const matrix = symmetricMatrix(PLAIN_SIZE);
  for (let row = 0; row < PLAIN_SIZE; row++) matrix.lower[(row * (row + 3)) / 2] = 1 + row;
  const system = { matrix, ridge: 1 };
  const invert = (algebra: DenseLinearAlgebra) => timedAsync(() => algebra.invert(system, CONTEXT));
  await invert(blockedLinearAlgebra);
  const plain = await invert(blockedLinearAlgebra);
  const figures: Figure[] = [];
  for (const [name, algebra] of Object.entries(algebras)) {
    await invert(algebra);
    figures.push({
      name: `P9 inverse of ${PLAIN_SIZE}, ${name}, one thread, against plain JavaScript`,
      value: plain / (await invert(algebra)),
      unit: '×',
      isRatio: true,
    });
  }
  return figures;
};

export const linearRows = async (): Promise<Figure[]> => {
  const pools = [new KernelPool(1), new KernelPool(2)];
  const precise = pools.map((pool) => kernelLinearAlgebra(pool, { precision: 'f64' }));
  const fast = pools.map((pool) => kernelLinearAlgebra(pool, { precision: 'f32' }));
  try {
    return [
      ...(await easePart(precise)),
      ...(await nextItemPart(fast)),
      ...(await againstPlain({ f64: precise[0]!, f32: fast[0]! })),
    ];
  } finally {
    for (const pool of pools) await pool.close();
  }
};
