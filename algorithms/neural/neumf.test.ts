import { describe, expect, it } from 'vitest';
import { historiesOf, historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { decodeModel, encodeModel } from '../model/model-bytes.ts';
import { DEFAULT_NEUMF_OPTIONS, fitNeuMf, NeuMf, type NeuMfOptions } from './neumf.ts';

const SMALL: NeuMfOptions = {
  ...DEFAULT_NEUMF_OPTIONS,
  width: 8,
  epochs: 20,
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

  it('learns a newcomer’s taste from their history, the same each time, and obeys dislikes', async () => {
    const model = await fitNeuMf(circles, SMALL, { seed: 2 });
    const [scores, again] = [new Float64Array(10), new Float64Array(10)];
    for (const first of [0, 5]) {
      const history = historyOfItems([first, first + 2, first + 4]);
      model.score(history, scores);
      model.score(history, again);
      expect(again).toEqual(scores);
      const meanOf = (from: number): number =>
        scores.subarray(from, from + 5).reduce((sum, score) => sum + score / 5, 0);
      expect(meanOf(first)).toBeGreaterThan(meanOf(5 - first));
      // Dislikes alone say nothing of what is liked.
      model.score({ ...history, weights: new Float32Array(3).fill(-1) }, scores);
      model.score(historyOfItems([]), again);
      expect(scores).toEqual(again);
    }
  });

  it('comes back from its bytes, and scores candidates as it scores all', async () => {
    const model = await fitNeuMf(circles, { ...SMALL, epochs: 2 }, { seed: 1 });
    const read = NeuMf.read(model.serialise());
    const [scores, again] = [new Float64Array(10), new Float64Array(10)];
    model.scoreUser(7, scores);
    read.scoreUser(7, again);
    expect(again).toEqual(scores);
    model.score(historyOfItems([1, 2]), scores);
    read.score(historyOfItems([1, 2]), again);
    expect(again).toEqual(scores);
    const some = new Float64Array(2);
    read.scoreCandidates(historyOfItems([1, 2]), [7, 4], some);
    expect([...some]).toEqual([scores[7], scores[4]]);
    expect(read.sizeBytes).toBe(model.sizeBytes);
    const wider = encodeModel({
      ...decodeModel(model.serialise(), 'neumf/1'),
      facts: { itemCount: 10, options: { ...SMALL, width: 16 }, seed: 1 },
    });
    expect(() => NeuMf.read(wider)).toThrow(/Expected .* parameters in a stored model/);
  });

  it('scores with numbers where data are poor, also histories of strange items', async () => {
    for (const histories of [
      historiesOfRows([], 0),
      historiesOfRows([], 2),
      historiesOfRows([[0]], 1),
      historiesOfRows([[], [0, 1, 0]], 2),
      historiesOf([{ user: 0, item: 0, weight: -1 }], { userCount: 1, itemCount: 2 }),
      historiesOfRows([Array.from({ length: 100_000 }, (_, k) => (k * k) % 11)], 11),
    ]) {
      const model = await fitNeuMf(histories, { ...SMALL, epochs: 1 }, { seed: 1 });
      const scores = new Float64Array(histories.itemCount);
      for (let user = 0; user < histories.userCount; user++) {
        model.scoreUser(user, scores.fill(Number.NaN));
        expect(scores.every(Number.isFinite)).toBe(true);
      }
      for (const items of [[], [0], [0, 99], histories.items]) {
        model.score(historyOfItems(items), scores.fill(Number.NaN));
        expect(scores.every(Number.isFinite)).toBe(true);
      }
      expect(() => model.scoreUser(histories.userCount, scores)).toThrow(/Expected a person to be/);
    }
  });

  it('is refused where training diverges', async () => {
    const wild = fitNeuMf(circles, { ...SMALL, rate: 1e30 }, { seed: 1 });
    await expect(wild).rejects.toThrow(/Expected option rate to be .* converges/);
  });

  it('refuses odd options with a sentence', async () => {
    const odd = [
      { width: 6 },
      { epochs: Number.NaN },
      { rate: Number.NaN },
      { negatives: -1 },
      { foldInSteps: 0.5 },
    ];
    for (const options of odd) {
      const fit = fitNeuMf(circles, { ...SMALL, ...options }, { seed: 1 });
      await expect(fit).rejects.toThrow(/^Expected option/);
    }
  });
});
