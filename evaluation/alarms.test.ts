import { describe, expect, it } from 'vitest';
import type { EpochMs } from '../schemas/ids.ts';
import { type AlarmFacts, Alarms, distanceOf, overlapOf } from './alarms.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const calm = (at: number, more: Partial<AlarmFacts> = {}): AlarmFacts => ({
  now: at as EpochMs,
  overlap: 0.8,
  drift: 0.2,
  releaseMadeAt: (at - HOUR) as EpochMs,
  ...more,
});

describe('the alarm of lists that fall apart', () => {
  it('is on once they have been apart for fifteen minutes', () => {
    const alarms = new Alarms();
    expect(alarms.see(calm(NOW, { overlap: 0.39 }))).toEqual([]);
    expect(alarms.see(calm(NOW + 14 * MINUTE, { overlap: 0.3 }))).toEqual([]);
    expect(alarms.see(calm(NOW + 15 * MINUTE, { overlap: 0.2 }))).toEqual([
      expect.stringContaining('20 %'),
    ]);
  });

  it('is off where they come together in between, and where there is nothing to compare', () => {
    const alarms = new Alarms();
    alarms.see(calm(NOW, { overlap: 0.3 }));
    alarms.see(calm(NOW + 8 * MINUTE, { overlap: 0.41 }));
    expect(alarms.see(calm(NOW + 16 * MINUTE, { overlap: 0.3 }))).toEqual([]);
    alarms.see(calm(NOW + 17 * MINUTE, { overlap: undefined }));
    expect(alarms.see(calm(NOW + 40 * MINUTE, { overlap: 0.3 }))).toEqual([]);
  });
});

describe('the alarm of what people choose', () => {
  it('is on far from the last seven days, and off near them', () => {
    expect(new Alarms().see(calm(NOW, { drift: 0.7 }))).toHaveLength(1);
    expect(new Alarms().see(calm(NOW, { drift: 0.59 }))).toEqual([]);
    expect(new Alarms().see(calm(NOW, { drift: undefined }))).toEqual([]);
  });
});

describe('the alarm of an old release', () => {
  it('is on after thirty hours and not before', () => {
    const madeAgo = (hours: number) =>
      calm(NOW, { releaseMadeAt: (NOW - hours * HOUR) as EpochMs });
    expect(new Alarms().see(madeAgo(31))).toEqual([expect.stringContaining('31 hours')]);
    expect(new Alarms().see(madeAgo(30))).toEqual([]);
    expect(new Alarms().see(calm(NOW, { releaseMadeAt: undefined }))).toEqual([]);
  });
});

describe('distances', () => {
  it('of counts are 0 for the same shares and 1 for nothing in common', () => {
    const counts = new Map([
      ['a', 2],
      ['b', 6],
    ]);
    const doubled = new Map([
      ['a', 4],
      ['b', 12],
    ]);
    expect(distanceOf(counts, doubled)).toBeCloseTo(0, 12);
    expect(distanceOf(counts, new Map([['c', 1]]))).toBeCloseTo(1, 12);
    expect(distanceOf(counts, new Map())).toBe(1);
    expect(distanceOf(new Map(), new Map())).toBe(0);
    const near = distanceOf(
      counts,
      new Map([
        ['a', 3],
        ['b', 5],
      ]),
    );
    expect(near).toBeGreaterThan(0);
    expect(near).toBeLessThan(0.2);
  });

  it('of lists are the share that they have in common', () => {
    expect(overlapOf([1, 2, 3, 4], [3, 4, 5, 6])).toBe(0.5);
    expect(overlapOf([1, 2], [2])).toBe(1);
    expect(overlapOf([], [2])).toBe(0);
  });
});
