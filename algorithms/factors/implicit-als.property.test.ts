import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type DataEvent, type Histories, historiesOf, historyOf } from '../histories/histories.ts';
import { inlineEngine, type KernelEngine } from '../kernels/kernel-engine.ts';
import { KernelPool } from '../kernels/kernel-pool.ts';
import { isAlgorithmError } from '../model/algorithm-error.ts';
import { inTurns } from '../model/pieces.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { alsSide, strideOf, sweep } from './als-side.ts';
import { confidenceRowsOf, transposeConfidences } from './confidences.ts';
import { FoldIn } from './fold-in.ts';
import { fitImplicitAls, ImplicitAls, readImplicitAls, trainImplicitAls } from './implicit-als.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS, type ImplicitAlsOptions } from './implicit-als-options.ts';
import { referenceLoss, referenceSweep } from './implicit-als-reference.ts';

const inline = inlineEngine();
const pool = new KernelPool(2);
afterAll(() => pool.close());

const optionsOf = (some: Partial<ImplicitAlsOptions>): ImplicitAlsOptions => ({
  ...DEFAULT_IMPLICIT_ALS_OPTIONS,
  epochs: 3,
  solver: 'exact',
  ...some,
});

interface Shape {
  readonly userCount: number;
  readonly itemCount: number;
  readonly events: number;
  readonly seed: number;
}

/** Random events, some of them dislikes, some pairs more than once, some rows empty. */
const randomHistories = ({ userCount, itemCount, events, seed }: Shape): Histories => {
  const random = seededRandom(seed);
  const list: DataEvent[] = Array.from({ length: events }, (_, time) => ({
    user: random.below(userCount),
    item: random.below(itemCount),
    weight: random.next() < 0.2 ? -random.next() : 0.2 + random.next(),
    time,
  }));
  return historiesOf(list, { userCount, itemCount });
};

const shapes = fc.record({
  userCount: fc.integer({ min: 1, max: 30 }),
  itemCount: fc.integer({ min: 1, max: 40 }),
  events: fc.integer({ min: 1, max: 400 }),
  seed: fc.nat(),
});
const dimensions = fc.integer({ min: 1, max: 21 });

const edgeCases: [Shape, number][] = [
  [{ userCount: 1, itemCount: 1, events: 1, seed: 1 }, 1],
  [{ userCount: 3, itemCount: 1, events: 9, seed: 2 }, 7],
  [{ userCount: 1, itemCount: 40, events: 300, seed: 3 }, 64],
  [{ userCount: 2, itemCount: 5, events: 400, seed: 4 }, 13],
];

/** Largest difference as a share of the largest value; steps that start at 1 leave some 1e-7. */
const differenceOf = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let largest = 0;
  let size = 1e-3;
  for (let k = 0; k < a.length; k++) {
    largest = Math.max(largest, Math.abs(a[k]! - b[k]!));
    size = Math.max(size, Math.abs(b[k]!));
  }
  return largest / size;
};

const sides = (histories: Histories, options: ImplicitAlsOptions, engine: KernelEngine) => {
  const region = engine.memory.region();
  const userItems = confidenceRowsOf(histories, options.halfLife);
  const itemUsers = transposeConfidences(userItems);
  const [users, items] = [alsSide(userItems, options, region), alsSide(itemUsers, options, region)];
  const random = seededRandom(9);
  const stride = strideOf(options.dimensions);
  for (const { factors } of [users, items]) {
    for (let at = 0; at < factors.length; at++) {
      factors[at] = at % stride < options.dimensions ? random.normal() : 0;
    }
  }
  const plain = ({ factors }: { factors: Float32Array }): Float64Array =>
    Float64Array.from(factors).filter((_, at) => at % stride < options.dimensions);
  return { region, userItems, itemUsers, users, items, plain };
};

describe('implicit least squares', () => {
  it('a sweep equals the reference on any shape, exactly solved or by enough steps', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, dimensions, async (shape, d) => {
        const histories = randomHistories(shape);
        for (const some of [
          { solver: 'exact' as const },
          { solver: 'conjugate-gradient' as const, conjugateSteps: 3 * d + 10 },
        ]) {
          // A ridge that keeps the condition, and with it what f32 loses, within bounds.
          const options = optionsOf({ ...some, dimensions: d, regularisation: 1 });
          const world = sides(histories, options, inline);
          const expected = await referenceSweep(
            world.userItems,
            world.plain(world.items),
            options,
            { seed: 1 },
          );
          await sweep(inline, world.users, world.items, options, { seed: 1 });
          expect(differenceOf(world.plain(world.users), expected)).toBeLessThan(2e-3);
          world.region.release();
        }
      }),
      { numRuns: 25, examples: edgeCases },
    );
  });

  it('never raises its loss, sweep after sweep', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, dimensions, async (shape, d) => {
        const options = optionsOf({ dimensions: d, regularisation: 0.05 });
        const world = sides(randomHistories(shape), options, inline);
        const { userItems, itemUsers, users, items, plain } = world;
        const loss = (): number =>
          referenceLoss(
            userItems,
            itemUsers,
            { users: plain(users), items: plain(items) },
            options,
          );
        let before = loss();
        for (let k = 0; k < 6; k++) {
          const [side, other] = k % 2 === 0 ? [users, items] : [items, users];
          await sweep(inline, side, other, options, { seed: 1 });
          const after = loss();
          expect(after).toBeLessThanOrEqual(before + 1e-5 * Math.max(1, Math.abs(before)));
          before = after;
        }
        world.region.release();
      }),
      { numRuns: 15, examples: edgeCases },
    );
  });

  it('folds a trained user in to the vector that training gave', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, dimensions, async (shape, d) => {
        const histories = { ...randomHistories(shape), weights: null };
        const options = optionsOf({ dimensions: d, regularisation: 0.05, halfLife: 100 });
        const how = { engine: inline, endsWithUsers: true };
        const trained = await trainImplicitAls(histories, options, { seed: 3 }, how);
        const model = new ImplicitAls(trained);
        for (let user = 0; user < histories.userCount; user++) {
          const own = trained.users.subarray(user * d, (user + 1) * d);
          const folded = model.vectorOf(historyOf(histories, user));
          expect(differenceOf(folded, own)).toBeLessThan(1e-3);
        }
      }),
      { numRuns: 15, examples: edgeCases },
    );
  });

  it('gives the same bits for any number of threads, and others for another seed', async () => {
    const histories = randomHistories({ userCount: 300, itemCount: 200, events: 5000, seed: 5 });
    const options = optionsOf({ dimensions: 18 });
    const one = await fitImplicitAls(histories, options, { seed: 1 }, inline);
    const two = await fitImplicitAls(histories, options, { seed: 1 }, pool);
    const other = await fitImplicitAls(histories, options, { seed: 2 }, pool);
    expect(two.serialise()).toEqual(one.serialise());
    expect(other.factors).not.toEqual(one.factors);
  });

  it('gives memory back', async () => {
    const before = inline.memory.usedBytes;
    const histories = randomHistories({ userCount: 30, itemCount: 20, events: 500, seed: 6 });
    await fitImplicitAls(histories, optionsOf({ dimensions: 8 }), { seed: 1 }, inline);
    expect(inline.memory.usedBytes).toBe(before);
  });
});

const world = randomHistories({ userCount: 60, itemCount: 50, events: 1500, seed: 7 });
const model = await fitImplicitAls(world, optionsOf({ dimensions: 10 }), { seed: 1 });
const scoresOf = (some: Parameters<ImplicitAls['score']>[0], of = model): Float64Array => {
  const scores = new Float64Array(of.itemCount);
  of.score(some, scores);
  return scores;
};

describe('an implicit least squares model', () => {
  it('explains a score as the sum over what was liked', () => {
    for (let user = 0; user < 10; user++) {
      const history = historyOf(world, user);
      const scores = scoresOf(history);
      for (let item = 0; item < 50; item += 7) {
        const sum = model.explain(history, item).reduce((total, part) => total + part, 0);
        expect(sum).toBeCloseTo(scores[item]!, 4);
      }
    }
  });

  it('lets a dislike lower the score of what was disliked, and says by how much', () => {
    const liked = { items: Uint32Array.of(1, 2, 3), weights: null, times: null };
    const disliked = {
      items: Uint32Array.of(1, 2, 3, 4),
      weights: Float32Array.of(1, 1, 1, -5),
      times: null,
    };
    const difference = scoresOf(disliked)[4]! - scoresOf(liked)[4]!;
    expect(Math.abs(scoresOf(disliked)[4]!)).toBeLessThan(Math.abs(scoresOf(liked)[4]!));
    expect(model.explain(disliked, 4)[3]).toBe(0);
    // Without the event its weight leaves the regularisation, too.
    expect(model.effectOf(disliked, 3, 4)).toBeCloseTo(difference, 5);
  });

  it('comes back from its bytes with the same scores', () => {
    const again = readImplicitAls(model.serialise());
    expect(scoresOf(historyOf(world, 3), again)).toEqual(scoresOf(historyOf(world, 3)));
    expect(again.sizeBytes).toBe(50 * 10 * 4);
  });

  it('scores nothing for nobody, and leaves out items that it does not know', () => {
    const nobody = { items: new Uint32Array(0), weights: null, times: null };
    expect(scoresOf(nobody).every((score) => score === 0)).toBe(true);
    const known = { items: Uint32Array.of(5), weights: null, times: null };
    const newer = { items: Uint32Array.of(5, 5000), weights: null, times: null };
    expect(scoresOf(newer)).toEqual(scoresOf(known));
  });

  it('takes a hundred thousand events of one person', () => {
    const items = Uint32Array.from({ length: 100_000 }, (_, k) => k % 50);
    const scores = scoresOf({ items, weights: null, times: null });
    expect(scores.every(Number.isFinite)).toBe(true);
  });

  it('weighs by the time since the person’s own newest event', () => {
    const later = (by: number) => ({
      items: Uint32Array.of(1, 2),
      weights: null,
      times: Float64Array.of(by, by + 10),
    });
    const decaying = new ImplicitAls({ ...model, options: { ...model.options, halfLife: 10 } });
    expect(scoresOf(later(1000), decaying)).toEqual(scoresOf(later(0), decaying));
    expect(scoresOf(later(0), decaying)).not.toEqual(scoresOf(later(0)));
  });
});

describe('a fold-in', () => {
  const events = { items: Uint32Array.of(0, 3, 3, 7), weights: [1, 0.5, -0.7, 2] };

  it('factors once for as many targets as it is asked for, and says what each event gives to them', () => {
    const foldIn = new FoldIn(inline, model);
    const towards = new Float32Array(model.options.dimensions);
    const targets = [1, 4, 5].map((item) => foldIn.factorsOf(item));
    foldIn.factor(events);
    const factored = targets.map((target) => [...foldIn.productsFor(target)]);
    for (const [index, target] of targets.entries()) {
      foldIn.solveFor(events, target, towards);
      for (let k = 0; k < events.items.length; k++) {
        const own = foldIn.factorsOf(events.items[k]!);
        const product = own.reduce((sum, value, at) => sum + value * towards[at]!, 0);
        expect(factored[index]![k]).toBeCloseTo(product, 5);
      }
    }
    foldIn.release();
  });

  it('is the same made piece by piece, and gives memory back when it is given up', async () => {
    const engine = inlineEngine();
    const many = 5_000;
    const d = model.options.dimensions;
    const random = seededRandom(4);
    const items = {
      itemCount: many,
      factors: Float32Array.from({ length: many * d }, () => random.normal()),
      options: model.options,
    };
    const [whole, pieced] = [
      new FoldIn(engine, items),
      await inTurns(FoldIn.inPieces(engine, items)),
    ];
    const vectors = [whole, pieced].map((foldIn) => {
      const vector = new Float32Array(d);
      foldIn.solve(events, vector);
      return [...vector];
    });
    expect(vectors[0]).toEqual(vectors[1]);
    whole.release();
    pieced.release();
    const stop = new AbortController();
    setImmediate(() => stop.abort(new Error('enough')));
    await expect(inTurns(FoldIn.inPieces(engine, items), stop.signal)).rejects.toThrow('enough');
    expect(engine.memory.usedBytes).toBe(0);
  });
});

describe('implicit least squares on nonsense', () => {
  const refusal = async (work: () => Promise<unknown>): Promise<unknown> =>
    work().then(
      () => 'no refusal',
      (error: unknown) => error,
    );

  it('refuses options that mean nothing', async () => {
    for (const some of [
      { dimensions: 0 },
      { dimensions: 2.5 },
      { regularisation: 0 },
      { unobservedWeight: Number.NaN },
      { halfLife: -1 },
      { epochs: 0 },
    ]) {
      const error = await refusal(() => fitImplicitAls(world, optionsOf(some), { seed: 1 }));
      expect(isAlgorithmError(error, 'bad_option')).toBe(true);
    }
  });

  it('refuses weights that are no numbers, or too large for its factors', async () => {
    for (const weight of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const weights = Float32Array.from(world.weights!).fill(weight, 0, 1);
      const error = await refusal(() =>
        fitImplicitAls({ ...world, weights }, optionsOf({}), { seed: 1 }),
      );
      expect(isAlgorithmError(error, 'bad_data')).toBe(true);
    }
    const huge = { ...world, weights: Float32Array.from(world.weights!).fill(3e38) };
    const error = await refusal(() =>
      fitImplicitAls(huge, optionsOf({ dimensions: 4 }), { seed: 1 }),
    );
    expect(isAlgorithmError(error)).toBe(true);
  });

  it('fits nothing to nothing', async () => {
    const nothing = historiesOf([], { userCount: 0, itemCount: 0 });
    const empty = await fitImplicitAls(nothing, optionsOf({ dimensions: 4 }), { seed: 1 });
    expect(scoresOf({ items: new Uint32Array(0), weights: null, times: null }, empty)).toHaveLength(
      0,
    );
    const unseen = historiesOf([], { userCount: 2, itemCount: 3 });
    const silent = await fitImplicitAls(unseen, optionsOf({ dimensions: 4 }), { seed: 1 });
    expect([...scoresOf(historyOf(unseen, 0), silent)]).toEqual([0, 0, 0]);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const fitting = fitImplicitAls(world, optionsOf({}), { seed: 1, signal: stop.signal }, pool);
    await expect(fitting).rejects.toThrow('stopped');
  });
});
