import { describe, expect, it } from 'vitest';
import { AppendLine } from './append-line.ts';

/** So many records that joined together and took so long, one group after the other. */
const lineAfter = (groups: readonly (readonly [records: number, tookMs: number])[]) => {
  const line = new AppendLine();
  let nowMs = 0;
  line.begins(nowMs);
  for (const [records, tookMs] of groups) {
    line.joined(records);
    line.moves(records);
    nowMs += tookMs;
    line.moved(nowMs);
  }
  return { line, nowMs };
};

describe('the wait in a line', () => {
  it('is not foretold before anything has moved', () => {
    const { line } = lineAfter([]);
    line.joined(100_000);
    expect(line.waitMs(60_000)).toBe(0);
  });

  it('is that of what stands before, at the speed of late', () => {
    const { line, nowMs } = lineAfter(Array.from({ length: 20 }, () => [1_000, 200] as const));
    line.joined(3_000);
    expect(line.waitMs(nowMs)).toBeCloseTo(600);
    line.moves(1_000);
    line.joined(500);
    expect(line.waitMs(nowMs + 150)).toBeCloseTo(500 + 50);
    // It should have been there by now: nobody is told a wait below that of those who wait.
    expect(line.waitMs(nowMs + 900)).toBeCloseTo(500);
    line.left(2_500);
    expect(line.waitMs(nowMs + 900)).toBe(0);
  });

  it('counts the time of small groups as much as that of large ones', () => {
    // What a quick group gained, the stream took back in the pause after it.
    const { line, nowMs } = lineAfter([
      [10_000, 100],
      [100, 900],
    ]);
    line.joined(10_000);
    expect(line.waitMs(nowMs)).toBeGreaterThan(1_000);
  });

  it('is none where the line moves often, whatever it would come to', () => {
    const { line, nowMs } = lineAfter(Array.from({ length: 20 }, () => [1, 5] as const));
    line.joined(1_000);
    expect(line.waitMs(nowMs + 90)).toBe(0);
    expect(line.waitMs(nowMs + 110)).toBeGreaterThan(4_000);
  });

  it('follows what has changed within seconds', () => {
    const slow = Array.from({ length: 50 }, () => [100, 100] as const);
    const quick = Array.from({ length: 60 }, () => [1_000, 100] as const);
    const { line, nowMs } = lineAfter([...slow, ...quick]);
    line.joined(1_000);
    expect(line.waitMs(nowMs)).toBeGreaterThan(99);
    expect(line.waitMs(nowMs)).toBeLessThan(160);
  });
});
