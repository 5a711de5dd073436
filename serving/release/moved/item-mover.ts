/**
 * Moves items of the release in use as people act: a consumer of the log of its own, beside the stream,
 * that begins anew with each release that lists go over to. No state is made of what it learns, and
 * people's vectors go by the release's own factors; only what items score goes by the moved ones.
 *
 * What an item's vector is at given offsets does not depend on when the release was put to use or how
 * fast partitions were read: pulls are sums from the offsets that the release was trained to, added
 * partition by partition. So the control log's one promotion record is enough, and a replay gives, per
 * release, the same vectors to the bit.
 */
import { pulledVector } from '../../../algorithms/factors/item-pulls.ts';
import { nextTurn } from '../../../algorithms/model/pieces.ts';
import { decodeRecord } from '../../../schemas/avro/record-codec.ts';
import type { Logger } from '../../../schemas/environment.ts';
import {
  NO_OFFSET,
  type Offset,
  type PartitionIndex,
  type SubjectId,
  subjectOfUser,
} from '../../../schemas/ids.ts';
import type { NamedRecord } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { EventLog, LogRecord } from '../../../storage/event-log/event-log.ts';
import type { ItemSlots } from '../../item-slots.ts';
import type { MoveOptions } from '../../options.ts';
import { NO_ITEM } from '../release-items.ts';
import type { ServingRelease } from '../serving-release.ts';
import type { TasteModel } from '../taste-model.ts';
import { PartitionPulls, type PulledFactors } from './partition-pulls.ts';
import type { PersonDeedsOptions } from './person-deeds.ts';

const TOPIC = TOPICS.interactions.name;
const READ = { recordsMax: 256, bytesMax: 262_144 } as const;
/** Taken in one piece of work: a millisecond or two. */
const PIECE = 64;

export interface ItemMoverOptions {
  readonly eventLog: EventLog;
  readonly userPartitions: number;
  readonly options: MoveOptions;
  readonly slots: ItemSlots;
  readonly deeds: Omit<PersonDeedsOptions, 'peopleMax'>;
  readonly logger: Logger;
}

export interface MoveCounts {
  readonly items: number;
  /** Events that moved one. */
  readonly events: number;
  /** Those on items beyond the cap. */
  readonly leftOut: number;
}

export class ItemMover {
  readonly #given: ItemMoverOptions;
  #stop = new AbortController();
  #work: Promise<unknown> = Promise.resolve();
  #taste: TasteModel | undefined;
  #pulls: readonly PartitionPulls[] = [];
  #events = 0;

  constructor(given: ItemMoverOptions) {
    this.#given = given;
  }

  counts(): MoveCounts {
    return {
      items: this.#taste?.moved.count ?? 0,
      events: this.#events,
      leftOut: this.#pulls.reduce((sum, { pulls }) => sum + pulls.leftOutCount, 0),
    };
  }

  /** Lists go by it from now on. */
  switchTo(release: ServingRelease | undefined): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#pulls = [];
    this.#events = 0;
    this.#taste = release?.taste;
    const { options, userPartitions } = this.#given;
    if (!options.isOn || release?.taste === undefined) return;
    release.taste.moved.putBack();
    const partitions = Array.from(
      { length: userPartitions },
      (_, index) => index as PartitionIndex,
    );
    const { signal } = this.#stop;
    this.#pulls = partitions.map((partition) => this.#pullsOf(release, partition));
    this.#work = Promise.all(
      partitions.map((partition) => this.#follow(release, partition, signal)),
    ).catch((error) => {
      if (signal.aborted) return;
      this.#given.logger.warn('Items stay where the training put them', { error });
    });
  }

  /** Drops what is kept of somebody who was forgotten, who may be in any partition. */
  letGoOf(subject: SubjectId): void {
    for (const pulls of this.#pulls) pulls.letGoOf(subject);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  #pullsOf(release: ServingRelease, partition: PartitionIndex): PartitionPulls {
    const { deeds, options, slots } = this.#given;
    const taste = release.taste!;
    const factors: PulledFactors = {
      dimensions: taste.dimensions,
      itemOf: (itemId) => {
        const slot = slots.find(itemId);
        return slot === undefined ? NO_ITEM : taste.itemOf(slot);
      },
      factorsOf: (item) => taste.factorsOf(item),
      solve: (events, into) => taste.solve(events, into),
    };
    const trainedTo = trainedToOf(release.positions, partition);
    return new PartitionPulls(factors, { ...deeds, ...options, trainedTo });
  }

  async #follow(
    { positions }: ServingRelease,
    partition: PartitionIndex,
    signal: AbortSignal,
  ): Promise<void> {
    const { eventLog, options } = this.#given;
    const { low } = await eventLog.watermarks(TOPIC, partition);
    const wanted = trainedToOf(positions, partition) + 1 - options.lookBack;
    const from = Math.max(low, wanted, 0) as Offset;
    for await (const records of eventLog.tail(TOPIC, partition, from, { ...READ, signal })) {
      for (let at = 0; at < records.length; at += PIECE) {
        signal.throwIfAborted();
        this.#take(partition, records.slice(at, at + PIECE));
        await nextTurn();
      }
      await this.#taste!.moved.packWhenDue(signal);
    }
  }

  #take(partition: PartitionIndex, records: readonly LogRecord[]): void {
    const pulls = this.#pulls[partition]!;
    const moved = new Set<number>();
    for (const record of records) {
      const item = takenInto(pulls, record);
      if (item === undefined) continue;
      moved.add(item);
      this.#events += 1;
    }
    const taste = this.#taste!;
    const all = this.#pulls.map((part) => part.pulls);
    for (const item of moved) {
      taste.moved.move(item, pulledVector(item, taste.factorsOf(item), all, this.#given.options));
    }
  }
}

const takenInto = (pulls: PartitionPulls, { value, offset }: LogRecord): number | undefined => {
  const named = readable(value);
  // The state may be settled, and memory cleared of the person, before this has come so far.
  if (named?.name === 'Forget') pulls.letGoOf(subjectOfUser(named.record.userId));
  return named?.name === 'Interaction' ? pulls.take(named.record, offset) : undefined;
};

const trainedToOf = (positions: ServingRelease['positions'], partition: PartitionIndex): Offset => {
  const found = positions.find((one) => one.topic === TOPIC && one.partition === partition);
  return (found?.offset ?? NO_OFFSET) as Offset;
};

/** What cannot be read is the stream's to set aside. */
const readable = (value: Uint8Array | null): NamedRecord | undefined => {
  if (value === null) return undefined;
  try {
    return decodeRecord(value);
  } catch {
    return undefined;
  }
};
