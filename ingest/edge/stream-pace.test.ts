import { describe, expect, it } from 'vitest';
import { type DurationMs, type Offset, offset, partitionIndex } from '../../schemas/ids.ts';
import { StreamPace } from './stream-pace.ts';

const P0 = partitionIndex(0);

/** A stream that takes in so many events at each look that the pace takes. */
const paceBehind = (eventsPerLook: number) => {
  const stream = { covered: -1, looks: 0 };
  const clock = {
    timeMs: 0,
    monotonicMs: () => clock.timeMs,
    sleep: async (ms: DurationMs) => {
      clock.timeMs += ms;
      stream.covered += eventsPerLook;
      stream.looks++;
    },
  };
  const covered = () => stream.covered as Offset;
  const pace = new StreamPace({ covered, partitionCount: 1, aheadMax: 100, clock });
  return { stream, clock, pace };
};

describe('the pace of live events', () => {
  it('lets events pass as long as fewer than the limit are ahead of the stream', async () => {
    const { pace, stream } = paceBehind(10);
    pace.appended(P0, { last: offset(98), count: 99 });
    await pace.untilFollowed(P0);
    expect(stream.looks).toBe(0);
  });

  it('holds the next append back until the stream has followed', async () => {
    const { pace, stream } = paceBehind(10);
    pace.appended(P0, { last: offset(79), count: 80 });
    pace.appended(P0, { last: offset(159), count: 80 });
    await pace.untilFollowed(P0);
    expect(stream.looks).toBe(8);
  });

  it('counts live events alone, however far behind an import has put the stream', async () => {
    const { pace, stream } = paceBehind(10);
    pace.appended(P0, { last: offset(1_000_050), count: 50 });
    await pace.untilFollowed(P0);
    expect(stream.looks).toBe(0);
  });

  it('holds nobody back while the stream stands still', async () => {
    const { pace, clock } = paceBehind(0);
    pace.appended(P0, { last: offset(499), count: 500 });
    await pace.untilFollowed(P0);
    expect(clock.timeMs).toBe(5_000);
    pace.appended(P0, { last: offset(999), count: 500 });
    await pace.untilFollowed(P0);
    expect(clock.timeMs).toBe(5_000);
  });

  it('remembers a bounded number of appends, and counts all of them', async () => {
    const { pace, stream } = paceBehind(1_000);
    for (let at = 0; at < 5_000; at++) pace.appended(P0, { last: offset(at), count: 1 });
    await pace.untilFollowed(P0);
    expect(stream.looks).toBe(5);
  });
});
