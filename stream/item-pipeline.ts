/**
 * What envelopes do to items: marks first (what was taken in before is dropped), then counters,
 * ratings, pairs and categories. The partition's totals and the categories are kept in memory
 * whole; items come through the cache and are written back when the batch is applied.
 *
 * A rebase moves the landmark of the totals at once, and that of each item and category when it is
 * next touched: moving late in one step gives the same bits as moving in time in two.
 */
import type { FreshetError } from '../schemas/errors.ts';
import { FreshetError as Failure } from '../schemas/errors.ts';
import type { EpochMs, ItemId, Offset } from '../schemas/ids.ts';
import type { DeadLetterRecord, ItemSignal, ItemSignalsRecord } from '../schemas/records.ts';
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
import type { StateChange } from '../storage/state-store/state-store.ts';
import { EntityCache } from './entity-cache.ts';
import {
  type HashWords,
  halveNeighbours,
  hashWordsOf,
  takePair,
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
  type SourceRecord,
  type StateAccess,
  scanAll,
} from './pipeline.ts';
import type { Envelope, SignalSource } from './signal-batch.ts';

const DAY_MS = 86_400_000;
const RESIDENT_BYTES = 16_384;
const CATEGORY_BYTES = 256;
const SLOT_BYTES_MAX = 36;
const NO_ENVELOPES: readonly Envelope[] = [];

export interface ItemPipelineOptions {
  readonly source: Pick<SignalSource, 'topic' | 'partition'>;
  readonly options: StreamOptions;
}

export class ItemPipeline implements Pipeline {
  readonly #given: ItemPipelineOptions;
  readonly #options: ItemOptions;
  readonly #scales: CounterScales;
  readonly #items: EntityCache<ItemColumns>;
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
    await scanAll(access, CATEGORY_PREFIX, (key, value) => {
      this.#categories.set(key.slice(CATEGORY_PREFIX.length), decodeCategoryColumns(value));
    });
  }

  get partition(): ItemPartitionState {
    return this.#partition;
  }

  get categoryCount(): number {
    return this.#categories.size;
  }

  keysOf({ named }: SourceRecord, wanted: Set<string>): void {
    if (named?.name !== 'ItemSignals') return;
    const { itemIds, signals } = named.record;
    for (const { item } of signals) wanted.add(itemKey(itemIds[item]!));
  }

  keyCountOf({ named }: SourceRecord): number {
    return named?.name === 'ItemSignals' ? named.record.signals.length : 0;
  }

  has(key: string): boolean {
    return this.#items.has(key);
  }

  load(key: string, value: Uint8Array | undefined): void {
    this.#items.load(key, value);
  }

  take({ named, problem, log }: SourceRecord): void {
    this.#isChanged = true;
    const { counters } = this.#partition;
    counters.received++;
    if (named?.name === 'ItemSignals') {
      this.#takeEnvelope(named.record, log.timestamp);
      return;
    }
    counters.deadLettered++;
    const { topic, partition } = this.#given.source;
    const why = problem ?? unexpected(named?.name ?? 'a tombstone');
    this.#deadLetters.push(deadLetterOf(topic, partition, log, why));
  }

  #takeEnvelope(envelope: ItemSignalsRecord, timestamp: EpochMs): void {
    const { sourceLogId, sourceTopic, sourcePartition, clock, landmark } = envelope;
    const state = this.#partition;
    const name = markName(sourceLogId, sourceTopic, sourcePartition);
    const mark = state.marks[name] ?? -1;
    if (envelope.lastOffset <= mark) {
      state.counters.duplicate++;
      state.counters.signalsDropped += envelope.signals.length;
      return;
    }
    state.counters.accepted++;
    if (clock > state.clock) state.clock = clock;
    if (landmark !== null) this.#rebase(landmark);
    else if (state.landmark === 0) this.#rebase(startOfDay(timestamp));
    const hashes = new Array<HashWords | undefined>(envelope.itemIds.length);
    for (const signal of envelope.signals) {
      if (signal.sourceOffset <= mark) state.counters.signalsDropped++;
      else this.#takeSignal(envelope.itemIds, hashes, signal);
    }
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

  #takeSignal(
    itemIds: readonly ItemId[],
    hashes: (HashWords | undefined)[],
    signal: ItemSignal,
  ): void {
    const { counters } = this.#partition;
    counters.signals++;
    const key = itemKey(itemIds[signal.item]!);
    const item = this.#items.get(key) ?? this.#newItem(itemIds[signal.item]!);
    this.#bringUp(item);
    if (signal.catalogue !== null) this.#moveCategories(item, signal.catalogue);
    for (const count of signal.counts) this.#takeCount(item, count);
    for (const rating of signal.ratings) {
      takeRating(item, rating);
      this.#partition.ratingCount += rating.sign;
      this.#partition.ratingSumTenths += rating.sign * Math.round(rating.value * 10);
    }
    const context = { scale: this.#scales.covisitation, options: this.#options, counters };
    for (const pair of signal.pairs) {
      let neighbour = hashes[pair.neighbour];
      if (neighbour === undefined) {
        neighbour = hashWordsOf(itemIds[pair.neighbour]!);
        hashes[pair.neighbour] = neighbour;
      }
      takePair(item, neighbour, pair, signal.subjectHash, context);
    }
    this.#items.set(key, item);
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

  #takeCount(item: ItemColumns, count: ItemSignal['counts'][number]): void {
    const shares = this.#scales.sharesOf(count, item.landmark);
    let isWhole = addShares(item, shares, count.sign);
    isWhole = addShares(this.#totals, shares, count.sign) && isWhole;
    for (const name of item.categories) {
      const category = this.#categoryOf(name);
      if (category === undefined) continue;
      isWhole = addShares(category, shares, count.sign) && isWhole;
      this.#changedCategories.add(name);
    }
    if (shares.isCut || !isWhole) this.#partition.counters.saturated++;
    if (count.at > item.lastEventAt) item.lastEventAt = count.at;
  }

  #moveCategories(item: ItemColumns, catalogue: NonNullable<ItemSignal['catalogue']>): void {
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
      this.#items.changedBytesMax + this.#changedCategories.size * CATEGORY_BYTES + RESIDENT_BYTES
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
