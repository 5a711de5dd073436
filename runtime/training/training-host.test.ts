/** When the first training may begin: with what there is taken in, under load too. */
import { describe, expect, it } from 'vitest';
import { statusOf } from '../../stream/stream-status.ts';
import { ManualClock } from '../../test/serving/serving-fixture.ts';
import { takenInWatch } from './training-host.ts';

const streamWith = (lag: number) => ({ ...statusOf([], []), isCaughtUp: lag === 0, lag });

describe('what there is, before a first training', () => {
  it('is taken in as soon as nothing waits', () => {
    const isTakenIn = takenInWatch(new ManualClock());
    expect(isTakenIn(streamWith(1))).toBe(false);
    expect(isTakenIn(streamWith(0))).toBe(true);
  });

  it('is taken in where events never cease, once little has waited for half a minute', async () => {
    const clock = new ManualClock();
    const isTakenIn = takenInWatch(clock);
    expect(isTakenIn(streamWith(900))).toBe(false);
    await clock.advance(29_999);
    expect(isTakenIn(streamWith(800))).toBe(false);
    await clock.advance(1);
    expect(isTakenIn(streamWith(700))).toBe(true);
  });

  it('is not while much waits, nor where a partition has stopped', async () => {
    const clock = new ManualClock();
    const isTakenIn = takenInWatch(clock);
    for (const lag of [900, 1_001, 900]) {
      expect(isTakenIn(streamWith(lag))).toBe(false);
      await clock.advance(20_000);
    }
    expect(isTakenIn({ ...streamWith(10), isHealthy: false })).toBe(false);
    await clock.advance(60_000);
    expect(isTakenIn({ ...streamWith(10), isHealthy: false })).toBe(false);
  });
});
