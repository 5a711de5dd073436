/** The control record that moves the landmark of all counters. */
import type { EpochMs } from '../schemas/ids.ts';
import type { ControlRecord } from '../schemas/records.ts';

export const REBASE = 'rebase';

/**
 * The first one is written before the first event, and one a day after that keeps the fast trend
 * within its reach; without any, item partitions start at the day of their first envelope.
 */
export const rebaseRecord = (landmark: EpochMs, at: EpochMs): ControlRecord => ({
  kind: REBASE,
  subject: 'counters',
  at,
  body: JSON.stringify({ landmark }),
});

/** undefined where the record does not say one. */
export const landmarkOf = ({ body }: ControlRecord): EpochMs | undefined => {
  try {
    const { landmark } = JSON.parse(body) as { landmark?: unknown };
    return Number.isSafeInteger(landmark) && (landmark as number) > 0
      ? (landmark as EpochMs)
      : undefined;
  } catch {
    return undefined;
  }
};
