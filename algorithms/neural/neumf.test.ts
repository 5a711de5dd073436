import { describe, expect, it } from 'vitest';
import { historiesOfRows } from '../histories/histories.ts';
import { DEFAULT_NEUMF_OPTIONS, fitNeuMf, type NeuMfOptions } from './neumf.ts';

const SMALL: NeuMfOptions = {
  ...DEFAULT_NEUMF_OPTIONS,
  width: 8,
  epochs: 60,
  batch: 64,
  rate: 0.02,
};

/** Two circles of people with five films each, everybody lacking one of their circle's. */
const circles = historiesOfRows(
  Array.from({ length: 20 }, (_, user) =>
    [0, 1, 2, 3, 4].filter((k) => k !== (user >> 1) % 5).map((k) => (user % 2) * 5 + k),
  ),
  10,
);

describe('NeuMF', () => {
  it('prefers what the like-minded took, with the same bits for the same seed', async () => {
    const model = await fitNeuMf(circles, SMALL, { seed: 2 });
    const again = await fitNeuMf(circles, SMALL, { seed: 2 });
    const scores = new Float64Array(10);
    const scoresAgain = new Float64Array(10);
    for (let user = 0; user < 20; user++) {
      model.scoreUser(user, scores);
      again.scoreUser(user, scoresAgain);
      expect(scoresAgain).toEqual(scores);
      const lacking = (user % 2) * 5 + ((user >> 1) % 5);
      const others = scores.subarray((1 - (user % 2)) * 5, (1 - (user % 2)) * 5 + 5);
      expect(scores[lacking]).toBeGreaterThan(Math.max(...others));
    }
  });

  it('scores with numbers where data are poor', async () => {
    for (const histories of [
      historiesOfRows([], 2),
      historiesOfRows([[0]], 1),
      historiesOfRows([[], [0, 1, 0]], 2),
    ]) {
      const model = await fitNeuMf(histories, { ...SMALL, epochs: 1 }, { seed: 1 });
      const scores = new Float64Array(histories.itemCount);
      model.scoreUser(0, scores);
      expect(scores.every(Number.isFinite)).toBe(true);
    }
  });

  it('is refused where training diverges', async () => {
    const wild = fitNeuMf(circles, { ...SMALL, rate: 1e30 }, { seed: 1 });
    await expect(wild).rejects.toThrow(/Expected option rate to be .* converges/);
  });

  it('refuses odd options with a sentence', async () => {
    const odd = [{ width: 6 }, { epochs: Number.NaN }, { rate: Number.NaN }, { negatives: -1 }];
    for (const options of odd) {
      const fit = fitNeuMf(circles, { ...SMALL, ...options }, { seed: 1 });
      await expect(fit).rejects.toThrow(/^Expected option/);
    }
  });
});
