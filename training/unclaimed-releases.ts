/**
 * Releases that a training published and nobody put to use, since its process, or the one that waited for
 * it, was ended before the outcome was on record. They are whole, and of no use: a list of releases would
 * offer them as if they had passed.
 *
 * A release says by its name which run made it, and the control log how that run ended. A run that is not
 * on record may be about to be, in another process; so such a release is left for a while. And the log
 * keeps the newest runs alone: what is older than the oldest of them has nobody who could tell.
 */
import type { EpochMs } from '../schemas/ids.ts';
import type { Promotion, TrainingRunRecord } from '../schemas/release.ts';
import type { ReleaseManifest } from '../storage/artifact-store/artifact-store.ts';
import { runIdOf } from './release-writing.ts';

export interface KnownOutcomes {
  readonly promotion: Promotion | undefined;
  /** Newest first. */
  readonly runs: readonly TrainingRunRecord[];
  /** What was published later may yet be put on record. */
  readonly publishedBefore: EpochMs;
}

/** Their versions. */
export const unclaimedAmong = (
  releases: readonly Pick<ReleaseManifest, 'version' | 'createdAt'>[],
  { promotion, runs, publishedBefore }: KnownOutcomes,
): readonly string[] => {
  const claimed = new Set([
    promotion?.version,
    promotion?.formerVersion,
    ...runs.map((run) => run.version),
  ]);
  const recorded = new Set(runs.map(({ runId }) => runId));
  const since = recordedSince(runs);
  return releases
    .filter(({ version, createdAt }) => {
      const runId = runIdOf(version);
      if (runId === undefined || claimed.has(version)) return false;
      return recorded.has(runId) || (createdAt >= since && createdAt <= publishedBefore);
    })
    .map(({ version }) => version);
};

/** From when on each run that ended is among those on record. */
const recordedSince = (runs: readonly TrainingRunRecord[]): number => {
  const oldest = runs.at(-1);
  const isTheFirst = oldest === undefined || oldest.number === 0;
  return isTheFirst ? Number.NEGATIVE_INFINITY : oldest.startedAt;
};
