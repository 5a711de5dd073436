/**
 * What the runner asks of the operators of one input partition. A pipeline is a state machine
 * without IO: the runner reads, prefetches, appends and applies around it.
 */
import { decodeRecord } from '../schemas/avro/record-codec.ts';
import { FreshetError, isFreshetError } from '../schemas/errors.ts';
import type { PartitionIndex, StatePartition } from '../schemas/ids.ts';
import {
  DEAD_LETTER_BYTES_MAX,
  type DeadLetterRecord,
  type NamedRecord,
} from '../schemas/records.ts';
import type {
  ForwarderState,
  ItemPartitionState,
  UserPartitionState,
} from '../schemas/state/partition-state.ts';
import type { LogRecord } from '../storage/event-log/event-log.ts';
import type { StateChange, StateStore } from '../storage/state-store/state-store.ts';
import type { Envelope } from './signal-batch.ts';

/** A record of the log, decoded as its pipeline wants it. */
export interface PreparedRecord {
  readonly log: LogRecord;
}

/** A record of a source topic with what could be made of it. */
export interface SourceRecord extends PreparedRecord {
  /** null for a tombstone, for what could not be read, and for a record of somebody forgotten. */
  readonly named: NamedRecord | null;
  readonly problem: FreshetError | null;
}

export interface StateAccess {
  readonly store: Pick<StateStore, 'getMany' | 'scan'>;
  readonly partition: StatePartition;
}

export interface Pipeline<Prepared extends PreparedRecord = PreparedRecord> {
  /** The partition's own value: clock, counters, marks. */
  readonly partition: UserPartitionState | ItemPartitionState | ForwarderState;
  /** Loads what is kept in memory whole; forgets everything else. */
  open(access: StateAccess): Promise<void>;
  /** Decodes, guarded: what cannot be read is carried on as a problem, never thrown. */
  prepare(log: LogRecord): Prepared;
  /**
   * Finds what `take` will want of this record, and adds the keys that must be loaded first. What
   * it found holds until the next `applied`.
   */
  prefetch(record: Prepared, missing: Set<string>): void;
  load(key: string, value: Uint8Array | undefined): void;
  /** How many keys `take` may add to those that are pending, at most; before `prefetch` all it may change. */
  keyCountOf(record: Prepared): number;
  take(record: Prepared): void;
  /** About what the changes so far come to, rather more than less. */
  readonly pendingKeys: number;
  readonly pendingBytes: number;
  /** What goes to `item-signals`, and what to the dead letters, since the last call. */
  envelopes(): readonly Envelope[];
  deadLetters(): readonly DeadLetterRecord[];
  /**
   * Does a part of what `changes` has to do; true while there is more. Nothing is taken in between. Absent
   * where few change at a time.
   */
  encodeAhead?(): boolean;
  /** The changes since the last call, encoded. */
  changes(): readonly StateChange[];
  /** The last changes are stored. */
  applied(): void;
}

const NO_BYTES = new Uint8Array(0);

export const sourceRecordOf = (log: LogRecord): SourceRecord => {
  if (log.value === null) return { log, named: null, problem: null };
  try {
    return { log, named: decodeRecord(log.value), problem: null };
  } catch (error) {
    return { log, named: null, problem: problemOf(error) };
  }
};

/** Whatever decoding threw, as a problem with a code. */
export const problemOf = (error: unknown): FreshetError =>
  isFreshetError(error)
    ? error
    : new FreshetError('bad_record', { problem: String(error) }, { cause: error });

/** What is written of a record that is set aside. Deterministic: `at` is the record's own stamp. */
export const deadLetterOf = (
  topic: string,
  partition: PartitionIndex,
  log: LogRecord,
  problem: FreshetError,
): DeadLetterRecord => ({
  topic,
  partition,
  offset: log.offset,
  reason: problem.code,
  message: problem.message,
  key: log.key,
  value: (log.value ?? NO_BYTES).slice(0, DEAD_LETTER_BYTES_MAX),
  at: log.timestamp,
});

const SCAN_LIMIT = 1_000;

/** Every value under a prefix, page by page. */
export const scanAll = async (
  { store, partition }: StateAccess,
  prefix: string,
  receive: (key: string, value: Uint8Array) => void,
): Promise<void> => {
  let after: string | undefined;
  for (;;) {
    const page = await store.scan(partition, {
      prefix,
      limit: SCAN_LIMIT,
      ...(after === undefined ? {} : { after }),
    });
    for (const { key, value } of page) receive(key, value);
    if (page.length < SCAN_LIMIT) return;
    after = page.at(-1)!.key;
  }
};
