/**
 * What envelopes do to items: marks first (what was taken in before is dropped), then counters,
 * ratings, pairs and categories. The partition's totals and the categories are kept in memory
 * whole; items come through the cache and are written back when the batch is applied.
 *
 * A rebase moves the landmark of the totals at once, and that of each item and category when it is
 * next touched: moving late in one step gives the same bits as moving in time in two.
 */
import {
  type CatalogueSignal,
  COUNT,
  PAIR_FORWARD,
  type PackedSignals,
  RATING,
  unpackSignals,
} from '../schemas/avro/packed-signals.ts';
import type { FreshetError } from '../schemas/errors.ts';
import { FreshetError as Failure } from '../schemas/errors.ts';
import { type EpochMs, type ItemId, NO_OFFSET, type Offset } from '../schemas/ids.ts';
import type { DeadLetterRecord } from '../schemas/records.ts';
import {
  CATEGORY_PREFIX,
  type CategoryColumns,
  decodeCategoryColumns,
  emptyCategory,
  encodeCategoryColumns,
} from '../schemas/state/category-codec.ts';
import { decodeItemColumns, encodeItemColumns } from '../schemas/state/item-codec.ts';
import { ItemColumns, POPULARITY, TREND_FAST, TREND_SLOW } from '../schemas/state/item-columns.ts';
import { categoryKey, itemKey, PARTITION_KEY } from '../schemas/state/item-state.ts';
import {
  decodeItemPartition,
  emptyItemPartition,
  encodePartitionState,
  type ItemPartitionState,
  markName,
} from '../schemas/state/partition-state.ts';
import { wideOfWords, wordsOfWide } from '../schemas/state/wide-integer.ts';
import type { LogRecord } from '../storage/event-log/event-log.ts';
import type { StateChange } from '../storage/state-store/state-store.ts';
import { EntityCache, type Slot } from './entity-cache.ts';
import {
  CovisitationOperator,
  type HashWords,
  halveNeighbours,
  hashWordsOf,
  type PairChange,
} from './operators/covisitation.ts';
import {
  addCounters,
  addShares,
  CounterScales,
  type Counters,
  takeRating,
} from './operators/item-counters.ts';
import type { ItemOptions, StreamOptions } from './options.ts';
import {
  deadLetterOf,
  type Pipeline,
  type PreparedRecord,
  problemOf,
  type StateAccess,
  scanAll,
} from './pipeline.ts';
import type { StreamSeams } from './seams.ts';
import type { Envelope, SignalSource } from './signal-batch.ts';

const DAY_MS = 86_400_000;
const RESIDENT_BYTES = 16_384;
const CATEGORY_BYTES = 256;
const SLOT_BYTES_MAX = 36;
const NO_ENVELOPES: readonly Envelope[] = [];
/** Encoded in one go: half a millisecond or less. */
const ITEMS_PER_TURN = 128;

interface EnvelopeRecord extends PreparedRecord {
  readonly envelope: PackedSignals | null;
  /** The items that it changes, as indexes in the envelope. */
  readonly addressed: readonly number[];
  /** Of those, by the same index. */
  slots: (Slot<ItemColumns> | undefined)[];
  readonly problem: FreshetError | null;
}

export interface ItemPipelineOptions {
  readonly source: Pick<SignalSource, 'topic' | 'partition'>;
  readonly options: StreamOptions;
  readonly seams?: StreamSeams;
}

export class ItemPipeline implements Pipeline<EnvelopeRecord> {
  readonly #given: ItemPipelineOptions;
  readonly #options: ItemOptions;
  readonly #scales: CounterScales;
  readonly #items: EntityCache<ItemColumns>;
  #pairs: CovisitationOperator;
  readonly #pairChange: PairChange = {
    isForward: false,
    weight: 0,
    sign: 1,
    at: 0 as EpochMs,
    subjectHash: 0,
  };
  readonly #categories = new Map<string, CategoryColumns>();
  readonly #changedCategories = new Set<string>();
  #partition: ItemPartitionState = emptyItemPartition();
  #totals: CategoryColumns = emptyCategory(0 as EpochMs);
  #deadLetters: DeadLetterRecord[] = [];
  #isChanged = false;

  constructor(given: ItemPipelineOptions) {
    this.#given = given;
    this.#options = given.options.item;
    this.#scales = new CounterScales(this.#options.halfLives);
    this.#pairs = this.#newPairs();
    this.#items = new EntityCache(
      { decode: decodeItemColumns, encode: encodeItemColumns, bytesMaxOf },
      given.options.runner.cachedItemsMax,
    );
  }

  async open(access: StateAccess): Promise<void> {
    this.#items.clear();
    this.#categories.clear();
    this.#changedCategories.clear();
    this.#deadLetters = [];
    this.#isChanged = false;
    const [stored] = await access.store.getMany(access.partition, [PARTITION_KEY]);
    this.#partition = stored === undefined ? emptyItemPartition() : decodeItemPartition(stored);
    this.#totals = totalsOf(this.#partition);
    this.#pairs = this.#newPairs();
    await scanAll(access, CATEGORY_PREFIX, (key, value) => {
      this.#categories.set(key.slice(CATEGORY_PREFIX.length), decodeCategoryColumns(value));
    });
  }

  #newPairs(): CovisitationOperator {
    return new CovisitationOperator(
      this.#scales.covisitation,
      this.#options,
      this.#partition.counters,
    );
  }

  get partition(): ItemPartitionState {
    return this.#partition;
  }

  get categoryCount(): number {
    return this.#categories.size;
  }

  prepare(log: LogRecord): EnvelopeRecord {
    try {
      if (log.value === null) throw unexpected('a tombstone');
      const envelope = unpackSignals(log.value);
      return { log, envelope, addressed: addressedBy(envelope), slots: [], problem: null };
    } catch (error) {
      return { log, envelope: null, addressed: [], slots: [], problem: problemOf(error) };
    }
  }

  prefetch(record: EnvelopeRecord, missing: Set<string>): void {
    const { envelope, addressed } = record;
    if (envelope === null) return;
    const { itemIds } = envelope;
    const slots = new Array<Slot<ItemColumns> | undefined>(itemIds.length);
    for (const index of addressed) {
      const key = itemKey(itemIds[index]!);
      const slot = this.#items.find(key);
      if (slot === undefined) missing.add(key);
      else slots[index] = slot;
    }
    record.slots = slots;
  }

  keyCountOf({ addressed, slots }: EnvelopeRecord): number {
    let count = 0;
    for (const index of addressed) if (slots[index]?.isChanged !== true) count++;
    return count;
  }

  load(key: string, value: Uint8Array | undefined): void {
    this.#items.load(key, value);
  }

  take({ envelope, slots, problem, log }: EnvelopeRecord): void {
    this.#isChanged = true;
    const { counters } = this.#partition;
    counters.received++;
    if (envelope !== null) {
      this.#takeEnvelope(envelope, slots, log.timestamp);
      return;
    }
    counters.deadLettered++;
    const { topic, partition } = this.#given.source;
    this.#deadLetters.push(deadLetterOf(topic, partition, log, problem!));
  }

  #takeEnvelope(
    envelope: PackedSignals,
    slots: readonly (Slot<ItemColumns> | undefined)[],
    timestamp: EpochMs,
  ): void {
    const { sourceLogId, sourceTopic, sourcePartition, clock, landmark } = envelope;
    const state = this.#partition;
    const name = markName(sourceLogId, sourceTopic, sourcePartition);
    const ignoresMarks = this.#given.seams?.ignoreMarks === true;
    const mark = ignoresMarks ? NO_OFFSET : (state.marks[name] ?? NO_OFFSET);
    if (envelope.lastOffset <= mark) {
      state.counters.duplicate++;
      state.counters.signalsDropped += envelope.signalCount;
      return;
    }
    state.counters.accepted++;
    if (clock > state.clock) state.clock = clock;
    if (landmark !== null) this.#rebase(landmark);
    else if (state.landmark === 0) this.#rebase(startOfDay(timestamp));
    this.#takeSignals(envelope, slots, mark);
    this.#setMark(name, envelope.lastOffset);
  }

  #setMark(name: string, offset: Offset): void {
    const { marks } = this.#partition;
    if (name in marks) {
      marks[name] = offset;
      return;
    }
    const sorted = [...Object.entries(marks), [name, offset] as const].sort(([left], [right]) =>
      left < right ? -1 : 1,
    );
    this.#partition.marks = Object.assign(Object.create(null), Object.fromEntries(sorted));
  }

  /** Moves the landmark ahead; a landmark never moves back. */
  #rebase(landmark: EpochMs): void {
    const state = this.#partition;
    if (landmark <= state.landmark) return;
    state.landmark = landmark;
    state.counters.rebases++;
    this.#scales.rebase(this.#totals, landmark);
  }

  #takeSignals(
    envelope: PackedSignals,
    slots: readonly (Slot<ItemColumns> | undefined)[],
    mark: number,
  ): void {
    const { counters } = this.#partition;
    const { signalCount, offsets, items } = envelope;
    const found = new Array<Slot<ItemColumns> | undefined>(envelope.itemIds.length);
    const hashes = new Array<HashWords | undefined>(envelope.itemIds.length);
    for (let signal = 0; signal < signalCount; signal++) {
      if (offsets[signal]! <= mark) {
        counters.signalsDropped++;
        continue;
      }
      counters.signals++;
      const index = items[signal]!;
      let slot = found[index];
      if (slot === undefined) {
        slot = this.#ready(envelope.itemIds[index]!, slots[index]);
        found[index] = slot;
      }
      this.#takeSignal(envelope, signal, slot.entity!, hashes);
    }
    for (const slot of found) if (slot !== undefined) this.#items.set(slot, slot.entity);
  }

  #takeSignal(
    envelope: PackedSignals,
    signal: number,
    item: ItemColumns,
    hashes: (HashWords | undefined)[],
  ): void {
    const { deltaEnds, sorts, weights, signs, ats, neighbours, itemIds } = envelope;
    const change = this.#pairChange;
    change.subjectHash = envelope.subjects[signal]!;
    if (envelope.catalogue.size > 0) {
      const catalogue = envelope.catalogue.get(signal);
      if (catalogue !== undefined) this.#moveCategories(item, catalogue);
    }
    const end = deltaEnds[signal]!;
    for (let at = signal === 0 ? 0 : deltaEnds[signal - 1]!; at < end; at++) {
      const sort = sorts[at]!;
      if (sort === COUNT) {
        this.#takeCount(item, weights[at]!, signs[at]!, ats[at] as EpochMs);
      } else if (sort === RATING) {
        this.#takeRating(item, weights[at]!, signs[at]!);
      } else {
        const neighbour = neighbours[at]!;
        let hash = hashes[neighbour];
        if (hash === undefined) {
          hash = hashWordsOf(itemIds[neighbour]!);
          hashes[neighbour] = hash;
        }
        change.isForward = sort === PAIR_FORWARD;
        change.weight = weights[at]!;
        change.sign = signs[at]!;
        change.at = ats[at] as EpochMs;
        this.#pairs.take(item, hash, change);
      }
    }
  }

  #ready(itemId: ItemId, prefetched: Slot<ItemColumns> | undefined): Slot<ItemColumns> {
    const slot = prefetched ?? this.#items.slotOf(itemKey(itemId));
    slot.entity ??= this.#newItem(itemId);
    this.#bringUp(slot.entity);
    return slot;
  }

  #takeRating(item: ItemColumns, value: number, sign: number): void {
    takeRating(item, value, sign);
    this.#partition.ratingCount += sign;
    this.#partition.ratingSumTenths += sign * Math.round(value * 10);
  }

  #newItem(itemId: ItemId): ItemColumns {
    const item = new ItemColumns(itemId);
    item.landmark = this.#partition.landmark;
    this.#partition.itemCount++;
    return item;
  }

  /** Brings an item's counters to the partition's landmark. */
  #bringUp(item: ItemColumns): void {
    const { landmark } = this.#partition;
    if (item.landmark === landmark) return;
    halveNeighbours(item, this.#scales.covisitationHalvings(item.landmark, landmark));
    this.#scales.rebase(item, landmark);
  }

  #takeCount(item: ItemColumns, weight: number, sign: number, at: EpochMs): void {
    const shares = this.#scales.sharesOf(weight, sign, at, item.landmark);
    let isWhole = addShares(item, shares, sign);
    isWhole = addShares(this.#totals, shares, sign) && isWhole;
    for (const name of item.categories) {
      const category = this.#categoryOf(name);
      if (category === undefined) continue;
      isWhole = addShares(category, shares, sign) && isWhole;
      this.#changedCategories.add(name);
    }
    if (shares.isCut || !isWhole) this.#partition.counters.saturated++;
    if (at > item.lastEventAt) item.lastEventAt = at;
  }

  #moveCategories(item: ItemColumns, catalogue: CatalogueSignal): void {
    const next = catalogue.deleted ? [] : [...new Set(catalogue.categories)];
    for (const name of item.categories) {
      if (!next.includes(name)) this.#addToCategory(name, item, -1);
    }
    for (const name of next) {
      if (!item.categories.includes(name)) this.#addToCategory(name, item, 1);
    }
    item.categories = next;
    item.deleted = catalogue.deleted;
  }

  #categoryOf(name: string): CategoryColumns | undefined {
    const category = this.#categories.get(name);
    const { landmark } = this.#partition;
    if (category !== undefined && category.landmark !== landmark) {
      this.#scales.rebase(category, landmark);
    }
    return category;
  }

  #addToCategory(name: string, item: Counters, sign: 1 | -1): void {
    let category = this.#categoryOf(name);
    if (category === undefined) {
      if (this.#categories.size >= this.#options.categoriesMax) {
        this.#partition.counters.categoriesRefused++;
        return;
      }
      category = emptyCategory(this.#partition.landmark);
      this.#categories.set(name, category);
    }
    addCounters(category, item, sign);
    this.#changedCategories.add(name);
  }

  get pendingKeys(): number {
    return this.#items.changedCount + this.#changedCategories.size + 1;
  }

  get pendingBytes(): number {
    return (
      this.#items.changedBytes + this.#changedCategories.size * CATEGORY_BYTES + RESIDENT_BYTES
    );
  }

  envelopes(): readonly Envelope[] {
    return NO_ENVELOPES;
  }

  deadLetters(): readonly DeadLetterRecord[] {
    const letters = this.#deadLetters;
    this.#deadLetters = [];
    return letters;
  }

  encodeAhead(): boolean {
    return this.#items.encodeAhead(ITEMS_PER_TURN);
  }

  changes(): readonly StateChange[] {
    if (!this.#isChanged) return [];
    this.#isChanged = false;
    const changes = this.#items.changes();
    for (const name of this.#changedCategories) {
      const value = encodeCategoryColumns(this.#categories.get(name)!);
      changes.push({ key: categoryKey(name), value });
    }
    this.#changedCategories.clear();
    this.#partition.totals = {
      popularity: String(wideOfWords(this.#totals.counters, POPULARITY)),
      trendFast: String(wideOfWords(this.#totals.counters, TREND_FAST)),
      trendSlow: String(wideOfWords(this.#totals.counters, TREND_SLOW)),
      interactionCount: this.#totals.interactionCount,
    };
    changes.push({ key: PARTITION_KEY, value: encodePartitionState(this.#partition) });
    return changes;
  }

  applied(): void {
    this.#items.trim();
  }
}

const addressedBy = ({ itemIds, items }: PackedSignals): readonly number[] => {
  const isKnown = new Uint8Array(itemIds.length);
  const addressed: number[] = [];
  for (const item of items) {
    if (isKnown[item] === 1) continue;
    isKnown[item] = 1;
    addressed.push(item);
  }
  return addressed;
};

const bytesMaxOf = (item: ItemColumns): number => {
  let bytes = 256 + 3 * item.itemId.length + item.neighbourCount * SLOT_BYTES_MAX;
  for (const category of item.categories) bytes += 3 + 3 * category.length;
  return bytes;
};

const totalsOf = (state: ItemPartitionState): CategoryColumns => {
  const totals = emptyCategory(state.landmark);
  totals.interactionCount = state.totals.interactionCount;
  wordsOfWide(BigInt(state.totals.popularity), totals.counters, POPULARITY);
  wordsOfWide(BigInt(state.totals.trendFast), totals.counters, TREND_FAST);
  wordsOfWide(BigInt(state.totals.trendSlow), totals.counters, TREND_SLOW);
  return totals;
};

const startOfDay = (at: EpochMs): EpochMs => (Math.floor(at / DAY_MS) * DAY_MS) as EpochMs;

const unexpected = (what: string): FreshetError =>
  new Failure('bad_record', { problem: `${what} where an envelope belongs` });
