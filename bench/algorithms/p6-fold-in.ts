/** P6: one person's vector from 50 events, d = 64: solved, and improved from the one before. */
import { confidenceRowsOf } from '../../algorithms/factors/confidences.ts';
import { FoldIn } from '../../algorithms/factors/fold-in.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS } from '../../algorithms/factors/implicit-als-options.ts';
import { referenceSweep } from '../../algorithms/factors/implicit-als-reference.ts';
import { historiesOfRows } from '../../algorithms/histories/histories.ts';
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { Figure } from '../result.ts';
import { factorsLikeTrained, SEED, secondsPerCall, timedAsync } from './timing.ts';

const DIMENSIONS = 64;
const ITEMS = 10_000;
const EVENTS = 50;
const PEOPLE = 200;
/** After one more event so many steps leave less than a hundredth of the difference. */
const STEPS = 2;

export const foldInRows = async (): Promise<Figure[]> => {
  const random = seededRandom(SEED);
  const options = { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions: DIMENSIONS };
  const factors = factorsLikeTrained(ITEMS, DIMENSIONS);
  const foldIn = new FoldIn(inlineEngine(), { itemCount: ITEMS, factors, options });
  const weights = new Float32Array(EVENTS).fill(1);
  const people = Array.from({ length: PEOPLE }, () =>
    Uint32Array.from({ length: EVENTS }, () => random.below(ITEMS)),
  );
  const vector = new Float32Array(DIMENSIONS);
  const exact = secondsPerCall((k) =>
    foldIn.solve({ items: people[k % PEOPLE]!, weights }, vector),
  );
  const before = people.map((items) => {
    const earlier = new Float32Array(DIMENSIONS);
    foldIn.solve({ items: items.subarray(0, EVENTS - 1), weights }, earlier);
    return earlier;
  });
  const warm = secondsPerCall((k) => {
    vector.set(before[k % PEOPLE]!);
    foldIn.improve({ items: people[k % PEOPLE]!, weights }, vector, STEPS);
  });
  const rows = historiesOfRows(people, ITEMS);
  const userItems = confidenceRowsOf(rows, null);
  const plainFactors = Float64Array.from(factors);
  // The reference sums the gram anew; that part is measured by itself and taken off.
  const empty = confidenceRowsOf(historiesOfRows([[]], ITEMS), null);
  // Compiled before it is timed: two times are subtracted.
  await referenceSweep(userItems, plainFactors, options, { seed: SEED });
  const gramSeconds = await timedAsync(() =>
    referenceSweep(empty, plainFactors, options, { seed: SEED }),
  );
  const sweepSeconds = await timedAsync(() =>
    referenceSweep(userItems, plainFactors, options, { seed: SEED }),
  );
  const plainSeconds = (sweepSeconds - gramSeconds) / PEOPLE;
  const left = remaining(foldIn, { people, before, weights });
  return [
    {
      name: `P6 fold-in, d = ${DIMENSIONS}, ${EVENTS} events, exact`,
      value: exact.median * 1e6,
      spread: [exact.spread[0] * 1e6, exact.spread[1] * 1e6],
      unit: 'µs',
      reach: { atMost: 25 },
    },
    {
      name: `P6 fold-in after one more event, ${STEPS} steps`,
      value: warm.median * 1e6,
      spread: [warm.spread[0] * 1e6, warm.spread[1] * 1e6],
      unit: 'µs',
      reach: { atMost: 12 },
    },
    {
      name: 'P6 what the steps leave of the difference',
      value: left,
      unit: 'share',
      isRatio: true,
    },
    {
      name: 'P6 fold-in, exact, against plain JavaScript',
      value: plainSeconds / exact.median,
      unit: '×',
      isRatio: true,
    },
  ];
};

interface Warmth {
  readonly people: readonly Uint32Array[];
  readonly before: readonly Float32Array[];
  readonly weights: Float32Array;
}

/** Mean of |improved − exact| ÷ |before − exact|. */
const remaining = (foldIn: FoldIn, { people, before, weights }: Warmth): number => {
  const distance = (a: Float32Array, b: Float32Array): number =>
    Math.hypot(...a.map((value, k) => value - b[k]!));
  let sum = 0;
  people.forEach((items, k) => {
    const exact = new Float32Array(DIMENSIONS);
    foldIn.solve({ items, weights }, exact);
    const improved = before[k]!.slice();
    foldIn.improve({ items, weights }, improved, STEPS);
    sum += distance(improved, exact) / distance(before[k]!, exact);
  });
  return sum / people.length;
};
