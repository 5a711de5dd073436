/** How a running training is told: how far, how fast, how long still. */
import { describe, expect, it } from 'vitest';
import type { EpochMs } from '../schemas/ids.ts';
import { ManualClock } from '../test/serving/serving-fixture.ts';
import { trainingAnswer } from './model-report.ts';
import type { RunningTraining } from './training-desk.ts';

const runningAt = (share: number, { time }: ManualClock): RunningTraining => ({
  runId: 'r',
  kinds: ['als'],
  startedAt: time as EpochMs,
  startedMs: time,
  progress: { stage: 'fitting', model: 'als', share, eventsRead: 10 },
});

describe('a running training', () => {
  it('tells its rate and the time left by what it did so far', async () => {
    const clock = new ManualClock();
    const running = runningAt(0.6, clock);
    await clock.advance(30_000);
    expect(trainingAnswer(running, clock)).toMatchObject({
      stage: 'fitting',
      model: 'als',
      share: 0.6,
      sharePerMinute: expect.closeTo(1.2, 9),
      remainingMs: 20_000,
    });
  });

  it('tells neither before it has done anything', async () => {
    const clock = new ManualClock();
    const running = runningAt(0, clock);
    await clock.advance(5_000);
    expect(trainingAnswer(running, clock)).toMatchObject({
      sharePerMinute: null,
      remainingMs: null,
    });
  });
});
