/** The neighbour models whose knowledge is the histories: sequences, sessions, ratings. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOf, historiesOfRows, historyOf, historyOfItems } from '../histories/histories.ts';
import { keepNearest } from './nearest.ts';
import {
  DEFAULT_SEQUENCE_NEIGHBOUR_OPTIONS,
  readSequenceNeighbours,
  SequenceNeighbours,
} from './sequence-neighbours.ts';
import {
  DEFAULT_SESSION_NEIGHBOUR_OPTIONS,
  readSessionNeighbours,
  SessionNeighbours,
} from './session-neighbours.ts';
import {
  DEFAULT_USER_NEIGHBOUR_OPTIONS,
  readUserNeighbours,
  type UserNeighbourOptions,
  UserNeighbours,
} from './user-neighbours.ts';

const scoresOf = (
  model: {
    readonly itemCount: number;
    score(history: ReturnType<typeof historyOfItems>, into: Float64Array): void;
  },
  history: ReturnType<typeof historyOfItems>,
): number[] => {
  const scores = new Float64Array(model.itemCount).fill(Number.NaN);
  model.score(history, scores);
  return [...scores];
};

describe('sequence neighbours', () => {
  const options = {
    ...DEFAULT_SEQUENCE_NEIGHBOUR_OPTIONS,
    decay: 0.5,
    followDecay: 0.5,
    follow: 2,
  };

  it('give what similar people did right after the shared items', () => {
    const model = new SequenceNeighbours(
      historiesOfRows(
        [
          [0, 1, 2, 3, 4],
          [5, 1],
        ],
        6,
      ),
      options,
    );
    // The first person shares 1 (weight 1) and 0 (.5): similarity 1.5. After 1 come 2 and 3.
    const [s, after0] = [1.5 ** 2, 1.5 ** 2 * 0.5];
    const wanted = [0, after0, s + after0 * 0.5, s * 0.5, 0, 0];
    expect(scoresOf(model, historyOfItems([0, 1]))).toEqual(wanted);
  });

  it('trust people more whose last event is near in time', () => {
    const data = historiesOf(
      [
        { user: 0, item: 0, time: 10 },
        { user: 0, item: 1, time: 11 },
        { user: 1, item: 0, time: 90 },
        { user: 1, item: 2, time: 91 },
      ],
      { userCount: 2, itemCount: 3 },
    );
    const model = new SequenceNeighbours(data, options);
    const asked = { items: Uint32Array.of(0), weights: null, times: Float64Array.of(91) };
    const scores = scoresOf(model, asked);
    expect(scores[2]).toBeGreaterThan(scores[1]!);
    expect(scores[2]).toBe(1);
  });

  it('keep only the nearest, explain themselves, and come back from bytes', () => {
    const sequence = fc.array(fc.nat(7), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(sequence, { maxLength: 9 }), sequence, (rows, items) => {
        const few = { ...options, neighbours: 2 };
        const model = new SequenceNeighbours(historiesOfRows(rows, 8), few);
        const read = readSequenceNeighbours(model.serialise());
        const scores = scoresOf(model, historyOfItems(items));
        expect(scoresOf(read, historyOfItems(items))).toEqual(scores);
        expect(scoresOf(model, historyOfItems(items))).toEqual(scores);
        scores.forEach((score, item) => {
          const parts = model.explain(historyOfItems(items), item);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(score, 9);
        });
      }),
    );
  });
});

describe('session neighbours', () => {
  it('equal the definition on a case worked out by hand', () => {
    const model = new SessionNeighbours(historiesOfRows([[0, 1], [1, 2], [3]], 4), {
      ...DEFAULT_SESSION_NEIGHBOUR_OPTIONS,
      fade: 1,
    });
    const scores = scoresOf(model, historyOfItems([0, 1]));
    const older = Math.exp(-1);
    const boost = (count: number): number => 0.5 + Math.log(3 / count);
    const [first, second] = [(1 + older) / Math.SQRT2, 1 / Math.SQRT2];
    expect(scores[0]).toBeCloseTo(first * boost(1), 12);
    expect(scores[1]).toBeCloseTo((first + second) * boost(2), 12);
    expect(scores[2]).toBeCloseTo(second * boost(1), 12);
    expect(scores[3]).toBe(0);
  });

  it('give finite scores whatever the data, and come back from bytes', () => {
    const session = fc.array(fc.nat(5), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(session, { maxLength: 9 }), session, (rows, items) => {
        const model = new SessionNeighbours(historiesOfRows(rows, 6), {
          ...DEFAULT_SESSION_NEIGHBOUR_OPTIONS,
          neighbours: 2,
        });
        const scores = scoresOf(model, historyOfItems(items));
        expect(scores.every(Number.isFinite)).toBe(true);
        const read = readSessionNeighbours(model.serialise());
        expect(scoresOf(read, historyOfItems(items))).toEqual(scores);
      }),
    );
  });
});

describe('user neighbours', () => {
  const ratings = historiesOf(
    [
      { user: 0, item: 0, weight: 5 },
      { user: 0, item: 1, weight: 1 },
      { user: 0, item: 2, weight: 4 },
      { user: 1, item: 0, weight: 4 },
      { user: 1, item: 1, weight: 2 },
      { user: 1, item: 2, weight: 3 },
      { user: 1, item: 3, weight: 5 },
      { user: 2, item: 0, weight: 1 },
      { user: 2, item: 1, weight: 5 },
      { user: 2, item: 3, weight: 1 },
    ],
    { userCount: 4, itemCount: 5 },
  );
  const options: UserNeighbourOptions = {
    measure: 'pearson',
    neighbours: 10,
    minOverlap: 1,
    significance: 0,
    isCentred: true,
  };
  const asked = historyOf(ratings, 0);
  const similarityTo1 = (measure: UserNeighbourOptions['measure'], isCentred = false): number =>
    new UserNeighbours(ratings, { ...options, measure, isCentred }).similarities(asked, 0)[1]!;

  it('are similar as the formulas say', () => {
    const deviations = [5 / 3, -7 / 3, 2 / 3];
    const theirs = [1, -1, 0];
    const product = deviations.reduce((sum, own, k) => sum + own * theirs[k]!, 0);
    const norm = Math.sqrt(deviations.reduce((sum, own) => sum + own * own, 0) * 2);
    expect(similarityTo1('pearson')).toBeCloseTo(product / norm, 12);
    expect(similarityTo1('euclidean')).toBeCloseTo(1 / (1 + 1), 12);
    expect(similarityTo1('cosine')).toBeCloseTo(34 / Math.sqrt(42 * 29), 12);
  });

  it('predict from the own mean and the deviations of those who are alike', () => {
    const model = new UserNeighbours(ratings, options);
    // User 2 rates the other way round and does not count; user 1 rated item 3 1.5 above the mean.
    expect(model.predict(asked, [3], 0)[0]).toBeCloseTo(10 / 3 + 1.5, 12);
    expect(model.predict(asked, [4], 0)[0]).toBeCloseTo(10 / 3, 12);
    expect(model.predict(historyOfItems([]), [3])[0]).toBeCloseTo(3.1, 6);
  });

  it('shrink what rests on few shared items, and drop what rests on too few', () => {
    const shrunk = new UserNeighbours(ratings, { ...options, significance: 6 });
    expect(shrunk.similarities(asked, 0)[1]).toBeCloseTo(similarityTo1('pearson') / 2, 12);
    const strict = new UserNeighbours(ratings, { ...options, minOverlap: 4 });
    expect(strict.similarities(asked, 0)[1]).toBe(0);
  });

  it('never give anything but numbers', () => {
    const event = fc.record({
      user: fc.nat(4),
      item: fc.nat(4),
      weight: fc.integer({ min: -1, max: 5 }),
    });
    const measure = fc.constantFrom('pearson' as const, 'cosine' as const, 'euclidean' as const);
    fc.assert(
      fc.property(fc.array(event), measure, fc.boolean(), (events, by, isCentred) => {
        const data = historiesOf(events, { userCount: 5, itemCount: 5 });
        const model = new UserNeighbours(data, { ...options, measure: by, isCentred });
        const read = readUserNeighbours(model.serialise());
        const predicted = model.predict(historyOf(data, 0), [0, 1, 2, 3, 4, 9]);
        expect(predicted.every(Number.isFinite)).toBe(true);
        expect(read.predict(historyOf(data, 0), [0, 1, 2, 3, 4, 9])).toEqual(predicted);
        expect(scoresOf(model, historyOf(data, 0)).every(Number.isFinite)).toBe(true);
      }),
    );
  });

  it('refuse options that make no sense', () => {
    const wrong = [
      { neighbours: 0 },
      { minOverlap: 0 },
      { significance: -1 },
      { measure: 'other' },
    ];
    for (const odd of wrong) {
      const refused = { ...DEFAULT_USER_NEIGHBOUR_OPTIONS, ...odd } as UserNeighbourOptions;
      expect(() => new UserNeighbours(ratings, refused)).toThrow(/Expected option/);
    }
  });
});

describe('the nearest', () => {
  it('are exactly as many as wanted, ties decided by who was met first', () => {
    const similarity = Float64Array.of(1, 3, 2, 2, 2);
    keepNearest(similarity, Uint32Array.of(4, 0, 1, 2, 3), 3);
    expect([...similarity]).toEqual([0, 3, 2, 0, 2]);
  });
});
