/**
 * Keeps live events from running far ahead of the stream. What is appended faster than it is taken in
 * would be durable, and shown to nobody for minutes: so beyond a number of events the next append of
 * the partition waits, its clients with it, and a client that waits too long is told to come again.
 *
 * Only live events count: an import that keeps the stream busy holds nobody up by itself. A stream that
 * stands still holds nobody up either: then the log keeps everything for the day when it goes on, and
 * health says so.
 */
import type { Clock } from '../../schemas/environment.ts';
import type { DurationMs, Offset, PartitionIndex } from '../../schemas/ids.ts';

/** A stream that covered nothing for so long stands still. */
const STANDS_STILL_MS = 5_000;
const LOOK_EVERY = 5 as DurationMs;
/** Appends remembered one by one for each partition; more are taken together. */
const STRETCHES_MAX = 1_024;

export interface StreamPaceOptions {
  /** Up to where the stream has taken in a partition. */
  readonly covered: (partition: PartitionIndex) => Offset;
  readonly partitionCount: number;
  /** Live events not yet taken in, all partitions together. */
  readonly aheadMax: number;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
}

/** Appended together: how many, and where they end. */
interface Stretch {
  readonly last: Offset;
  readonly count: number;
}

interface PartitionPace {
  readonly stretches: Stretch[];
  /** Events in the stretches. */
  ahead: number;
  covered: Offset;
  movedMs: number;
}

export class StreamPace {
  readonly #options: StreamPaceOptions;
  readonly #aheadMax: number;
  readonly #partitions: readonly PartitionPace[];

  constructor(options: StreamPaceOptions) {
    const { partitionCount, aheadMax, covered } = options;
    this.#options = options;
    this.#aheadMax = Math.ceil(aheadMax / partitionCount);
    this.#partitions = Array.from({ length: partitionCount }, (_, index) => ({
      stretches: [],
      ahead: 0,
      covered: covered(index as PartitionIndex),
      movedMs: Number.NEGATIVE_INFINITY,
    }));
  }

  appended(partition: PartitionIndex, { last, count }: Stretch): void {
    const pace = this.#partitions[partition]!;
    // Something new to cover: whether the stream stands still is asked from here on.
    if (pace.stretches.length === 0) pace.movedMs = this.#options.clock.monotonicMs();
    pace.ahead += count;
    const before = pace.stretches.length < STRETCHES_MAX ? undefined : pace.stretches.pop();
    pace.stretches.push({ last, count: count + (before?.count ?? 0) });
  }

  /** Resolves at once unless the partition's live events are too far ahead. */
  async untilFollowed(partition: PartitionIndex): Promise<void> {
    while (this.#isAhead(partition)) await this.#options.clock.sleep(LOOK_EVERY);
  }

  #isAhead(partition: PartitionIndex): boolean {
    const pace = this.#partitions[partition]!;
    this.#look(partition, pace);
    if (pace.ahead < this.#aheadMax) return false;
    return this.#options.clock.monotonicMs() - pace.movedMs < STANDS_STILL_MS;
  }

  #look(partition: PartitionIndex, pace: PartitionPace): void {
    const covered = this.#options.covered(partition);
    if (covered === pace.covered) return;
    pace.covered = covered;
    pace.movedMs = this.#options.clock.monotonicMs();
    let done = 0;
    for (const { last, count } of pace.stretches) {
      if (last > covered) break;
      pace.ahead -= count;
      done += 1;
    }
    pace.stretches.splice(0, done);
  }
}
