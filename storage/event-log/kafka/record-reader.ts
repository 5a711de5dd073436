/**
 * Reads partitions by offset. Where to read on is the reader's own knowledge: there is no consumer group,
 * nothing is committed, and an offset that the log does not have is an error, while the client's own
 * consumer jumps to the end in silence (L7). Whoever waits at the end does so at the broker, in a request
 * of its own that comes back after a moment with or without records. So a reader cannot stop unnoticed:
 * an answer that does not come is a failure, the connection is opened anew, and it is said in the log.
 */
import type { Clock, Logger } from '../../../schemas/environment.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { type EpochMs, type Offset, offset } from '../../../schemas/ids.ts';
import type { LogRecord, ReadLimits, Watermarks } from '../event-log.ts';
import { fetchCall } from './fetch-call.ts';
import { FetchedRests } from './fetched-rests.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import {
  failureOf,
  failureOfCode,
  KafkaFailure,
  logError,
  OFFSET_OUT_OF_RANGE,
} from './kafka-errors.ts';
import { type Persistence, persist } from './persistence.ts';
import { FetchedRecords } from './record-batch.ts';
import type { Place } from './topic-place.ts';

export interface RecordReaderParts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly logger: Logger;
  /** For what is answered at once. */
  readonly cluster: KafkaCluster;
  /** For those who wait: each one has its own, as a waiting request holds up what comes after it. */
  readonly openCluster: () => KafkaCluster;
  readonly readMsMax: number;
  /** How long a request waits at the broker for the first record. */
  readonly waitMsMax: number;
  readonly closing: AbortSignal;
}

const CONSUMER = -1;
const COMMITTED_ONLY = 1;
const EARLIEST = '-2';
const LATEST = '-1';
const FETCH_BYTES_MAX = 4 * 1_048_576;
/** After so many attempts in a row, pauses between them, it is no hiccup any more: about three seconds. */
const NOTICED_FAILURES = 8;

export class RecordReader {
  readonly #parts: RecordReaderParts;
  readonly #idle: KafkaCluster[] = [];
  readonly #waiting = new Set<Promise<unknown>>();
  readonly #rests: FetchedRests;

  constructor(parts: RecordReaderParts) {
    this.#parts = parts;
    this.#rests = new FetchedRests(parts.clock);
  }

  async read(place: Place, from: Offset, limits: ReadLimits): Promise<readonly LogRecord[]> {
    const bytesMax = Math.min(limits.bytesMax, FETCH_BYTES_MAX);
    let next = from;
    const rest = this.#rests.take(place, from);
    for (let fetched = rest; ; fetched = undefined) {
      fetched ??= await this.#ask(() => this.#fetchOrEnd(place, { from: next, bytesMax }));
      const records = fetched.take(limits);
      if (records.length > 0) {
        // Who wants one record looks something up, and does not read on.
        if (limits.recordsMax > 1) this.#rests.keep(place, fetched);
        return records;
      }
      if (fetched.next === next && fetched !== rest) return records;
      next = fetched.next;
    }
  }

  async *tail(
    place: Place,
    from: Offset,
    { signal, ...limits }: ReadLimits & { readonly signal: AbortSignal },
  ): AsyncIterable<readonly LogRecord[]> {
    const ending = AbortSignal.any([signal, this.#parts.closing]);
    const cluster = this.#idle.pop() ?? this.#parts.openCluster();
    const persistence = this.#endlessly(place, ending);
    let asked: Promise<FetchedRecords> | undefined;
    try {
      for (let fetched: FetchedRecords | undefined; !ending.aborted; ) {
        const records = fetched?.take(limits) ?? [];
        if (records.length > 0) {
          yield records;
          continue;
        }
        const request = {
          from: fetched?.next ?? from,
          bytesMax: Math.min(limits.bytesMax, FETCH_BYTES_MAX),
          waitMsMax: this.#parts.waitMsMax,
        };
        asked = this.#ask(() => this.#fetchOnce(cluster, place, request), persistence);
        fetched = await unlessAborted(asked, ending);
        if (fetched) persistence.worked();
      }
    } finally {
      this.#giveBack(cluster, asked);
    }
    if (!signal.aborted) throw new FreshetError('log_closed');
  }

  watermarks(place: Place): Promise<Watermarks> {
    return this.#ask(async () => {
      const [low, end] = await Promise.all([
        this.#offsetAt(place, EARLIEST),
        this.#offsetAt(place, LATEST),
      ]);
      return { low: offset(low), end: offset(end) };
    });
  }

  /** The first offset whose record is not older, or undefined when all are. */
  async offsetSince(place: Place, since: EpochMs): Promise<Offset | undefined> {
    const found = await this.#ask(() => this.#offsetAt(place, `${since}`));
    return found < 0 ? undefined : offset(found);
  }

  /** Ends the connections of those who waited, after `closing` was aborted. */
  async close(): Promise<void> {
    this.#rests.clear();
    await Promise.allSettled(this.#waiting);
    await Promise.all(this.#idle.splice(0).map((cluster) => cluster.close()));
  }

  /** Asks until it is answered or time is up; what fails then is an error of the port. */
  async #ask<Result>(
    ask: () => Promise<Result>,
    persistence = this.#persistence(this.#parts.readMsMax),
  ): Promise<Result> {
    try {
      return await persist(ask, persistence);
    } catch (error) {
      throw logError(failureOf(error));
    }
  }

  /** Nothing only where the log ends: a broker that has just begun to lead answers with nothing, too. */
  async #fetchOrEnd(
    place: Place,
    { from, bytesMax }: { from: Offset; bytesMax: number },
  ): Promise<FetchedRecords> {
    const request = { from, bytesMax, waitMsMax: 0 };
    const fetched = await this.#fetchOnce(this.#parts.cluster, place, request);
    if (!fetched.isEmpty || from >= (await this.#offsetAt(place, LATEST))) return fetched;
    throw new KafkaFailure('records that the leader does not show yet', {
      remedy: 'wait',
      mayHaveAppended: false,
    });
  }

  async #fetchOnce(
    cluster: KafkaCluster,
    { kafkaName, info, partition }: Place,
    { from, bytesMax, waitMsMax }: { from: Offset; bytesMax: number; waitMsMax: number },
  ): Promise<FetchedRecords> {
    const call = fetchCall({ topic: kafkaName, partition, from, bytesMax, waitMsMax });
    const answer = await cluster.onLeader(kafkaName, partition, async (leader) => {
      const fetched = await leader.send(call);
      if (fetched.errorCode !== 0 && fetched.errorCode !== OFFSET_OUT_OF_RANGE) {
        throw failureOfCode(fetched.errorCode);
      }
      return fetched;
    });
    if (answer.errorCode === OFFSET_OUT_OF_RANGE) {
      throw await this.#outOfRange({ kafkaName, info, partition }, from);
    }
    const corrupt = (at: Offset, problem: string): Error =>
      new FreshetError(
        'record_corrupt',
        { topic: info.name, partition, offset: at },
        { cause: new Error(problem) },
      );
    return new FetchedRecords({ bytes: answer.bytes, from, aborted: answer.aborted, corrupt });
  }

  /** A new leader may not know yet how far its records are those of all: that passes. */
  async #outOfRange(place: Place, from: Offset): Promise<KafkaFailure | FreshetError> {
    const [low, end] = await Promise.all([
      this.#offsetAt(place, EARLIEST),
      this.#offsetAt(place, LATEST),
    ]);
    if (from >= low && from <= end) {
      return new KafkaFailure('an offset that the leader does not know yet', {
        remedy: 'find-leader',
        mayHaveAppended: false,
      });
    }
    const { info, partition } = place;
    return new FreshetError('offset_out_of_range', {
      low,
      end,
      topic: info.name,
      partition,
      offset: from,
    });
  }

  #offsetAt({ kafkaName, partition }: Place, timestamp: string): Promise<number> {
    return this.#parts.cluster.onLeader(kafkaName, partition, async ({ broker }) => {
      const { responses } = await broker.listOffsets({
        replicaId: CONSUMER,
        isolationLevel: COMMITTED_ONLY,
        topics: [{ topic: kafkaName, partitions: [{ partition, timestamp }] }],
      });
      return Number(responses[0]?.partitions[0]?.offset);
    });
  }

  #persistence(msMax: number): Persistence {
    const { clock, closing } = this.#parts;
    return { clock, msMax, signal: closing };
  }

  /** Never gives up; says once that it cannot read, and once that it can again. */
  #endlessly({ info, partition }: Place, signal: AbortSignal): Persistence & { worked(): void } {
    const { clock, logger } = this.#parts;
    const fields = { topic: info.name, partition };
    let failures = 0;
    return {
      clock,
      msMax: Number.POSITIVE_INFINITY,
      signal,
      onFailure: ({ message: problem }) => {
        failures += 1;
        if (failures === NOTICED_FAILURES) {
          logger.warn('cannot read the log, trying again', { ...fields, problem });
        }
        return 'go on';
      },
      worked: () => {
        if (failures >= NOTICED_FAILURES) logger.info('can read the log again', fields);
        failures = 0;
      },
    };
  }

  /** A connection is used again only after what was asked on it is over. */
  #giveBack(cluster: KafkaCluster, asked: Promise<unknown> | undefined): void {
    const over = Promise.resolve(asked).then(
      () => undefined,
      () => undefined,
    );
    const returned = over.then(() => {
      this.#idle.push(cluster);
      this.#waiting.delete(returned);
    });
    this.#waiting.add(returned);
  }
}

/** undefined as soon as the signal is aborted; what was asked then ends by itself. */
const unlessAborted = <Result>(
  asked: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> =>
  new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
