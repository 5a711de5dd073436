/** A share of the simulation's seeds; `npm run simulate-faults` runs five hundred. */
import { describe, expect, it } from 'vitest';
import { simulate } from './run.ts';

const SEEDS = 100;
const SEEDS_AT_ONCE = 10;

describe('a deployment whose every completion a seed decides', () => {
  for (let first = 1; first <= SEEDS; first += SEEDS_AT_ONCE) {
    const last = first + SEEDS_AT_ONCE - 1;
    it(`loses nothing and doubles nothing, seeds ${first} to ${last}`, async () => {
      for (let seed = first; seed <= last; seed += 1) {
        const { problems } = await simulate({ seed });
        const replay = `replay it with: npm run simulate-faults -- --seed ${seed} --trace`;
        expect(problems, replay).toEqual([]);
      }
    });
  }
});
