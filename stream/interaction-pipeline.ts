/**
 * What an interaction does, in one place: clock → dedupe → checks → lateness → history and sessions
 * → signals for items. The operators are in `operators/`; here is their order, and the counters
 * that say what became of every record.
 */
import type { FreshetError } from '../schemas/errors.ts';
import { FreshetError as Failure } from '../schemas/errors.ts';
import { hash32 } from '../schemas/hash.ts';
import { subjectOfUser } from '../schemas/ids.ts';
import type { FeedbackKind, KindTable } from '../schemas/kinds.ts';
import type {
  DeadLetterRecord,
  ForgetRecord,
  InteractionRecord,
  NamedRecord,
} from '../schemas/records.ts';
import { DEDUPE_PREFIX } from '../schemas/state/dedupe-chunk.ts';
import { PARTITION_KEY } from '../schemas/state/item-state.ts';
import {
  decodeUserPartition,
  emptyUserPartition,
  encodePartitionState,
  type UserPartitionState,
} from '../schemas/state/partition-state.ts';
import { subjectKey } from '../schemas/state/subject-state.ts';
import type { LogRecord } from '../storage/event-log/event-log.ts';
import type { StateChange } from '../storage/state-store/state-store.ts';
import { EntityCache, type Slot } from './entity-cache.ts';
import { interactionProblem } from './interaction-checks.ts';
import { DedupeOperator, type DedupeVerdict } from './operators/dedupe.ts';
import { HistoryOperator } from './operators/history.ts';
import { clockAfter, latenessOf, settledTime } from './operators/partition-clock.ts';
import { SequenceMarks } from './operators/sequence-marks.ts';
import { sessionsAfter } from './operators/sessions.ts';
import { SubjectCell } from './operators/subject-cell.ts';
import type { StreamOptions } from './options.ts';
import {
  deadLetterOf,
  type Pipeline,
  type SourceRecord,
  type StateAccess,
  scanAll,
  sourceRecordOf,
} from './pipeline.ts';
import type { StreamSeams } from './seams.ts';
import { type Envelope, SignalBatch, type SourceInputs } from './signal-batch.ts';
import type { VectorView } from './vectors/vector-view.ts';

interface InteractionSource extends SourceRecord {
  /** Of the subject that it is about. */
  readonly key: string | null;
  slot: Slot<SubjectCell> | undefined;
}

export interface InteractionPipelineOptions extends SourceInputs {
  readonly kinds: KindTable;
  readonly options: StreamOptions;
  readonly seams?: StreamSeams;
  /** Keeps people's vectors beside their state; without it there are none. */
  readonly vectors?: VectorView;
}

/** The partition's own value, and the marks of imports. */
const RESIDENT_BYTES = 4_096;
const RESIDENT_KEYS = 8;
/** A vector of 192 numbers, with its key and the name of its release. */
const VECTOR_BYTES = 1_280;

export class InteractionPipeline implements Pipeline<InteractionSource> {
  readonly #given: InteractionPipelineOptions;
  readonly #subjects: EntityCache<SubjectCell>;
  readonly #history: HistoryOperator;
  readonly #signals: SignalBatch;
  #dedupe: DedupeOperator;
  #sequences = new SequenceMarks();
  #partition: UserPartitionState = emptyUserPartition();
  #deadLetters: DeadLetterRecord[] = [];
  #isChanged = false;

  constructor(given: InteractionPipelineOptions) {
    this.#given = given;
    const { kinds, options } = given;
    this.#history = new HistoryOperator(kinds, options.history);
    this.#signals = new SignalBatch(given);
    this.#dedupe = new DedupeOperator(options.dedupe);
    this.#subjects = new EntityCache(
      {
        decode: SubjectCell.fromBytes,
        encode: (cell) => cell.encode(),
        bytesMaxOf: (cell) => cell.bytesMax,
      },
      options.runner.cachedSubjectsMax,
    );
  }

  async open(access: StateAccess): Promise<void> {
    this.#subjects.clear();
    this.#deadLetters = [];
    this.#isChanged = false;
    const [stored] = await access.store.getMany(access.partition, [PARTITION_KEY]);
    this.#partition = stored === undefined ? emptyUserPartition() : decodeUserPartition(stored);
    this.#dedupe = new DedupeOperator(this.#given.options.dedupe);
    this.#dedupe.shrunkChunks = this.#partition.counters.dedupeShrunk;
    await scanAll(access, DEDUPE_PREFIX, (key, value) => this.#dedupe.load(key, value));
    this.#sequences = new SequenceMarks();
    await scanAll(access, SequenceMarks.prefix, (key, value) => this.#sequences.load(key, value));
  }

  get partition(): UserPartitionState {
    return this.#partition;
  }

  get dedupeIds(): number {
    return this.#dedupe.idCount;
  }

  prepare(log: LogRecord): InteractionSource {
    const { named, problem } = sourceRecordOf(log);
    return { log, named, problem, key: keyOf(named), slot: undefined };
  }

  prefetch(record: InteractionSource, missing: Set<string>): void {
    if (record.key === null) return;
    record.slot = this.#subjects.find(record.key);
    if (record.slot === undefined) missing.add(record.key);
  }

  keyCountOf({ key, slot }: InteractionSource): number {
    return key === null || slot?.isChanged === true ? 0 : this.#keysPerSubject;
  }

  load(key: string, value: Uint8Array | undefined): void {
    this.#subjects.load(key, value);
  }

  take(record: InteractionSource): void {
    this.#isChanged = true;
    this.#partition.counters.received++;
    const { named, problem } = record;
    if (named?.name === 'Interaction') this.#takeInteraction(record, named.record);
    else if (named?.name === 'Forget') this.#takeForget(record, named.record);
    else if (isNothingLeft(record.log)) this.#passErased();
    else this.#setAside(record, problem ?? unexpected(named?.name ?? 'a tombstone'));
    this.#dedupe.expire(this.#partition.clock);
  }

  #takeInteraction(source: InteractionSource, record: InteractionRecord): void {
    const { counters } = this.#partition;
    const isBackfill = record.backfill !== null;
    this.#partition.clock = clockAfter(this.#partition.clock, record.receivedAt, isBackfill);
    const { offset } = source.log;
    const numbered = this.#sequences.judge(record);
    const kind = this.#given.kinds.get(record.kind);
    const problem = interactionProblem(record, kind, this.#given.kinds);
    // An unusable event leaves no id behind: it may come again once its kind is known.
    if (problem !== undefined && numbered !== 'duplicate') {
      this.#setAside(source, problem);
      return;
    }
    const verdict = this.#verdictOn(record, source, numbered);
    if (verdict === 'duplicate') {
      counters.duplicate++;
      this.#dedupe.reject(offset, record.receivedAt);
    } else if (verdict === 'conflict') {
      this.#setAside(source, conflict(record));
    } else {
      this.#takeNew(source, record, kind!);
    }
  }

  #verdictOn(
    record: InteractionRecord,
    { key, log }: InteractionSource,
    numbered: DedupeVerdict | undefined,
  ): DedupeVerdict {
    const verdict = numbered ?? this.#dedupe.judge(record, key!, log.offset);
    return this.#given.seams?.ignoreDuplicates === true ? 'new' : verdict;
  }

  #takeNew(source: InteractionSource, record: InteractionRecord, kind: FeedbackKind): void {
    const { offset } = source.log;
    const { counters, clock } = this.#partition;
    const { history: options } = this.#given.options;
    const isBackfill = record.backfill !== null;
    const occurredAt = settledTime(record.occurredAt, record.receivedAt, options);
    const lateness = latenessOf(occurredAt, clock, isBackfill, options);
    if (lateness.forCounts) {
      counters.accepted++;
      counters.tooLate++;
      return;
    }
    const slot = source.slot ?? this.#subjects.slotOf(source.key!);
    const cell = slot.entity ?? new SubjectCell();
    this.#signals.begin(offset, subjectHashOf(source.key!), clock);
    if (kind.polarity === 'none') {
      if (!this.#takeUndo(cell, record, occurredAt)) {
        counters.refused++;
        this.#dedupe.reject(offset, record.receivedAt);
        return;
      }
    } else {
      const { eventId, itemId, value } = record;
      this.#history.takeIn(cell, { eventId, itemId, kind, value, occurredAt }, this.#signals);
      if (lateness.forSessions) counters.tooLateForSessions++;
      else cell.sessions = sessionsAfter(cell.sessions, occurredAt, options);
    }
    cell.lastOffset = offset;
    counters.accepted++;
    if (isBackfill) counters.backfilled++;
    this.#subjects.set(slot, cell);
  }

  /** False when the event to take back lies beyond the history. */
  #takeUndo(
    cell: SubjectCell,
    record: InteractionRecord,
    occurredAt: InteractionRecord['occurredAt'],
  ): boolean {
    const undoes = record.context!.undoes!;
    const outcome = this.#history.undo(cell, undoes, occurredAt, this.#signals);
    if (outcome === 'too-old') return false;
    if (outcome === 'undone') this.#partition.counters.undone++;
    else this.#partition.counters.undoPending++;
    return true;
  }

  #takeForget({ log, key, slot: found }: InteractionSource, record: ForgetRecord): void {
    const { counters } = this.#partition;
    this.#partition.clock = clockAfter(this.#partition.clock, record.receivedAt, false);
    const slot = found ?? this.#subjects.slotOf(key!);
    if (slot.entity !== undefined) {
      this.#signals.begin(log.offset, subjectHashOf(key!), this.#partition.clock);
      this.#history.forget(slot.entity, this.#signals);
      this.#subjects.set(slot, undefined);
    }
    counters.accepted++;
    counters.forgotten++;
  }

  /** It says nothing, and what it once did was taken back long ago. */
  #passErased(): void {
    const { counters } = this.#partition;
    counters.accepted++;
    counters.erased = (counters.erased ?? 0) + 1;
  }

  #setAside({ log, named }: SourceRecord, problem: FreshetError): void {
    this.#partition.counters.deadLettered++;
    const receivedAt =
      named?.name === 'Interaction' ? named.record.receivedAt : this.#partition.clock;
    this.#dedupe.reject(log.offset, receivedAt);
    const { topic, partition } = this.#given.source;
    this.#deadLetters.push(deadLetterOf(topic, partition, log, problem));
  }

  /** With the vector. */
  get #keysPerSubject(): number {
    return this.#given.vectors === undefined ? 1 : 2;
  }

  get pendingKeys(): number {
    return (
      this.#keysPerSubject * this.#subjects.changedCount + this.#dedupe.dirtyCount + RESIDENT_KEYS
    );
  }

  get pendingBytes(): number {
    const vectorBytes =
      this.#given.vectors === undefined ? 0 : this.#subjects.changedCount * VECTOR_BYTES;
    return this.#subjects.changedBytes + vectorBytes + this.#dedupe.dirtyBytesMax + RESIDENT_BYTES;
  }

  envelopes(): readonly Envelope[] {
    return this.#signals.take();
  }

  deadLetters(): readonly DeadLetterRecord[] {
    const letters = this.#deadLetters;
    this.#deadLetters = [];
    return letters;
  }

  changes(): readonly StateChange[] {
    if (!this.#isChanged) return [];
    this.#isChanged = false;
    this.#partition.counters.dedupeShrunk = this.#dedupe.shrunkChunks;
    const subjects = this.#subjects.changes();
    return [
      ...subjects,
      ...(this.#given.vectors?.changesFor(subjects) ?? []),
      ...this.#dedupe.changes(),
      ...this.#sequences.changes(),
      { key: PARTITION_KEY, value: encodePartitionState(this.#partition) },
    ];
  }

  applied(): void {
    this.#subjects.trim();
  }
}

/** The key of the subject that a record is about; null where it is about none. */
const keyOf = (named: NamedRecord | null): string | null => {
  if (named?.name === 'Forget') return subjectKey(subjectOfUser(named.record.userId));
  if (named?.name !== 'Interaction') return null;
  const { userId, sessionId } = named.record;
  return userId === null ? `subject:s:${sessionId}` : `subject:u:${userId}`;
};

const subjectHashOf = (key: string): number => hash32(key) | 0;

/** Its person was forgotten here, or where the record was copied from. */
const isNothingLeft = ({ isErased, key, value }: LogRecord): boolean =>
  isErased === true || (key === null && value === null);

const unexpected = (what: string): FreshetError =>
  new Failure('bad_record', { problem: `${what} where an interaction belongs` });

const conflict = ({ eventId }: InteractionRecord): FreshetError =>
  new Failure('id_conflict', { eventId });
