/**
 * Moves what producers outside wrote to `events-in` into the log's own topics: check, stamp, append, await
 * the acknowledgements, and only then move the mark. The mark is the covered offset of a state partition
 * that holds nothing else, so that a process whose partition is another's by now cannot move it.
 *
 * Dying in between, or losing the partition, moves records again: an event has the same id both times and
 * counts once; an impression is known by all that it says, once whoever goes on has looked at those that
 * the log ends with. What cannot be an event goes to the dead letters with its reason, and its neighbours
 * go on.
 */

import type { EventInput } from '../../schemas/api/events.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock, CrashPoint, Logger } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import {
  type DurationMs,
  type Offset,
  offset,
  type PartitionIndex,
  partitionIndex,
  type StatePartition,
  statePartition,
} from '../../schemas/ids.ts';
import { DEAD_LETTER_BYTES_MAX } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { untilAborted } from '../../schemas/until-aborted.ts';
import type { EventLog, LogRecord, TopicInfo } from '../../storage/event-log/event-log.ts';
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import type { StatePosition, StateStore } from '../../storage/state-store/state-store.ts';
import { batchOf } from '../edge/batch.ts';
import type { EventIntake } from '../edge/event-intake.ts';
import type { ImpressionIntake } from '../edge/impression-intake.ts';
import { type OutsideRecord, readOutsideRecord } from './outside-record.ts';
import type { WriterSchemas } from './schema-registry.ts';

export interface OutsideMoverDeps {
  readonly log: EventLog;
  readonly stateStore: Pick<StateStore, 'claim' | 'apply' | 'clear'>;
  readonly events: Pick<EventIntake, 'take'>;
  readonly impressions: Pick<ImpressionIntake, 'take' | 'lookBack'>;
  readonly ownership: PartitionOwnership;
  /** What schemas of others' mean; left out, only ours are known. */
  readonly schemas?: WriterSchemas;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly logger: Logger;
  readonly crashPoint: CrashPoint;
  readonly onFatal: (error: Error) => void;
}

/** Since this process began. What was read and not set aside, the intakes accepted or knew already. */
export interface MoverCounters {
  outsideRead: number;
  outsideDeadLettered: number;
  /** Records that expired before they were moved. */
  outsideLost: number;
}

export interface OutsideMover {
  readonly counters: Readonly<Record<keyof MoverCounters, number>>;
  stop(): Promise<void>;
}

const TOPIC = TOPICS.eventsIn.name;
const LETTERS = TOPICS.deadLetters.name;
const LETTERS_PARTITION = partitionIndex(0);
const SLICE = { recordsMax: 500, bytesMax: 1_048_576 };
/** Errors from here on are not the record's. */
const SERVER_FAULT = 500;
const RETRY_PAUSE_MS = 200 as DurationMs;
const TROUBLE_PAUSE_MS = 2_000 as DurationMs;

/** The units that are shared out among the processes that take events in. */
export const moverUnitsOf = (partitionCount: number): readonly string[] =>
  Array.from({ length: partitionCount }, (_, index) => `${TOPIC}.${index}`);

export const startOutsideMover = (deps: OutsideMoverDeps): OutsideMover => {
  const mover = new Mover(deps);
  const stopping = new AbortController();
  const running = deps.ownership
    .run((units, signal) => mover.work(units, signal), stopping.signal)
    .catch((error: Error) => {
      if (!stopping.signal.aborted) deps.onFatal(error);
    });
  return {
    counters: mover.counters,
    async stop() {
      stopping.abort();
      await running;
    },
  };
};

interface Turn {
  readonly info: TopicInfo;
  readonly partition: PartitionIndex;
  readonly state: StatePartition;
  readonly epoch: number;
  /** Looks once at what may have been moved already by whoever had the partition before. */
  readonly lookBack: () => Promise<unknown>;
}

class Mover {
  readonly counters: MoverCounters = { outsideRead: 0, outsideDeadLettered: 0, outsideLost: 0 };
  readonly #deps: OutsideMoverDeps;

  constructor(deps: OutsideMoverDeps) {
    this.#deps = deps;
  }

  async work(units: readonly string[], signal: AbortSignal): Promise<void> {
    const partitions = units.map((unit) => partitionIndex(Number(unit.slice(TOPIC.length + 1))));
    await Promise.all(partitions.map((partition) => this.#moveAll(partition, signal)));
    await untilAborted(signal);
  }

  async #moveAll(partition: PartitionIndex, signal: AbortSignal): Promise<void> {
    const { logger, clock } = this.#deps;
    while (!signal.aborted) {
      try {
        await this.#moveFromMark(partition, signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('events from outside wait', { partition, error });
        // Whoever has it now moves on; this process will be told.
        if (isFreshetError(error, 'fenced')) return;
        await clock.sleep(TROUBLE_PAUSE_MS, signal).catch(() => undefined);
      }
    }
  }

  async #moveFromMark(partition: PartitionIndex, signal: AbortSignal): Promise<void> {
    const { log, stateStore, impressions } = this.#deps;
    const info = await log.topic(TOPIC);
    const state = statePartition(TOPIC, partition);
    let position = await stateStore.claim(state);
    if (position.logId !== null && position.logId !== info.logId) {
      // Another log: where the former one was read to says nothing about it.
      await stateStore.clear(state);
      position = await stateStore.claim(state);
    }
    let lookingBack: Promise<unknown> | undefined;
    const turn: Turn = {
      info,
      partition,
      state,
      epoch: position.epoch,
      lookBack: () => {
        lookingBack ??= impressions.lookBack();
        return lookingBack;
      },
    };
    let covered = position.coveredOffset;
    const from = await this.#firstOf(turn, position);
    for await (const slice of log.tail(TOPIC, partition, from, { ...SLICE, signal })) {
      await this.#moveSlice(slice, turn, signal);
      if (signal.aborted) return;
      this.#deps.crashPoint('ingest.outside-moved');
      covered = await this.#mark(turn, { covered, last: slice.at(-1)!.offset });
    }
  }

  /** The oldest that there is where retention was faster; what it took is counted and said. */
  async #firstOf({ partition }: Turn, { coveredOffset }: StatePosition): Promise<Offset> {
    const { low } = await this.#deps.log.watermarks(TOPIC, partition);
    const next = offset(coveredOffset + 1);
    if (next >= low) return next;
    // Whoever begins with a topic that has expired records has lost nothing.
    if (coveredOffset >= 0) {
      this.counters.outsideLost += low - next;
      this.#deps.logger.error('events from outside expired before they were moved', {
        partition,
        lost: low - next,
      });
    }
    return low;
  }

  async #moveSlice(slice: readonly LogRecord[], turn: Turn, signal: AbortSignal): Promise<void> {
    // One by one, as what is wrong with a record must not touch its neighbours; they share appends.
    const refusals = await Promise.all(slice.map((record) => this.#moveOne(record, turn, signal)));
    const letters = slice.flatMap((record, index) => {
      const refusal = refusals[index];
      return refusal === undefined ? [] : [{ record, refusal }];
    });
    await this.#patiently(() => this.#setAside(letters, turn), signal);
    this.counters.outsideRead += slice.length;
    this.counters.outsideDeadLettered += letters.length;
  }

  /** Resolves, once what it says is durable, to why it says nothing. */
  async #moveOne(record: LogRecord, turn: Turn, signal: AbortSignal): Promise<Refusal | undefined> {
    try {
      const outside = await this.#patiently(
        () => readOutsideRecord(record, placeOf(turn), this.#deps.schemas),
        signal,
      );
      if (outside.kind === 'impression') await turn.lookBack();
      const { refused } = await this.#patiently(() => this.#take(outside), signal);
      return refused[0];
    } catch (error) {
      if (error instanceof FreshetError && error.spec.status < SERVER_FAULT) return error;
      throw error;
    }
  }

  /** The intake checks the shape of whatever it is given. */
  #take({ kind, value }: OutsideRecord): Promise<{ readonly refused: readonly Refusal[] }> {
    const { events, impressions } = this.#deps;
    if (kind === 'event') return events.take([value as EventInput]);
    return impressions.take(batchOf([value]));
  }

  async #setAside(
    letters: readonly { readonly record: LogRecord; readonly refusal: Refusal }[],
    { partition }: Turn,
  ): Promise<void> {
    if (letters.length === 0) return;
    const at = this.#deps.clock.now();
    const records = letters.map(({ record, refusal }) => ({
      key: null,
      timestamp: at,
      value: encodeRecord('DeadLetter', {
        topic: TOPIC,
        partition,
        offset: record.offset,
        reason: refusal.code,
        message: refusal.message,
        key: record.key,
        value: (record.value ?? new Uint8Array()).subarray(0, DEAD_LETTER_BYTES_MAX),
        at,
      }),
    }));
    await this.#deps.log.append(LETTERS, LETTERS_PARTITION, records);
  }

  async #mark(
    { state, epoch, info }: Turn,
    { covered, last }: { readonly covered: Offset; readonly last: Offset },
  ): Promise<Offset> {
    const result = await this.#deps.stateStore.apply(state, {
      epoch,
      expectedOffset: covered,
      coveredOffset: last,
      logId: info.logId,
      recordHash: 0,
      changes: [],
    });
    if (result.outcome === 'mismatch') {
      throw new FreshetError('fenced', { partition: state, epoch, stored: result.stored.epoch });
    }
    return last;
  }

  /** What can be tried again is, until the partition is given away. */
  async #patiently<Result>(act: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof FreshetError && error.spec.retriable) || signal.aborted) throw error;
        await this.#deps.clock.sleep(RETRY_PAUSE_MS, signal).catch(() => undefined);
      }
    }
  }
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}

const placeOf = ({ info, partition }: Turn) => ({ logId: info.logId, partition });
