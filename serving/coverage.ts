/**
 * Waiting until lists show what was written: `after=` of a list names positions of `interactions`,
 * the catalogue's positions are waited for by whoever wrote them.
 *
 * For lists that go by items the effect takes a second step, through `item-signals`: the stream
 * appends what an event means for items before it moves on, so once the event's partition is covered,
 * all that it means lies below the ends that `item-signals` has then.
 */

import { formatAfter, parseAfter } from '../schemas/api/parameters.ts';
import type { Clock } from '../schemas/environment.ts';
import { FreshetError } from '../schemas/errors.ts';
import {
  type DurationMs,
  type Offset,
  offset,
  type PartitionIndex,
  partitionIndex,
  statePartition,
} from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import type { StateFollower } from './state-follower.ts';

export interface CoverageOptions {
  readonly eventLog: EventLog;
  readonly follower: StateFollower;
  readonly clock: Clock;
  readonly timeoutMs: DurationMs;
  readonly userPartitions: number;
  readonly itemPartitions: number;
}

export class Coverage {
  readonly #given: CoverageOptions;

  constructor(given: CoverageOptions) {
    this.#given = given;
  }

  /** Resolves once people's own state covers the positions. */
  async untilSubjects(after: string): Promise<void> {
    const positions = this.#positions(after);
    await this.#within(after, async () => {
      await Promise.all(
        [...positions].map(([partition, wanted]) =>
          this.#reached(TOPICS.interactions.name, partition, wanted),
        ),
      );
    });
  }

  /** Resolves once the items' state covers them too. */
  async untilItems(after: string): Promise<void> {
    const positions = this.#positions(after);
    const { eventLog, itemPartitions } = this.#given;
    const topic = TOPICS.itemSignals.name;
    await this.#within(after, async () => {
      await Promise.all(
        [...positions].map(([partition, wanted]) =>
          this.#reached(TOPICS.interactions.name, partition, wanted),
        ),
      );
      const partitions = Array.from({ length: itemPartitions }, (_, index) =>
        partitionIndex(index),
      );
      await Promise.all(
        partitions.map(async (partition) => {
          const { end } = await eventLog.watermarks(topic, partition);
          await this.#reached(topic, partition, offset(end - 1));
        }),
      );
    });
  }

  #positions(after: string): ReadonlyMap<PartitionIndex, Offset> {
    const positions = parseAfter(after);
    for (const partition of positions.keys()) {
      if (partition < this.#given.userPartitions) continue;
      throw new FreshetError('bad_request', {
        problem: `Expected partitions in after to be below ${this.#given.userPartitions}, got ${partition}.`,
      });
    }
    return positions;
  }

  #reached(topic: string, partition: PartitionIndex, wanted: Offset): Promise<void> {
    return this.#given.follower.reachedNow(statePartition(topic, partition), wanted);
  }

  async #within(after: string, wait: () => Promise<void>): Promise<void> {
    const { clock, timeoutMs } = this.#given;
    const done = new AbortController();
    const timeout = clock.sleep(timeoutMs, done.signal).then(
      () => {
        throw new FreshetError('not_covered_yet', {
          after,
          limitMs: timeoutMs,
          covered: this.#covered(after),
        });
      },
      () => undefined,
    );
    try {
      await Promise.race([wait(), timeout]);
    } finally {
      done.abort();
    }
  }

  #covered(after: string): string {
    const { follower } = this.#given;
    const reached = [...parseAfter(after).keys()].map((partition) => ({
      partition,
      offset: follower.coveredOffset(statePartition(TOPICS.interactions.name, partition)),
    }));
    return formatAfter(reached);
  }
}
