/**
 * The channels that are no lists: `activity`, a sample of the events as they arrive in the log, and
 * `system`, how the instance is doing. Each works only while somebody listens.
 */
import type { ActivityEvent } from '../../schemas/api/live.ts';
import { formatTime } from '../../schemas/api/time.ts';
import { decodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import type { Catalogue } from '../catalogue.ts';
import type { LiveOptions } from '../options.ts';

/** The message less its type, id and seq: `"events":[…],"skipped":0`. */
export type FeedListener = (fields: string) => void;

export interface Feed {
  listen(listener: FeedListener): () => void;
  stop(): Promise<void>;
}

export interface FeedParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: LiveOptions;
}

/** Runs `work` from the first listener to the last. */
abstract class WhileListened implements Feed {
  readonly #listeners = new Set<FeedListener>();
  readonly #logger: Logger;
  #stopping: AbortController | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    if (this.#stopping === undefined) this.#begin();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  async stop(): Promise<void> {
    this.#listeners.clear();
    this.#end();
    await this.#working;
  }

  protected tell(fields: string): void {
    for (const listener of [...this.#listeners]) listener(fields);
  }

  protected abstract work(signal: AbortSignal): Promise<void>;

  #begin(): void {
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.#working = this.work(stopping.signal).catch((error: unknown) => {
      if (!stopping.signal.aborted) this.#logger.warn('A live feed stopped', { error });
    });
  }

  #end(): void {
    this.#stopping?.abort();
    this.#stopping = undefined;
  }
}

export interface ActivityParts extends FeedParts {
  readonly eventLog: EventLog;
  readonly catalogue: Catalogue;
  readonly userPartitions: number;
}

const SLICE = { recordsMax: 500, bytesMax: 262_144 } as const;

export class ActivityFeed extends WhileListened {
  readonly #given: ActivityParts;
  #events: ActivityEvent[] = [];
  #skipped = 0;

  constructor(given: ActivityParts) {
    super(given.logger);
    this.#given = given;
  }

  protected async work(signal: AbortSignal): Promise<void> {
    const { clock, options, userPartitions } = this.#given;
    const partitions = Array.from({ length: userPartitions }, (_, index) => partitionIndex(index));
    const tails = partitions.map((partition) => this.#tail(partition, signal));
    try {
      while (!signal.aborted) {
        await clock.sleep(options.feedEveryMs, signal);
        this.#flush();
      }
    } finally {
      await Promise.allSettled(tails);
      // Nobody is told who did what before they listened, nor is it kept until then.
      this.#events = [];
      this.#skipped = 0;
    }
  }

  async #tail(partition: PartitionIndex, signal: AbortSignal): Promise<void> {
    const { eventLog } = this.#given;
    const topic = TOPICS.interactions.name;
    const { end } = await eventLog.watermarks(topic, partition);
    for await (const records of eventLog.tail(topic, partition, end, { ...SLICE, signal })) {
      for (const record of records) this.#take(record);
    }
  }

  #take({ value }: LogRecord): void {
    if (value === null || this.#events.length >= this.#given.options.activityEventsMax) {
      this.#skipped++;
      return;
    }
    const event = this.#eventOf(value);
    if (event !== undefined) this.#events.push(event);
  }

  #eventOf(value: Uint8Array): ActivityEvent | undefined {
    try {
      const { name, record } = decodeRecord(value);
      if (name !== 'Interaction') return undefined;
      const { eventId, userId, sessionId, itemId, kind, occurredAt } = record;
      return {
        eventId,
        subject: userId === null ? `s:${sessionId}` : `u:${userId}`,
        itemId,
        title: this.#given.catalogue.titleOfId(itemId),
        kind,
        value: record.value,
        occurredAt: formatTime(occurredAt),
      };
    } catch {
      // What cannot be read goes to the dead letters by another way; here it is passed over.
      this.#skipped++;
      return undefined;
    }
  }

  #flush(): void {
    if (this.#events.length === 0 && this.#skipped === 0) return;
    this.tell(`"events":${JSON.stringify(this.#events)},"skipped":${this.#skipped}`);
    this.#events = [];
    this.#skipped = 0;
  }
}

export interface SystemFeedParts extends FeedParts {
  /** The report as it is now; anything that becomes JSON. */
  readonly report: () => Promise<unknown>;
}

export class SystemFeed extends WhileListened {
  readonly #given: SystemFeedParts;

  constructor(given: SystemFeedParts) {
    super(given.logger);
    this.#given = given;
  }

  protected async work(signal: AbortSignal): Promise<void> {
    const { clock, options, report } = this.#given;
    while (!signal.aborted) {
      const system = await report();
      if (signal.aborted) return;
      // There is nothing to tell while the instance is still starting.
      if (system !== undefined) this.tell(`"system":${JSON.stringify(system)}`);
      await clock.sleep(options.feedEveryMs, signal);
    }
  }
}
