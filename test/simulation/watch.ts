/**
 * What must hold after every step, looked at where it may change: at each claim, each apply and each
 * acknowledgement. What does not hold is written down; the run ends there.
 */
import { type Offset, partitionIndex, type StatePartition } from '../../schemas/ids.ts';
import { PARTITION_KEY } from '../../schemas/state/item-state.ts';
import {
  decodeForwarder,
  decodeItemPartition,
  decodeUserPartition,
  type StageCounters,
} from '../../schemas/state/partition-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { MemoryLogDisk } from '../../storage/event-log/memory-event-log.ts';
import type { MemoryStateDisk } from '../../storage/state-store/memory-state-store.ts';
import type { ApplyRequest } from '../../storage/state-store/state-store.ts';
import type { SimProcess } from './sim-process.ts';

interface Seen {
  epoch: number;
  covered: Offset;
  /** By epoch, who claimed it: more than one only where a lost write took a claim back. */
  readonly owners: Map<number, Set<SimProcess>>;
  marks: ReadonlyMap<string, Offset>;
}

export const placeOf = (partition: StatePartition) => {
  const dot = partition.lastIndexOf('.');
  return {
    topic: partition.slice(0, dot),
    index: partitionIndex(Number(partition.slice(dot + 1))),
  };
};

export class Watch {
  readonly problems: string[] = [];
  readonly #log: MemoryLogDisk;
  readonly #state: MemoryStateDisk;
  readonly #seen = new Map<StatePartition, Seen>();

  constructor(log: MemoryLogDisk, state: MemoryStateDisk) {
    this.#log = log;
    this.#state = state;
  }

  report(problem: string): void {
    this.problems.push(problem);
  }

  endOf(topic: string, index: number): Offset {
    return this.#log.topics.get(topic)!.partitions[index]!.end;
  }

  claimed(partition: StatePartition, by: SimProcess, epoch: number): void {
    const seen = this.#seenOf(partition);
    if (epoch <= seen.epoch) {
      this.report(`${partition}: claimed with epoch ${epoch} after epoch ${seen.epoch}`);
    }
    seen.epoch = epoch;
    const owners = seen.owners.get(epoch) ?? new Set();
    seen.owners.set(epoch, owners.add(by));
  }

  applied(partition: StatePartition, by: SimProcess, request: ApplyRequest): void {
    const seen = this.#seenOf(partition);
    const { epoch, expectedOffset, coveredOffset } = request;
    const { topic, index } = placeOf(partition);
    if (epoch !== seen.epoch || !seen.owners.get(epoch)?.has(by)) {
      this.report(
        `${partition}: ${by.name} applied with epoch ${epoch}, but the owner has ${seen.epoch}`,
      );
    }
    if (expectedOffset !== seen.covered) {
      this.report(
        `${partition}: applied from offset ${expectedOffset}, but ${seen.covered} was covered`,
      );
    }
    if (coveredOffset < seen.covered) {
      this.report(`${partition}: covered offset went from ${seen.covered} to ${coveredOffset}`);
    }
    const end = this.endOf(topic, index);
    if (coveredOffset >= end) {
      this.report(`${partition}: covers ${coveredOffset}, but the log ends at ${end}`);
    }
    seen.covered = coveredOffset;
    this.#checkValue(partition, seen);
  }

  /** Unflushed writes were lost, or a state was cleared: what is stored now is where it begins. */
  stateWentBack(): void {
    for (const [partition, seen] of this.#seen) {
      const position = this.#state.current.get(partition)?.position;
      seen.epoch = Math.min(seen.epoch, position?.epoch ?? 0);
      seen.covered = position?.coveredOffset ?? (-1 as Offset);
      seen.marks = this.#marksIn(partition);
    }
  }

  #seenOf(partition: StatePartition): Seen {
    let seen = this.#seen.get(partition);
    if (seen === undefined) {
      seen = { epoch: 0, covered: -1 as Offset, owners: new Map(), marks: new Map() };
      this.#seen.set(partition, seen);
    }
    return seen;
  }

  #valueOf(partition: StatePartition): Uint8Array | undefined {
    return this.#state.current.get(partition)?.values.get(PARTITION_KEY);
  }

  #marksIn(partition: StatePartition): ReadonlyMap<string, Offset> {
    const value = this.#valueOf(partition);
    if (value === undefined || placeOf(partition).topic !== TOPICS.itemSignals.name) {
      return new Map();
    }
    return new Map(Object.entries(decodeItemPartition(value).marks));
  }

  #checkValue(partition: StatePartition, seen: Seen): void {
    const value = this.#valueOf(partition);
    if (value === undefined) return;
    const { topic } = placeOf(partition);
    this.#checkCounters(partition, countersIn(topic, value), seen.covered + 1);
    if (topic !== TOPICS.itemSignals.name) return;
    const marks = this.#marksIn(partition);
    for (const [source, mark] of seen.marks) {
      const now = marks.get(source) ?? -1;
      if (now < mark)
        this.report(`${partition}: the mark of ${source} went from ${mark} to ${now}`);
    }
    seen.marks = marks;
  }

  /** No topic of a simulation loses records to retention, so each offset is one record received. */
  #checkCounters(partition: StatePartition, counters: StageCounters, offsets: number): void {
    const { received, accepted, duplicate, refused, deadLettered } = counters;
    if (received !== accepted + duplicate + refused + deadLettered) {
      this.report(`${partition}: counters do not add up: ${JSON.stringify(counters)}`);
    }
    if (received !== offsets) {
      this.report(`${partition}: received ${received} records, but covers ${offsets} offsets`);
    }
  }
}

const countersIn = (topic: string, value: Uint8Array): StageCounters => {
  if (topic === TOPICS.interactions.name) return decodeUserPartition(value).counters;
  if (topic === TOPICS.itemSignals.name) return decodeItemPartition(value).counters;
  return decodeForwarder(value).counters;
};
