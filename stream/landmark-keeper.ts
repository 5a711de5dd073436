/**
 * Keeps the landmark of all counters fresh: writes a `rebase` record into the control log when there
 * is none, and again when the last one is a day old. The record is what moves the counters; this only
 * decides when to write it, so it may read the clock where operators may not.
 *
 * It runs where the control log is written. Its first record must be in the log before the stream
 * starts: the stream reads the control log before the first event.
 */
import { decodeRecord, encodeRecord } from '../schemas/avro/record-codec.ts';
import type { Clock, Logger } from '../schemas/environment.ts';
import type { DurationMs, EpochMs } from '../schemas/ids.ts';
import { CONTROL_LOG } from '../schemas/topics.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { partitionSlices } from '../storage/event-log/partition-slices.ts';
import { landmarkOf, REBASE, rebaseRecord } from './rebase.ts';

const HOUR_MS = 3_600_000 as DurationMs;
const RENEW_AFTER_MS = 24 * HOUR_MS;
const { topic: CONTROL, partition: PARTITION } = CONTROL_LOG;
const KEY = new TextEncoder().encode(REBASE);

export interface LandmarkKeeper {
  stop(): Promise<void>;
}

/** Resolves once the log holds a landmark that is less than a day old. */
export const keepLandmark = async (deps: {
  readonly eventLog: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<LandmarkKeeper> => {
  const { eventLog, clock, logger } = deps;
  let newest = await newestLandmark(eventLog);
  const renew = async (): Promise<void> => {
    const now = clock.now();
    if (newest !== undefined && now - newest < RENEW_AFTER_MS) return;
    const value = encodeRecord('Control', rebaseRecord(now, now));
    await eventLog.append(CONTROL, PARTITION, [{ key: KEY, value, timestamp: now }]);
    newest = now;
  };
  await renew();
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await clock.sleep(HOUR_MS, stop.signal).catch(() => undefined);
      if (stop.signal.aborted) return;
      await renew().catch((error) => logger.warn('the landmark could not be moved', { error }));
    }
  };
  const running = run();
  return {
    stop: async () => {
      stop.abort();
      await running;
    },
  };
};

const newestLandmark = async (eventLog: EventLog): Promise<EpochMs | undefined> => {
  let newest: EpochMs | undefined;
  for await (const slice of partitionSlices(eventLog, CONTROL, PARTITION)) {
    for (const { value } of slice) newest = landmarkIn(value) ?? newest;
  }
  return newest;
};

const landmarkIn = (value: Uint8Array | null): EpochMs | undefined => {
  if (value === null) return undefined;
  try {
    const { name, record } = decodeRecord(value);
    return name === 'Control' && record.kind === REBASE ? landmarkOf(record) : undefined;
  } catch {
    // Unreadable control records are the stream's to set aside.
    return undefined;
  }
};
