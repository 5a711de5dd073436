/**
 * The interactions of a partition that count, read from the log again: those that the stream has taken
 * in and nobody took back or asked to forget. The verdicts are the stream's own, made by its operators
 * once more, so what the log holds twice comes once.
 *
 * Undos name what came before them, so the log is read twice: first for what was taken back. An undo that
 * the stream refused, because its event had left the person's history, is honoured here.
 */
import type { EpochMs, Offset, PartitionIndex } from '../schemas/ids.ts';
import type { KindTable } from '../schemas/kinds.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog, LogRecord } from '../storage/event-log/event-log.ts';
import { partitionSlices } from '../storage/event-log/partition-slices.ts';
import { interactionProblem } from './interaction-checks.ts';
import { DedupeOperator } from './operators/dedupe.ts';
import { clockAfter, latenessOf, NO_TIME, settledTime } from './operators/partition-clock.ts';
import { SequenceMarks } from './operators/sequence-marks.ts';
import type { StreamOptions } from './options.ts';
import { sourceRecordOf } from './pipeline.ts';

export interface CountedPartition {
  readonly log: Pick<EventLog, 'read' | 'watermarks'>;
  readonly partition: PartitionIndex;
  /** Before this offset. */
  readonly to: Offset;
  readonly kinds: KindTable;
  readonly options: StreamOptions;
}

interface Taken {
  readonly offset: Offset;
  readonly subject: string;
  /** With the time that the stream goes by. */
  readonly record: InteractionRecord;
}

/**
 * Slice by slice, a slice by time and id as histories have it; one may be empty. So simultaneous events of
 * one person stand in the order in which they count, unless a slice ends between them.
 */
export async function* countedInteractions(
  given: CountedPartition,
): AsyncGenerator<readonly InteractionRecord[]> {
  const withdrawn = await findWithdrawn(given);
  const judge = createJudge(given);
  for await (const slice of slicesOf(given)) {
    yield slice
      .map(judge)
      .filter((taken): taken is Taken => taken !== undefined && !withdrawn.has(taken))
      .filter(({ record }) => !isUndo(record, given.kinds))
      .map(({ record }) => record)
      .sort(inHistoryOrder);
  }
}

const inHistoryOrder = (left: InteractionRecord, right: InteractionRecord): number =>
  left.occurredAt - right.occurredAt || (left.eventId < right.eventId ? -1 : 1);

const slicesOf = ({ log, partition, to }: CountedPartition): AsyncIterable<readonly LogRecord[]> =>
  partitionSlices(log, TOPICS.interactions.name, partition, { to });

/** What the stream makes of each record in turn; undefined where it does not count. */
const createJudge = ({ kinds, options }: CountedPartition) => {
  const dedupe = new DedupeOperator(options.dedupe);
  const sequences = new SequenceMarks();
  let clock: EpochMs = NO_TIME;
  return (log: LogRecord): Taken | undefined => {
    const { named } = sourceRecordOf(log);
    if (named?.name !== 'Interaction') return undefined;
    const { record } = named;
    const isBackfill = record.backfill !== null;
    clock = clockAfter(clock, record.receivedAt, isBackfill);
    const numbered = sequences.judge(record);
    if (interactionProblem(record, kinds.get(record.kind), kinds)) return undefined;
    const subject = record.userId === null ? `s:${record.sessionId}` : `u:${record.userId}`;
    const verdict = numbered ?? dedupe.judge(record, `subject:${subject}`, log.offset);
    dedupe.expire(clock);
    // Nobody stores what they remember here.
    dedupe.changes();
    const occurredAt = settledTime(record.occurredAt, record.receivedAt, options.history);
    if (verdict !== 'new') return undefined;
    if (latenessOf(occurredAt, clock, isBackfill, options.history).forCounts) return undefined;
    return { offset: log.offset, subject, record: { ...record, occurredAt } };
  };
};

const isUndo = ({ kind }: InteractionRecord, kinds: KindTable): boolean =>
  kinds.get(kind)?.polarity === 'none';

/** What was taken back, each undo once, and what people asked to forget. */
class Withdrawn {
  /** By person and event, how many undos name it. */
  readonly #undone = new Map<string, number>();
  /** By person, up to where. */
  readonly #forgotten = new Map<string, Offset>();

  undo({ subject, record }: Taken): void {
    const key = `${subject}\0${record.context?.undoes}`;
    this.#undone.set(key, (this.#undone.get(key) ?? 0) + 1);
  }

  forget(subject: string, offset: Offset): void {
    this.#forgotten.set(subject, offset);
  }

  has({ offset, subject, record }: Taken): boolean {
    if (offset <= (this.#forgotten.get(subject) ?? -1)) return true;
    const key = `${subject}\0${record.eventId}`;
    const left = this.#undone.get(key) ?? 0;
    if (left > 0) this.#undone.set(key, left - 1);
    return left > 0;
  }
}

const findWithdrawn = async (given: CountedPartition): Promise<Withdrawn> => {
  const withdrawn = new Withdrawn();
  const judge = createJudge(given);
  for await (const slice of slicesOf(given)) {
    for (const log of slice) {
      const { named } = sourceRecordOf(log);
      if (named?.name === 'Forget') withdrawn.forget(`u:${named.record.userId}`, log.offset);
      const taken = judge(log);
      if (taken && isUndo(taken.record, given.kinds)) withdrawn.undo(taken);
    }
  }
  return withdrawn;
};
