/** Each protection switched off in turn: some seed of the simulation must notice. */
import { describe, expect, it } from 'vitest';
import { simulate } from './run.ts';
import type { SimulationSeams } from './world.ts';

const SEEDS_MAX = 150;

const TEETH: readonly (readonly [protection: string, seams: SimulationSeams])[] = [
  ['compare-and-set', { state: { ignoreStoredPosition: true } }],
  ['marks', { stream: { ignoreMarks: true } }],
  ['dedupe', { stream: { ignoreDuplicates: true } }],
  ['the wait for the flush', { log: { acknowledgeBeforeFlush: true } }],
  ['append before apply', { stream: { applyBeforeAppend: true } }],
  ['the filter of the sink', { stream: { copyRejected: true } }],
];

describe('the simulation', () => {
  for (const [protection, seams] of TEETH) {
    it(`[tooth] turns red without ${protection}`, async () => {
      expect(await firstRedSeed(seams)).toBeLessThanOrEqual(SEEDS_MAX);
    });
  }

  it('is the same run from the same seed, step by step', async () => {
    const [one, other] = [await simulate({ seed: 77 }), await simulate({ seed: 77 })];
    expect(other).toEqual(one);
  });
});

const firstRedSeed = async (seams: SimulationSeams): Promise<number> => {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const { problems } = await simulate({ seed, seams });
    if (problems.length > 0) return seed;
  }
  return Number.POSITIVE_INFINITY;
};
