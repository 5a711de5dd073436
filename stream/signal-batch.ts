/**
 * What a micro-batch of one source partition means for items, gathered into one envelope per target
 * partition. Signals of an event depend on that event alone; an envelope is a mere wrapping, and its
 * clock is that of its last event, so that where batches are cut leaves no trace in item states.
 *
 * What a target has already taken in (at or below its mark) is left out: that makes a rebuild add
 * nothing to the log. Leaving it in would be harmless, only slow.
 */
import { encodeRecord } from '../schemas/avro/record-codec.ts';
import type { EpochMs, ItemId, LogId, Offset, PartitionIndex } from '../schemas/ids.ts';
import type {
  CountDelta,
  ItemSignal,
  ItemSignalsRecord,
  PairDelta,
  RatingDelta,
} from '../schemas/records.ts';
import { partitionOf } from '../storage/event-log/partitioner.ts';
import type { ContributionSink, Sign } from './operators/contributions.ts';

export interface SignalSource {
  readonly logId: LogId;
  readonly topic: string;
  readonly partition: PartitionIndex;
}

/** What a source pipeline is told when its partition is opened. */
export interface SourceInputs {
  readonly source: SignalSource;
  /** Per item partition, the highest offset of ours that it has taken in. */
  readonly marks: readonly Offset[];
  /** So that the consumer's apply of one envelope stays within its limits. */
  readonly envelopeItemsMax: number;
}

export interface Envelope {
  readonly target: PartitionIndex;
  readonly bytes: Uint8Array;
}

interface SignalUnderWay extends ItemSignal {
  readonly counts: CountDelta[];
  readonly ratings: RatingDelta[];
  readonly pairs: PairDelta[];
}

interface Target {
  readonly index: PartitionIndex;
  readonly mark: Offset;
  itemIds: ItemId[];
  indexOf: Map<ItemId, number>;
  signals: SignalUnderWay[];
  /** Where the signals of the current event begin. */
  eventStart: number;
  clock: EpochMs;
  weight: number;
}

/** An envelope is closed before it holds more deltas than this: far below the log's record limit. */
const ENVELOPE_DELTAS_MAX = 8_192;
const PARTITIONS_REMEMBERED = 65_536;

export class SignalBatch implements ContributionSink {
  readonly #source: SignalSource;
  readonly #targets: readonly Target[];
  readonly #itemsMax: number;
  readonly #targetOf = new Map<ItemId, Target>();
  readonly #closed: Envelope[] = [];
  #offset = 0 as Offset;
  #subjectHash = 0;
  #clock = 0 as EpochMs;

  /** `marks[q]` is the highest source offset that target q has taken in. */
  constructor(source: SignalSource, marks: readonly Offset[], envelopeItemsMax: number) {
    this.#source = source;
    this.#itemsMax = envelopeItemsMax;
    this.#targets = marks.map((mark, index) => ({
      index: index as PartitionIndex,
      mark,
      itemIds: [],
      indexOf: new Map(),
      signals: [],
      eventStart: 0,
      clock: 0 as EpochMs,
      weight: 0,
    }));
  }

  /** From here on signals belong to the record at this offset. */
  begin(offset: Offset, subjectHash: number, clock: EpochMs): void {
    this.#offset = offset;
    this.#subjectHash = subjectHash;
    this.#clock = clock;
    for (const target of this.#targets) {
      if (target.weight >= ENVELOPE_DELTAS_MAX || target.itemIds.length >= this.#itemsMax) {
        this.#close(target);
      }
      target.eventStart = target.signals.length;
    }
  }

  count(item: ItemId, weight: number, sign: Sign, at: EpochMs): void {
    const target = this.#targetFor(item);
    if (this.#offset <= target.mark) return;
    this.#signalFor(target, item).counts.push({ weight, sign, at });
  }

  rating(item: ItemId, value: number, sign: Sign, at: EpochMs): void {
    const target = this.#targetFor(item);
    if (this.#offset <= target.mark) return;
    this.#signalFor(target, item).ratings.push({ value, sign, at });
  }

  pair(earlier: ItemId, later: ItemId, weight: number, sign: Sign, at: EpochMs): void {
    this.#pairOne(earlier, later, { forward: true, weight, sign, at });
    this.#pairOne(later, earlier, { forward: false, weight, sign, at });
  }

  catalogue(item: ItemId, categories: readonly string[], deleted: boolean): void {
    const target = this.#targetFor(item);
    if (this.#offset <= target.mark) return;
    this.#touch(target);
    target.signals.push({
      ...this.#newSignal(indexIn(target, item)),
      catalogue: { categories, deleted },
    });
  }

  #pairOne(item: ItemId, neighbour: ItemId, rest: Omit<PairDelta, 'neighbour'>): void {
    const target = this.#targetFor(item);
    if (this.#offset <= target.mark) return;
    const signal = this.#signalFor(target, item);
    const { forward, weight, sign, at } = rest;
    signal.pairs.push({ neighbour: indexIn(target, neighbour), forward, weight, sign, at });
  }

  #targetFor(item: ItemId): Target {
    let target = this.#targetOf.get(item);
    if (target === undefined) {
      if (this.#targetOf.size >= PARTITIONS_REMEMBERED) this.#targetOf.clear();
      target = this.#targets[partitionOf(item, this.#targets.length)]!;
      this.#targetOf.set(item, target);
    }
    return target;
  }

  #signalFor(target: Target, item: ItemId): SignalUnderWay {
    this.#touch(target);
    const index = indexIn(target, item);
    const { signals } = target;
    for (let at = signals.length - 1; at >= target.eventStart; at--) {
      if (signals[at]!.item === index) return signals[at]!;
    }
    const signal = this.#newSignal(index);
    signals.push(signal);
    return signal;
  }

  #touch(target: Target): void {
    target.clock = this.#clock;
    target.weight++;
  }

  #newSignal(item: number): SignalUnderWay {
    return {
      sourceOffset: this.#offset,
      item,
      subjectHash: this.#subjectHash,
      counts: [],
      ratings: [],
      pairs: [],
      catalogue: null,
    };
  }

  /** The envelopes of everything since the last call. */
  take(): Envelope[] {
    for (const target of this.#targets) this.#close(target);
    return this.#closed.splice(0);
  }

  /** Forgets what was gathered: the batch is read again. */
  discard(): void {
    this.#closed.length = 0;
    for (const target of this.#targets) empty(target);
  }

  #close(target: Target): void {
    const { signals } = target;
    if (signals.length === 0) return;
    const record: ItemSignalsRecord = {
      ...this.#sourceFields(),
      firstOffset: signals[0]!.sourceOffset,
      lastOffset: signals.at(-1)!.sourceOffset,
      clock: target.clock,
      landmark: null,
      itemIds: target.itemIds,
      signals,
    };
    this.#closed.push({ target: target.index, bytes: encodeRecord('ItemSignals', record) });
    empty(target);
  }

  /** An envelope for every target that has not had it yet, which moves the counters' landmark. */
  rebase(offset: Offset, landmark: EpochMs, clock: EpochMs): void {
    for (const target of this.#targets) {
      if (offset <= target.mark) continue;
      this.#close(target);
      const record: ItemSignalsRecord = {
        ...this.#sourceFields(),
        firstOffset: offset,
        lastOffset: offset,
        clock,
        landmark,
        itemIds: [],
        signals: [],
      };
      this.#closed.push({ target: target.index, bytes: encodeRecord('ItemSignals', record) });
    }
  }

  #sourceFields(): Pick<ItemSignalsRecord, 'sourceLogId' | 'sourceTopic' | 'sourcePartition'> {
    const { logId, topic, partition } = this.#source;
    return { sourceLogId: logId, sourceTopic: topic, sourcePartition: partition };
  }
}

const indexIn = (target: Target, item: ItemId): number => {
  let index = target.indexOf.get(item);
  if (index === undefined) {
    index = target.itemIds.length;
    target.itemIds.push(item);
    target.indexOf.set(item, index);
  }
  return index;
};

const empty = (target: Target): void => {
  target.itemIds = [];
  target.indexOf = new Map();
  target.signals = [];
  target.eventStart = 0;
  target.weight = 0;
};
