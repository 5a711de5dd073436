/** Ready while records are merely on their way, and not once lists are old: by time, not by count. */
import { describe, expect, it } from 'vitest';
import { NO_OFFSET, type Offset, partitionIndex, statePartition } from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type PartitionStatus, statusOf } from '../stream/stream-status.ts';
import { FIXTURE_NOW, ManualClock } from '../test/serving/serving-fixture.ts';
import { watchStreamDelay } from './stream-delay.ts';

interface Standing {
  readonly covered: number;
  readonly end: number;
  /** Of the newest record taken in; null for a partition without a clock. */
  readonly clock: number | null;
}

const streamOf = (...partitions: readonly Standing[]) =>
  statusOf(
    partitions.map(
      ({ covered, end, clock }, index): PartitionStatus => ({
        partition: statePartition(TOPICS.interactions.name, partitionIndex(index)),
        state: 'running',
        coveredOffset: covered as Offset,
        problem: null,
        applies: 0,
        restarts: 0,
        end: end as Offset,
        lag: end - 1 - covered,
        clock: clock as PartitionStatus['clock'],
        counters: {},
        sizes: {},
      }),
    ),
    [],
  );

const open = () => {
  const clock = new ManualClock();
  return { clock, watch: watchStreamDelay(clock) };
};

describe('how far the stream is behind', () => {
  it('is nothing at 5,000 events a second, of which a second’s worth is always on its way', async () => {
    const { clock, watch } = open();
    for (let second = 1; second <= 60; second++) {
      const end = second * 5_000;
      const stream = streamOf({ covered: end - 5_001, end, clock: clock.now() - 1_000 });
      expect(stream.lag).toBe(5_000);
      expect(watch.look(stream)).toEqual({ problem: undefined, progress: null });
      await clock.advance(1_000);
    }
  });

  it('is told at the first look after a start with much to take in, and how far that has come', () => {
    const { watch } = open();
    const clock = FIXTURE_NOW - 60_000;
    expect(watch.look(streamOf({ covered: 999, end: 101_000, clock }))).toEqual({
      problem: 'catching up: 100000 of 100000 records behind',
      progress: 0,
    });
    expect(watch.look(streamOf({ covered: 75_999, end: 101_000, clock }))).toEqual({
      problem: 'catching up: 25000 of 100000 records behind',
      progress: 0.75,
    });
    const isNear = streamOf({ covered: 100_000, end: 101_000, clock });
    expect(watch.look(isNear)).toEqual({ problem: undefined, progress: null });
  });

  it('is told of a partition that has taken nothing in so far, which has no clock', () => {
    const { watch } = open();
    const stream = streamOf({ covered: NO_OFFSET, end: 2_001, clock: null });
    expect(watch.look(stream).problem).toBe('catching up: 2001 of 2001 records behind');
  });

  it('is nothing when many records come at once after a quiet night and are taken in within the moment', async () => {
    const { clock, watch } = open();
    const few = streamOf({ covered: 99, end: 101, clock: FIXTURE_NOW - 8 * 3_600_000 });
    expect(watch.look(few).problem).toBeUndefined();
    await clock.advance(50);
    const taken = streamOf({ covered: 2_100, end: 5_101, clock: clock.now() });
    expect(watch.look(taken).problem).toBeUndefined();
  });

  it('is told of a single record that nobody takes in for more than ten seconds', async () => {
    const { clock, watch } = open();
    const stuck = { covered: 99, end: 101, clock: FIXTURE_NOW };
    expect(watch.look(streamOf(stuck)).problem).toBeUndefined();
    await clock.advance(10_000);
    expect(watch.look(streamOf({ ...stuck, end: 140 })).problem).toBeUndefined();
    await clock.advance(1);
    expect(watch.look(streamOf({ ...stuck, end: 140 }))).toEqual({
      problem: 'catching up: 40 of 40 records behind',
      progress: 0,
    });
    expect(watch.look(streamOf({ ...stuck, covered: 100, end: 140 })).problem).toBeUndefined();
  });

  it('does not take another record for the one that waited before', async () => {
    const { clock, watch } = open();
    for (let look = 0; look < 10; look++) {
      const stream = streamOf({ covered: look, end: look + 2, clock: FIXTURE_NOW });
      expect(watch.look(stream).problem).toBeUndefined();
      await clock.advance(9_000);
    }
  });

  it('is told of an import that keeps one partition back while another is at its end', async () => {
    const { clock, watch } = open();
    const backfilled = { covered: 9_999, end: 40_000, clock: FIXTURE_NOW - 86_400_000 };
    const live = { covered: 10, end: 11, clock: clock.now() };
    expect(watch.look(streamOf(backfilled, live)).problem).toContain('catching up: 30000');
  });
});
