/**
 * What a micro-batch of one source partition means for items, gathered into one envelope per target
 * partition. Signals of an event depend on that event alone; an envelope is a mere wrapping, and its
 * clock is that of its last event, so that where batches are cut leaves no trace in item states.
 *
 * What a target has already taken in (at or below its mark) is left out: that makes a rebuild add
 * nothing to the log. Leaving it in would be harmless, only slow.
 */
import {
  COUNT,
  DeltaColumns,
  PAIR_BACKWARD,
  PAIR_FORWARD,
  RATING,
  type SignalsHead,
  SignalsWriter,
} from '../schemas/avro/packed-signals.ts';
import type { EpochMs, ItemId, LogId, Offset, PartitionIndex } from '../schemas/ids.ts';
import { partitionOf } from '../storage/event-log/partitioner.ts';
import type { ContributionSink, ItemRef, Sign } from './operators/contributions.ts';

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

interface Target {
  readonly index: PartitionIndex;
  readonly mark: Offset;
  readonly writer: SignalsWriter;
  /** Rises with every envelope, so that what items remember of the last one is void. */
  envelope: number;
  firstOffset: Offset;
  lastOffset: Offset;
  clock: EpochMs;
}

/** Where an item's signals go, its indexes in the envelopes under way, and its deltas of the event. */
class ItemPlace implements ItemRef {
  readonly owner: SignalBatch;
  readonly id: ItemId;
  readonly target: Target;
  /** When it was last used; one of a generation before the last is void. */
  generation: number;
  /** Per target: in which of its envelopes the index holds, and the index. */
  readonly indexes: number[];
  /** The event that last addressed the item, and the first and last of its deltas for it. */
  event = 0;
  firstDelta = 0;
  lastDelta = 0;

  constructor(
    owner: SignalBatch,
    given: { readonly id: ItemId; readonly generation: number; readonly target: Target },
    targetCount: number,
  ) {
    this.owner = owner;
    this.id = given.id;
    this.generation = given.generation;
    this.target = given.target;
    this.indexes = new Array<number>(2 * targetCount).fill(0);
  }
}

/** An envelope is closed before it comes near the log's record limit of 1 MiB. */
const ENVELOPE_BYTES_MAX = 262_144;
/** Of one generation, of which there are two; about 200 bytes each. */
const PLACES_REMEMBERED = 16_384;
const LAST_DELTA = -1;

export class SignalBatch implements ContributionSink {
  readonly #source: SignalSource;
  readonly #itemsMax: number;
  readonly #targets: readonly Target[];
  readonly #closed: Envelope[] = [];
  #places = new Map<ItemId, ItemPlace>();
  #formerPlaces = new Map<ItemId, ItemPlace>();
  #generation = 0;
  /** The deltas of the current event, the items that it addresses, and the other item of each pair. */
  readonly #deltas = new DeltaColumns();
  readonly #addressed: ItemPlace[] = [];
  readonly #others: (ItemPlace | undefined)[] = [];
  #event = 1;
  #offset = 0 as Offset;
  #subjectHash = 0;
  #clock = 0 as EpochMs;

  /** `marks[q]` is the highest source offset that target q has taken in. */
  constructor({ source, marks, envelopeItemsMax }: SourceInputs) {
    this.#source = source;
    this.#itemsMax = envelopeItemsMax;
    this.#targets = marks.map((mark, index) => ({
      index: index as PartitionIndex,
      mark,
      writer: new SignalsWriter(),
      envelope: 1,
      firstOffset: 0 as Offset,
      lastOffset: 0 as Offset,
      clock: 0 as EpochMs,
    }));
  }

  /** From here on signals belong to the record at this offset. */
  begin(offset: Offset, subjectHash: number, clock: EpochMs): void {
    this.#endEvent();
    this.#offset = offset;
    this.#subjectHash = subjectHash;
    this.#clock = clock;
    for (const target of this.#targets) {
      const { byteCount, itemCount } = target.writer;
      if (byteCount >= ENVELOPE_BYTES_MAX || itemCount >= this.#itemsMax) this.#close(target);
    }
  }

  count(item: ItemRef, weight: number, sign: Sign, at: EpochMs): void {
    this.#add(this.#placeOf(item), COUNT, undefined, weight, sign, at);
  }

  rating(item: ItemRef, value: number, sign: Sign, at: EpochMs): void {
    this.#add(this.#placeOf(item), RATING, undefined, value, sign, at);
  }

  pair(earlier: ItemRef, later: ItemRef, weight: number, sign: Sign, at: EpochMs): void {
    const after = this.#placeOf(later);
    const before = this.#placeOf(earlier);
    this.#add(before, PAIR_FORWARD, after, weight, sign, at);
    this.#add(after, PAIR_BACKWARD, before, weight, sign, at);
  }

  catalogue(item: ItemId, categories: readonly string[], deleted: boolean): void {
    const place = this.refOf(item);
    const { target } = place;
    if (this.#offset <= target.mark) return;
    this.#touch(target);
    target.writer.addCatalogue(this.#offset, indexIn(target, place), { categories, deleted });
  }

  #add(
    place: ItemPlace,
    sort: number,
    other: ItemPlace | undefined,
    weight: number,
    sign: Sign,
    at: EpochMs,
  ): void {
    if (this.#offset <= place.target.mark) return;
    const deltas = this.#deltas;
    const index = deltas.next();
    deltas.sorts[index] = sort;
    deltas.weights[index] = weight;
    deltas.signs[index] = sign;
    deltas.ats[index] = at;
    deltas.nexts[index] = LAST_DELTA;
    this.#others[index] = other;
    if (place.event === this.#event) {
      deltas.nexts[place.lastDelta] = index;
    } else {
      place.event = this.#event;
      place.firstDelta = index;
      this.#addressed.push(place);
    }
    place.lastDelta = index;
  }

  refOf(id: ItemId): ItemPlace {
    const place = this.#places.get(id);
    if (place !== undefined) return place;
    const former = this.#formerPlaces.get(id);
    return former === undefined ? this.#newPlace(id) : this.#keptPlace(former);
  }

  /** Void ones are found anew, so that an item has one place at a time. */
  #placeOf(item: ItemRef): ItemPlace {
    if (item instanceof ItemPlace && item.owner === this) {
      if (item.generation === this.#generation) return item;
      if (item.generation === this.#generation - 1) return this.#keptPlace(item);
    }
    return this.refOf(item.id);
  }

  #keptPlace(place: ItemPlace): ItemPlace {
    this.#makeRoom();
    // Making room may have begun another generation: then it is still one of the last.
    place.generation = this.#generation;
    this.#places.set(place.id, place);
    return place;
  }

  #newPlace(id: ItemId): ItemPlace {
    this.#makeRoom();
    const target = this.#targets[partitionOf(id, this.#targets.length)]!;
    const generation = this.#generation;
    const place = new ItemPlace(this, { id, generation, target }, this.#targets.length);
    this.#places.set(id, place);
    return place;
  }

  #makeRoom(): void {
    if (this.#places.size < PLACES_REMEMBERED) return;
    this.#formerPlaces = this.#places;
    this.#places = new Map();
    this.#generation++;
  }

  /** Writes one signal for each item that the event addressed, in the order of first mention. */
  #endEvent(): void {
    const deltas = this.#deltas;
    if (deltas.count === 0) return;
    const { neighbours, nexts } = deltas;
    for (const place of this.#addressed) {
      const { target, firstDelta } = place;
      this.#touch(target);
      for (let index = firstDelta; index !== LAST_DELTA; index = nexts[index]!) {
        const other = this.#others[index];
        neighbours[index] = other === undefined ? 0 : indexIn(target, other);
      }
      const item = indexIn(target, place);
      target.writer.addSignal(
        { offset: this.#offset, item, subjectHash: this.#subjectHash },
        deltas,
        firstDelta,
      );
    }
    deltas.count = 0;
    this.#addressed.length = 0;
    this.#event++;
  }

  #touch(target: Target): void {
    if (target.writer.signalCount === 0) target.firstOffset = this.#offset;
    target.lastOffset = this.#offset;
    target.clock = this.#clock;
  }

  /** The envelopes of everything since the last call. */
  take(): Envelope[] {
    this.#endEvent();
    for (const target of this.#targets) this.#close(target);
    return this.#closed.splice(0);
  }

  #close(target: Target): void {
    if (target.writer.signalCount === 0) return;
    const { index, firstOffset, lastOffset, clock, writer } = target;
    const bytes = writer.finish({
      ...this.#sourceFields(),
      firstOffset,
      lastOffset,
      clock,
      landmark: null,
    });
    target.envelope++;
    this.#closed.push({ target: index, bytes });
  }

  /** An envelope for every target that has not had it yet, which moves the counters' landmark. */
  rebase(offset: Offset, landmark: EpochMs, clock: EpochMs): void {
    for (const target of this.#targets) {
      if (offset <= target.mark) continue;
      this.#close(target);
      const bytes = target.writer.finish({
        ...this.#sourceFields(),
        firstOffset: offset,
        lastOffset: offset,
        clock,
        landmark,
      });
      this.#closed.push({ target: target.index, bytes });
    }
  }

  #sourceFields(): Pick<SignalsHead, 'sourceLogId' | 'sourceTopic' | 'sourcePartition'> {
    const { logId, topic, partition } = this.#source;
    return { sourceLogId: logId, sourceTopic: topic, sourcePartition: partition };
  }
}

const indexIn = (target: Target, place: ItemPlace): number => {
  const { indexes } = place;
  const at = 2 * target.index;
  if (indexes[at] !== target.envelope) {
    indexes[at] = target.envelope;
    indexes[at + 1] = target.writer.addItem(place.id);
  }
  return indexes[at + 1]!;
};
