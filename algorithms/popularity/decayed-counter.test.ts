import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DurationMs, EpochMs } from '../../schemas/ids.ts';
import {
  addShare,
  alignedLandmark,
  counterValue,
  DEFAULT_HALF_LIVES,
  DecayScale,
  halve,
  halvingsBetween,
  unitsOf,
} from './decayed-counter.ts';

const DAY = 86_400_000;
const LANDMARK = 1_700_000_000_000 as EpochMs;
const HALF_LIFE = DEFAULT_HALF_LIVES.trendSlow;

const bigOf = (words: Int32Array): bigint => (BigInt(words[1]!) << 32n) | BigInt(words[0]! >>> 0);

const at = (days: number): EpochMs => (LANDMARK + Math.round(days * DAY)) as EpochMs;

const anyEvent = fc.record({
  weight: fc.double({ min: 0, max: 2, noNaN: true }),
  days: fc.double({ min: -30, max: 60, noNaN: true }),
});

describe('a decayed counter', () => {
  it('counts an event fully at its time and half after a half-life', () => {
    const words = new Int32Array(2);
    addShare(words, 0, new DecayScale(HALF_LIFE).shareOf(1, at(3), LANDMARK));
    expect(counterValue(bigOf(words), at(3), LANDMARK, HALF_LIFE)).toBeCloseTo(1, 6);
    expect(counterValue(bigOf(words), at(10), LANDMARK, HALF_LIFE)).toBeCloseTo(0.5, 6);
  });

  it('equals the plain sum of decayed weights', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 50 }), (events) => {
        const words = new Int32Array(2);
        const scale = new DecayScale(HALF_LIFE);
        let plain = 0;
        for (const { weight, days } of events) {
          addShare(words, 0, scale.shareOf(weight, at(days), LANDMARK));
          plain += weight * 2 ** ((at(days) - at(60)) / HALF_LIFE);
        }
        const got = counterValue(bigOf(words), at(60), LANDMARK, HALF_LIFE);
        expect(Math.abs(got - plain)).toBeLessThan(1e-6 * events.length + 1e-9);
      }),
    );
  });

  it('does not depend on order, and what is removed leaves no trace', () => {
    fc.assert(
      fc.property(fc.array(anyEvent), fc.array(anyEvent), fc.integer(), (kept, removed, salt) => {
        const scale = new DecayScale(HALF_LIFE);
        const share = (event: { weight: number; days: number }): number =>
          scale.shareOf(event.weight, at(event.days), LANDMARK);
        const forwards = new Int32Array(2);
        for (const event of [...kept, ...removed]) addShare(forwards, 0, share(event));
        for (const event of removed) addShare(forwards, 0, -share(event));
        const shuffled = new Int32Array(2);
        const order = kept
          .map((event, index) => ({ event, rank: Math.imul(index + 1, salt | 1) >>> 0 }))
          .sort((left, right) => left.rank - right.rank);
        for (const { event } of order) addShare(shuffled, 0, share(event));
        expect(bigOf(forwards)).toBe(bigOf(shuffled));
      }),
    );
  });

  it('adds as 64-bit integers do', () => {
    const big = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
    fc.assert(
      fc.property(fc.array(big, { maxLength: 100 }), (shares) => {
        const words = new Int32Array(2);
        let sum = 0n;
        for (const share of shares) {
          expect(addShare(words, 0, share)).toBe(true);
          sum += BigInt(share);
          expect(bigOf(words)).toBe(sum);
          expect(unitsOf(words, 0)).toBe(Number(sum));
        }
      }),
    );
  });

  it('moves its landmark in small steps or in one, to the same bits', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(1n << 61n), max: 1n << 61n }),
        fc.nat({ max: 400 * DAY }),
        fc.nat({ max: 400 * DAY }),
        fc.constantFrom(...Object.values(DEFAULT_HALF_LIVES)),
        (units, first, second, halfLife: DurationMs) => {
          const middle = (LANDMARK + first) as EpochMs;
          const end = (middle + second) as EpochMs;
          const stepwise = wordsOf(units);
          halve(stepwise, 0, halvingsBetween(LANDMARK, middle, halfLife));
          halve(stepwise, 0, halvingsBetween(middle, end, halfLife));
          const atOnce = wordsOf(units);
          halve(atOnce, 0, halvingsBetween(LANDMARK, end, halfLife));
          expect(bigOf(stepwise)).toBe(bigOf(atOnce));
        },
      ),
    );
  });

  it('means the same number before and after its landmark moved', () => {
    const words = new Int32Array(2);
    addShare(words, 0, new DecayScale(HALF_LIFE).shareOf(5, at(20), LANDMARK));
    const before = counterValue(bigOf(words), at(30), LANDMARK, HALF_LIFE);
    const moved = at(25);
    halve(words, 0, halvingsBetween(LANDMARK, moved, HALF_LIFE));
    expect(counterValue(bigOf(words), at(30), moved, HALF_LIFE)).toBeCloseTo(before, 5);
    expect(alignedLandmark(moved, HALF_LIFE)).toBeLessThanOrEqual(moved);
  });

  it('says when an event lies beyond its reach, and gives it a finite share', () => {
    const scale = new DecayScale(DEFAULT_HALF_LIVES.trendFast);
    scale.shareOf(1, at(6), LANDMARK);
    expect(scale.wasCut).toBe(false);
    scale.shareOf(1, at(8), LANDMARK);
    expect(scale.wasCut).toBe(true);
    expect(scale.shareOf(1, at(8), LANDMARK)).toBe(scale.shareOf(1, at(4000), LANDMARK));
    expect(scale.shareOf(1, at(-4000), LANDMARK)).toBe(0);
  });

  it('stops at its largest sum in either direction and says so', () => {
    for (const sign of [1, -1]) {
      const words = new Int32Array(2);
      let isWhole = true;
      for (let count = 0; count < 5; count++) isWhole = addShare(words, 0, sign * 2 ** 60);
      expect(isWhole).toBe(false);
      expect(Math.sign(unitsOf(words, 0))).toBe(sign);
      expect(Math.abs(unitsOf(words, 0))).toBeLessThanOrEqual(2 ** 62);
    }
  });
});

const wordsOf = (units: bigint): Int32Array =>
  new Int32Array([Number(BigInt.asIntN(32, units)), Number(BigInt.asIntN(32, units >> 32n))]);
