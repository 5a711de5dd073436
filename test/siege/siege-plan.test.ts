import { describe, expect, it } from 'vitest';
import { seededRandom } from '../faults/seeded-random.ts';
import { planSiege, type ServerKind, type SiegeSize } from './siege-plan.ts';

const SIZE: SiegeSize = {
  events: 10_000,
  kills: 6,
  serverKills: 9,
  stops: 1,
  points: false,
  sleepers: 1,
  emptied: 1,
  slots: 2,
  seats: 5,
  frontSeats: [0, 1],
  streamSeats: [2, 3],
  partitions: 3,
};
const SEEDS = Array.from({ length: 30 }, (_, at) => at + 1);

const planOf = (seed: number, size: SiegeSize = SIZE) => planSiege(seededRandom(seed), size);

describe('the blows of a siege', () => {
  it('hit each of three servers of a kind as often as the others, whatever the seed', () => {
    for (const seed of SEEDS) {
      const hit = (kind: ServerKind) =>
        planOf(seed)
          .flatMap((blow) => (blow.what === 'server' && blow.server === kind ? [blow.which] : []))
          .sort();
      expect([hit('kafka'), hit('redis')], `seed ${seed}`).toEqual([
        [0, 1, 2],
        [0, 1, 2],
      ]);
    }
  });

  it('fall in the order of events, and each victim is back before the next blow', () => {
    for (const seed of SEEDS) {
      const plan = planOf(seed);
      for (const [at, { afterEvents, awayEvents }] of plan.entries()) {
        const next = plan[at + 1]?.afterEvents ?? SIZE.events;
        expect(afterEvents + awayEvents, `seed ${seed}`).toBeLessThanOrEqual(next);
      }
    }
  });

  it('are the same ones from the same seed', () => {
    expect(planOf(5)).toEqual(planOf(5));
    expect(planOf(5)).not.toEqual(planOf(6));
  });
});
