import { describe, expect, it } from 'vitest';
import { seededRandom } from '../random/seeded-random.ts';
import { betaBelow } from './beta-distribution.ts';
import {
  DEFAULT_EXPLORATION_OPTIONS,
  estimatedRate,
  explorationSeed,
  explore,
  type NewItem,
  statusOf,
  thompsonShares,
  withExplored,
} from './exploration.ts';

const options = DEFAULT_EXPLORATION_OPTIONS;
const key = (userVersion: number) => ({ user: 'u:ann', userVersion, release: 'r1' });
const fresh = (item: number): NewItem => ({ item, impressions: 0, successes: 0 });

describe('the beta distribution', () => {
  it('agrees with closed forms and with its own draws', () => {
    expect(betaBelow(0.3, 1, 1)).toBeCloseTo(0.3, 10);
    expect(betaBelow(0.3, 3, 1)).toBeCloseTo(0.3 ** 3, 10);
    expect(betaBelow(0.3, 1, 4)).toBeCloseTo(1 - 0.7 ** 4, 10);
    expect(betaBelow(0.5, 40, 40)).toBeCloseTo(0.5, 8);
    const random = seededRandom(4);
    const draws = Array.from({ length: 20_000 }, () => random.beta(2, 9));
    const below = draws.filter((rate) => rate < 0.2).length / draws.length;
    expect(betaBelow(0.2, 2, 9)).toBeCloseTo(below, 1);
    expect([betaBelow(0, 2, 3), betaBelow(1, 2, 3)]).toEqual([0, 1]);
  });
});

describe('exploration', () => {
  const pool = [fresh(100), fresh(101), { item: 102, impressions: 50, successes: 20 }];

  it('draws the same for the same person, version and release, and anew after each event', () => {
    const many = Array.from({ length: 300 }, (_, version) =>
      explore(pool, { length: 10, key: key(version) }, options),
    );
    const again = Array.from({ length: 300 }, (_, version) =>
      explore(pool, { length: 10, key: key(version) }, options),
    );
    expect(again).toEqual(many);
    expect(new Set(many.map((found) => found?.place)).size).toBeGreaterThan(3);
    expect(explorationSeed({ user: 'ab', userVersion: 1, release: 'c' })).not.toBe(
      explorationSeed({ user: 'a', userVersion: 1, release: 'bc' }),
    );
  });

  it('never takes rank 1 or 2 and stays within its share of places', () => {
    let explored = 0;
    const lists = 8_000;
    for (let version = 0; version < lists; version++) {
      const found = explore(pool, { length: 10, key: key(version) }, { ...options, draws: 20 });
      if (!found) continue;
      explored += 1;
      expect(found.place).toBeGreaterThanOrEqual(2);
      expect(found.place).toBeLessThan(10);
    }
    const share = explored / (lists * 10);
    expect(share).toBeGreaterThan(options.slotShare * 0.9);
    expect(share).toBeLessThan(0.05);
  });

  it('tells the probability with which an item stands at its place', () => {
    const lists = 30_000;
    const counts = new Map<string, { seen: number; propensity: number }>();
    for (let version = 0; version < lists; version++) {
      const found = explore(pool, { length: 5, key: key(version) }, { ...options, draws: 20 });
      if (!found) continue;
      const cell = `${found.item}@${found.place}`;
      const entry = counts.get(cell) ?? { seen: 0, propensity: 0 };
      counts.set(cell, { seen: entry.seen + 1, propensity: entry.propensity + found.propensity });
    }
    // Horvitz and Thompson: if propensities are right, weights of 1 ÷ propensity count the lists.
    let total = 0;
    for (let version = 0; version < lists; version++) {
      const found = explore(pool, { length: 5, key: key(version) }, { ...options, draws: 20 });
      if (found) total += 1 / found.propensity / (pool.length * 3);
    }
    expect(total / lists).toBeGreaterThan(0.85);
    expect(total / lists).toBeLessThan(1.15);
    expect(counts.size).toBe(9);
  });

  it('gives every item of the pool at least the floor, and the promising ones more', () => {
    const shares = thompsonShares(pool, options, seededRandom(2));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(options.floor);
    expect(shares[2]).toBe(Math.max(...shares));
  });

  it('does nothing without new items, without places, or at a share of 0', () => {
    for (let version = 0; version < 100; version++) {
      expect(explore([], { length: 10, key: key(version) }, options)).toBeNull();
      expect(explore(pool, { length: 2, key: key(version) }, options)).toBeNull();
      expect(
        explore(pool, { length: 10, key: key(version) }, { ...options, slotShare: 0 }),
      ).toBeNull();
    }
    expect(() =>
      explore(pool, { length: 10, key: key(1) }, { ...options, slotShare: 0.06 }),
    ).toThrow(/slotShare/);
  });

  it('inserts without losing more than the last item', () => {
    const list = [1, 2, 3, 4];
    expect(withExplored(list, { item: 9, place: 2, propensity: 0.1 })).toEqual([1, 2, 9, 3]);
    expect(withExplored(list, { item: 3, place: 3, propensity: 0.1 })).toEqual(list);
    expect(withExplored(list, null)).toEqual(list);
  });
});

describe('a simulated audience', () => {
  /** Shows new items by the rule until `impressions` of `watched` are there or it left the pool. */
  const live = (
    rates: readonly number[],
    watched: number,
    impressionsMax: number,
    seed: number,
  ): NewItem => {
    const random = seededRandom(seed);
    const items = rates.map((_, item) => ({ item, impressions: 0, successes: 0 }));
    for (let version = 0; version < 400_000; version++) {
      const own = items[watched]!;
      if (statusOf(own, options) === 'dropped' || own.impressions >= impressionsMax) return own;
      const found = explore(
        items,
        { length: 10, key: { user: `u:${seed}`, userVersion: version, release: 'r' } },
        { ...options, draws: 40, settledAfter: 10_000, slotShare: 0.05 },
      );
      if (!found) continue;
      const shown = items[found.item]!;
      shown.impressions += 1;
      shown.successes += Number(random.next() < rates[found.item]!);
    }
    return items[watched]!;
  };

  it('brings a good new item to its true rate within 500 impressions', () => {
    for (const seed of [1, 2, 3]) {
      const good = live([0.12, 0.05, 0.02], 0, 500, seed);
      expect(good.impressions).toBe(500);
      expect(Math.abs(estimatedRate(good, options) - 0.12)).toBeLessThan(0.03);
    }
  });

  it('drops a bad one within 200 impressions', () => {
    for (const seed of [1, 2, 3]) {
      const bad = live([0.12, 0.05, 0.005], 2, 200, seed);
      expect(statusOf(bad, options)).toBe('dropped');
      expect(bad.impressions).toBeLessThan(200);
    }
  });

  it('costs at most a hundredth of HR@10', () => {
    const random = seededRandom(11);
    const pool = [fresh(100), fresh(101)];
    let hits = 0;
    let hitsExplored = 0;
    for (let version = 0; version < 20_000; version++) {
      const list = Array.from({ length: 10 }, (_, place) => place);
      // What is taken stands at place r with probability in proportion to 1 ÷ (r + 2), or nowhere.
      const taken = Math.floor(60 ** random.next() * 2 - 2);
      const shown = withExplored(
        list,
        explore(pool, { length: 10, key: key(version) }, { ...options, draws: 5 }),
      );
      hits += Number(list.includes(taken));
      hitsExplored += Number(shown.includes(taken));
    }
    expect(hits).toBeGreaterThan(1000);
    expect(1 - hitsExplored / hits).toBeLessThan(0.01);
  });
});
