import { afterAll, describe, expect, it } from 'vitest';
import { historiesOf, historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { KernelPool } from '../kernels/kernel-pool.ts';
import {
  CausalModel,
  type CausalOptions,
  type Checkpoint,
  DEFAULT_CAUSAL_OPTIONS,
  fitCausal,
} from './causal-model.ts';
import { bucketOf, calendarBounds } from './sequence-windows.ts';

const SMALL: CausalOptions = {
  ...DEFAULT_CAUSAL_OPTIONS,
  width: 16,
  length: 8,
  windowsPerStep: 16,
  positions: 16 * 8 * 40,
  rate: 0.01,
};

/** Everybody walks around a ring of ten items, each from another place. */
const ring = historiesOfRows(
  Array.from({ length: 30 }, (_, user) => Array.from({ length: 12 }, (_, k) => (user + k) % 10)),
  10,
);

const scoresOf = (model: CausalModel, items: number[]): Float64Array => {
  const scores = new Float64Array(model.itemCount);
  model.score(historyOfItems(items), scores);
  return scores;
};

const best = (scores: Float64Array): number => scores.indexOf(Math.max(...scores));

const pool = new KernelPool(2);
afterAll(() => pool.close());

describe('the causal sequence model', () => {
  it('learns what follows what', async () => {
    const model = await fitCausal(ring, SMALL, { seed: 1 });
    for (let item = 0; item < 10; item++) {
      expect(best(scoresOf(model, [(item + 9) % 10, item]))).toBe((item + 1) % 10);
    }
  });

  it('learns the same from a sampled softmax, with the same bits on one thread and on two', async () => {
    const options = { ...SMALL, sampledItems: 4 };
    const model = await fitCausal(ring, options, { seed: 1 });
    const shared = await fitCausal(ring, options, { seed: 1 }, { engine: pool });
    expect(shared.serialise()).toEqual(model.serialise());
    for (let item = 0; item < 10; item++) {
      expect(best(scoresOf(model, [(item + 9) % 10, item]))).toBe((item + 1) % 10);
    }
  });

  it('has the same bits on one thread and on two, and after stopping half way', async () => {
    const checkpoints: Checkpoint[] = [];
    const onCheckpoint = (checkpoint: Checkpoint): number => checkpoints.push(checkpoint);
    const fitting = { onCheckpoint, checkpointEvery: 20 };
    const whole = await fitCausal(ring, SMALL, { seed: 3 }, fitting);
    const shared = await fitCausal(ring, SMALL, { seed: 3 }, { engine: pool });
    const resumed = await fitCausal(ring, SMALL, { seed: 3 }, { from: checkpoints[0]! });
    expect(checkpoints.map(({ stepsDone }) => stepsDone)).toEqual([20, 40]);
    // A guess among ten items costs log 10 a target.
    expect(checkpoints[0]!.loss).toBeLessThan(Math.log(10));
    expect(checkpoints[1]!.loss).toBeLessThan(checkpoints[0]!.loss);
    expect(shared.serialise()).toEqual(whole.serialise());
    expect(resumed.serialise()).toEqual(whole.serialise());
  });

  it('comes back from its bytes, and scores candidates as it scores all', async () => {
    const model = await fitCausal(ring, { ...SMALL, positions: 500 }, { seed: 1 });
    const again = CausalModel.read(model.serialise());
    const all = scoresOf(model, [1, 2, 3]);
    expect(scoresOf(again, [1, 2, 3])).toEqual(all);
    const some = new Float64Array(2);
    again.scoreCandidates(historyOfItems([1, 2, 3]), [7, 4], some);
    expect([...some]).toEqual([all[7], all[4]]);
    expect(again.sizeBytes).toBe(model.sizeBytes);
  });

  it('knows the season where times are known', async () => {
    const events = Array.from({ length: 400 }, (_, k) => ({
      user: k >> 2,
      item: k < 200 ? k % 2 : 2 + (k % 2),
      time: k,
    }));
    const histories = historiesOf(events, { userCount: 100, itemCount: 4 });
    const model = await fitCausal(histories, { ...SMALL, buckets: 4 }, { seed: 1 });
    const scores = new Float64Array(4);
    model.score({ items: Uint32Array.of(0), weights: null, times: Float64Array.of(10) }, scores);
    expect(best(scores)).toBe(1);
  });

  it('is refused at the step that diverges, and never returned', async () => {
    const shares: number[] = [];
    const onProgress = (share: number): number => shares.push(share);
    const wild = fitCausal(ring, { ...SMALL, rate: 1e30 }, { seed: 1, onProgress });
    await expect(wild).rejects.toThrow(/Expected option rate to be .* converges/);
    expect(shares.length).toBeLessThan(5);
    const last = fitCausal(ring, { ...SMALL, rate: 1e39, positions: 1 }, { seed: 1 });
    await expect(last).rejects.toThrow(/converges/);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const onProgress = (): void => stop.abort(new Error('enough'));
    const context = { seed: 1, signal: stop.signal, onProgress };
    await expect(fitCausal(ring, SMALL, context)).rejects.toThrow('enough');
  });
});

describe('the causal sequence model with poor data', () => {
  const brief = { ...SMALL, positions: 256 };

  it('scores every item with a number', async () => {
    const long = Array.from({ length: 100_000 }, (_, k) => (k * k) % 11);
    const sets = [
      historiesOfRows([], 3),
      historiesOfRows([[0]], 1),
      historiesOfRows([[0, 0, 0]], 1),
      historiesOfRows([[1], [], [2]], 3),
      historiesOfRows([long], 11),
    ];
    for (const histories of sets) {
      await fitCausal(histories, { ...brief, sampledItems: 3 }, { seed: 1 });
      const model = await fitCausal(histories, brief, { seed: 1 });
      for (const items of [[], [0], [...histories.items.subarray(0, 40)]]) {
        expect(scoresOf(model, items).every(Number.isFinite)).toBe(true);
      }
    }
    const model = await fitCausal(historiesOfRows([], 0), brief, { seed: 1 });
    expect(scoresOf(model, [])).toHaveLength(0);
  });

  it('reads the newest events of a history that is longer than its window', async () => {
    const model = await fitCausal(ring, brief, { seed: 1 });
    const long = Array.from({ length: 100_000 }, (_, k) => k % 10);
    expect(scoresOf(model, long)).toEqual(scoresOf(model, long.slice(-SMALL.length)));
  });

  it('refuses odd options with a sentence', async () => {
    const odd: Partial<CausalOptions>[] = [
      { width: Number.NaN },
      { width: 18 },
      { length: 6 },
      { heads: 0 },
      { dropout: Number.NaN },
      { dropout: 1 },
      { rate: 0 },
      { positions: Number.NaN },
      { sampledItems: -1 },
      { decay: -1 },
    ];
    for (const options of odd) {
      const fit = fitCausal(ring, { ...SMALL, ...options }, { seed: 1 });
      await expect(fit).rejects.toThrow(/^Expected option/);
    }
  });
});

describe('calendar buckets', () => {
  it('hold about equally many events', () => {
    const times = Float64Array.from({ length: 1_000 }, (_, k) => k ** 2);
    const bounds = calendarBounds(times, 8);
    const counts = new Array<number>(8).fill(0);
    for (const time of times) counts[bucketOf(bounds, time)]! += 1;
    expect(counts).toEqual(new Array(8).fill(125));
  });

  it('are fewer where times repeat, and none without times', () => {
    expect(calendarBounds(new Float64Array(50), 8)).toHaveLength(1);
    expect(calendarBounds(null, 8)).toHaveLength(0);
  });
});
