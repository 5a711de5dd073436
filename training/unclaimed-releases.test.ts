import { describe, expect, it } from 'vitest';
import type { EpochMs } from '../schemas/ids.ts';
import type { Promotion, TrainingRunRecord } from '../schemas/release.ts';
import { versionOf } from './release-writing.ts';
import { unclaimedAmong } from './unclaimed-releases.ts';

const DAY_MS = 86_400_000;
const at = (day: number): EpochMs => (Date.UTC(2026, 0, 1) + day * DAY_MS) as EpochMs;

/** Of the day and the run. */
const release = (day: number, runId: string) => ({
  version: versionOf(at(day), runId),
  createdAt: at(day),
});

const run = (number: number, runId: string, found: Partial<TrainingRunRecord> = {}) => ({
  number,
  runId,
  outcome: 'failed' as const,
  version: null,
  reasons: [],
  remarks: [],
  holdOut: null,
  seconds: 1,
  startedAt: at(number),
  ...found,
});

const promoted = (number: number, runId: string) =>
  run(number, runId, { outcome: 'promoted', version: versionOf(at(number), runId) });

const promotionOf = (version: string, formerVersion: string | null = null): Promotion => ({
  version,
  formerVersion,
  by: 'person',
});

const unclaimed = (
  releases: readonly ReturnType<typeof release>[],
  runs: readonly TrainingRunRecord[],
  promotion?: Promotion,
): readonly string[] => unclaimedAmong(releases, { promotion, runs, publishedBefore: at(50) });

describe('releases that nobody claims', () => {
  const lost = release(3, 'lost');

  it('are those of runs that ended otherwise than by a promotion', () => {
    const passed = release(2, 'passed');
    const runs = [run(3, 'lost', { outcome: 'cancelled' }), promoted(2, 'passed'), run(0, 'first')];
    expect(unclaimed([lost, passed], runs)).toEqual([lost.version]);
  });

  it('are those of runs of which nothing is on record, where it would be', () => {
    expect(unclaimed([lost], [])).toEqual([lost.version]);
    expect(unclaimed([lost], [promoted(4, 'passed'), run(0, 'first')])).toEqual([lost.version]);
  });

  it('are not those of before the oldest run on record', () => {
    expect(unclaimed([lost], [promoted(9, 'passed'), run(4, 'oldest')])).toEqual([]);
    expect(unclaimed([release(4, 'lost')], [run(4, 'oldest')])).toHaveLength(1);
  });

  it('are not those that may be put on record yet', () => {
    expect(unclaimed([release(50, 'new'), release(51, 'newer')], [])).toEqual([
      release(50, 'new').version,
    ]);
  });

  it('are never the one in use, nor the one before it, nor what no run made', () => {
    const byHand = { version: '20260104T000000Z-by-hand', createdAt: at(3) };
    const former = release(1, 'former');
    expect(unclaimed([lost, former], [], promotionOf(lost.version, former.version))).toEqual([]);
    expect(unclaimed([byHand], [])).toEqual([]);
  });
});
