/**
 * What is written into the control log about releases: which one is in use (the newest promotion), and
 * how trainings ended. The topic is compacted, so a promotion replaces the one before, and the runs
 * share a fixed number of keys.
 */
import { encodeRecord } from '../schemas/avro/record-codec.ts';
import type { EpochMs, Offset } from '../schemas/ids.ts';
import type { ControlRecord } from '../schemas/records.ts';
import {
  PROMOTION,
  type Promotion,
  TRAINING_RUN,
  type TrainingRunRecord,
} from '../schemas/release.ts';
import { CONTROL_LOG } from '../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../storage/event-log/event-log.ts';

/** How many trainings are remembered. */
export const RUNS_KEPT = 20;

/** Appended together, or not at all; resolves to the offset of the last. */
export const appendControlRecords = async (
  log: EventLog,
  at: EpochMs,
  bodies: {
    readonly promotion?: Promotion;
    readonly run?: TrainingRunRecord;
  },
): Promise<Offset> => {
  const records: AppendRecord[] = [];
  if (bodies.run) {
    const key = `${TRAINING_RUN}:${bodies.run.number % RUNS_KEPT}`;
    records.push(recordOf(at, { key, kind: TRAINING_RUN, subject: bodies.run.runId }, bodies.run));
  }
  if (bodies.promotion) {
    const subject = bodies.promotion.version ?? '';
    records.push(recordOf(at, { key: PROMOTION, kind: PROMOTION, subject }, bodies.promotion));
  }
  return (await log.append(CONTROL_LOG.topic, CONTROL_LOG.partition, records)).lastOffset;
};

const recordOf = (
  at: EpochMs,
  given: { readonly key: string; readonly kind: string; readonly subject: string },
  body: unknown,
): AppendRecord => ({
  key: new TextEncoder().encode(given.key),
  value: encodeRecord('Control', {
    kind: given.kind,
    subject: given.subject,
    at,
    body: JSON.stringify(body),
  }),
  timestamp: at,
});

/** Written by `recordOf`: its shape is the one that was given. */
export const bodyOf = <Body>({ body }: ControlRecord): Body => JSON.parse(body) as Body;
