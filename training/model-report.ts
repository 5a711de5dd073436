/** Releases, trainings and how they ended, as the API tells them. */
import type { ModelsAnswer, ReleaseAnswer, TrainingAnswer } from '../schemas/api/models.ts';
import { formatTime } from '../schemas/api/time.ts';
import type { Clock } from '../schemas/environment.ts';
import type { EpochMs } from '../schemas/ids.ts';
import type { ModelFacts, ReleaseFacts, TrainingRunRecord } from '../schemas/release.ts';
import type { StoredManifest } from '../storage/artifact-store/artifact-store.ts';
import type { DeskStatus, RunningTraining } from './training-desk.ts';

const MINUTE_MS = 60_000;

export const modelsAnswer = (
  { promotion, running, runs, whyOff }: DeskStatus,
  releases: readonly StoredManifest[],
  { clock, nextAt }: { readonly clock: Clock; readonly nextAt: EpochMs | undefined },
): ModelsAnswer => ({
  inUse: promotion?.version
    ? {
        version: promotion.version,
        formerVersion: promotion.formerVersion,
        promotedAt: formatTime(promotion.at),
        by: promotion.by,
      }
    : null,
  releases: releases.map((manifest) => releaseAnswer(manifest, promotion?.version ?? null)),
  training: running ? trainingAnswer(running, clock) : null,
  runs: runs.map(runAnswer),
  nextAt: nextAt === undefined ? null : formatTime(nextAt),
  whyOff: whyOff ?? null,
});

const releaseAnswer = (manifest: StoredManifest, inUse: string | null): ReleaseAnswer => {
  const { models, history, holdOut } = manifest.facts as unknown as ReleaseFacts;
  return {
    version: manifest.version,
    createdAt: formatTime(manifest.createdAt),
    isInUse: manifest.version === inUse,
    sizeBytes: manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    models: Object.fromEntries(
      Object.entries(models).map(([kind, facts]) => [kind, modelAnswer(facts)]),
    ),
    history,
    holdOut,
  };
};

const modelAnswer = ({ trainedIn, trainedAt, seconds }: ModelFacts) => ({
  trainedIn,
  trainedAt: formatTime(trainedAt),
  seconds,
});

export const trainingAnswer = (
  { runId, kinds, startedAt, startedMs, progress }: RunningTraining,
  clock: Clock,
): TrainingAnswer => {
  const elapsedMs = clock.monotonicMs() - startedMs;
  const { share } = progress;
  const isUnderWay = share > 0 && elapsedMs > 0;
  return {
    runId,
    kinds,
    startedAt: formatTime(startedAt),
    ...progress,
    sharePerMinute: isUnderWay ? (share / elapsedMs) * MINUTE_MS : null,
    remainingMs: isUnderWay ? Math.round((elapsedMs / share) * (1 - share)) : null,
  };
};

const runAnswer = (run: TrainingRunRecord): ModelsAnswer['runs'][number] => ({
  runId: run.runId,
  startedAt: formatTime(run.startedAt),
  seconds: run.seconds,
  outcome: run.outcome,
  version: run.version,
  reasons: run.reasons,
  remarks: run.remarks,
  holdOut: run.holdOut,
});
