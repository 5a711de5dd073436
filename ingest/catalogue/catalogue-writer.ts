/**
 * Writes items into the compacted `catalogue` topic. The last write wins, and writes of one item are
 * in the order of their requests, since they go through one partition's queue.
 *
 * A change of a part (PATCH) needs the item as it is. Serving has it, but a moment behind the log, so
 * the newest own writes are remembered until serving shows them; `updatedAt` rises with every write
 * of an item and tells which of the two is newer.
 */
import {
  ItemInput,
  ItemPatch,
  ItemReplacement,
  type ItemsAnswer,
} from '../../schemas/api/items.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type EpochMs, epochMs, type ItemId, type PartitionIndex } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import type { AppendRecord } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { AppendQueue, QueueBudget } from '../edge/append-queue.ts';
import { appendShares } from '../edge/append-shares.ts';
import { type Batch, placeIn } from '../edge/batch.ts';
import { shownText } from '../edge/ids.ts';
import { isRefusal, shapeOf } from '../edge/shape.ts';
import { itemRecord, patchedItem } from './item-record.ts';

export interface CatalogueWriterOptions {
  readonly queue: AppendQueue;
  readonly budget: QueueBudget;
  readonly clock: Pick<Clock, 'now'>;
  /** The item as serving has it; undefined where there is none. */
  readonly currentItem: (itemId: ItemId) => CatalogueItemRecord | undefined;
  /** Resolves once lists go by what stands at these positions of the catalogue. */
  readonly untilShown: (positions: ItemsAnswer['positions']) => Promise<void>;
  readonly recentItemsMax: number;
}

type Positions = ItemsAnswer['positions'];
type Refused = ItemsAnswer['refused'][number];

/** An own write that serving may not show yet; `item` is undefined where it was a deletion. */
interface RecentWrite {
  readonly item: CatalogueItemRecord | undefined;
  readonly at: EpochMs;
}

const inputShape = shapeOf<ItemInput>(ItemInput);
const replacementShape = shapeOf<ItemReplacement>(ItemReplacement);
const patchShape = shapeOf<ItemPatch>(ItemPatch);

export class CatalogueWriter {
  readonly #options: CatalogueWriterOptions;
  readonly #recent = new Map<ItemId, RecentWrite>();

  constructor(options: CatalogueWriterOptions) {
    this.#options = options;
  }

  /** Writes whole items; of an item named twice the later one holds. */
  async put(batch: Batch): Promise<ItemsAnswer> {
    this.#options.budget.check();
    const refused: Refused[] = [];
    const items: CatalogueItemRecord[] = [];
    batch.values.forEach((given, index) => {
      try {
        const input = inputShape.check(given, placeIn(batch, index));
        items.push(
          itemRecord(input, { itemId: input.itemId, updatedAt: this.#stamp(input.itemId) }),
        );
      } catch (error) {
        if (!isRefusal(error) || batch.isSingle) throw error;
        refused.push(refusalOf(index, given, error));
      }
    });
    return { accepted: items.length, refused, positions: await this.#write(items) };
  }

  replace(itemId: ItemId, body: unknown): Promise<ItemsAnswer> {
    this.#options.budget.check();
    const replacement = replacementShape.check(body, '');
    return this.#writeOne(itemRecord(replacement, { itemId, updatedAt: this.#stamp(itemId) }));
  }

  async patch(itemId: ItemId, body: unknown): Promise<ItemsAnswer> {
    this.#options.budget.check();
    const patch = patchShape.check(body, '');
    const item = this.#newest(itemId);
    if (item === undefined) throw noSuchItem(itemId);
    return this.#writeOne(patchedItem(item, patch, this.#stamp(itemId)));
  }

  async remove(itemId: ItemId): Promise<ItemsAnswer> {
    this.#options.budget.check();
    if (this.#newest(itemId) === undefined) throw noSuchItem(itemId);
    return answerOf(await this.#append([{ itemId, item: undefined, at: this.#stamp(itemId) }]));
  }

  async #writeOne(item: CatalogueItemRecord): Promise<ItemsAnswer> {
    return answerOf(await this.#write([item]));
  }

  #write(items: readonly CatalogueItemRecord[]): Promise<Positions> {
    return this.#append(items.map((item) => ({ itemId: item.itemId, item, at: item.updatedAt })));
  }

  async #append(writes: readonly (RecentWrite & { itemId: ItemId })[]): Promise<Positions> {
    const { queue, untilShown } = this.#options;
    const shares = new Map<PartitionIndex, AppendRecord[]>();
    for (const { itemId, item, at } of writes) {
      const key = Buffer.from(itemId);
      const partition = partitionOf(key, queue.partitionCount);
      const value = item === undefined ? null : encodeRecord('CatalogueItem', item);
      const share = shares.get(partition) ?? [];
      shares.set(partition, share);
      share.push({ key, value, timestamp: at });
    }
    for (const write of writes) this.#remember(write.itemId, write);
    try {
      const positions = await appendShares(queue, shares);
      await untilShown(positions);
      return positions;
    } catch (error) {
      for (const { itemId, at } of writes) this.#forget(itemId, at);
      throw error;
    }
  }

  /** The item with every write that was accepted for it, whether serving shows it already or not. */
  #newest(itemId: ItemId): CatalogueItemRecord | undefined {
    const shown = this.#options.currentItem(itemId);
    const recent = this.#recent.get(itemId);
    if (recent === undefined) return shown;
    if (shown !== undefined && shown.updatedAt >= recent.at) {
      this.#recent.delete(itemId);
      return shown;
    }
    return recent.item;
  }

  /** Now, or a millisecond after the last write of the item. */
  #stamp(itemId: ItemId): EpochMs {
    const before = Math.max(
      this.#recent.get(itemId)?.at ?? 0,
      this.#options.currentItem(itemId)?.updatedAt ?? 0,
    );
    return epochMs(Math.max(this.#options.clock.now(), before + 1));
  }

  #remember(itemId: ItemId, { item, at }: RecentWrite): void {
    this.#recent.delete(itemId);
    this.#recent.set(itemId, { item, at });
    if (this.#recent.size <= this.#options.recentItemsMax) return;
    const oldest = this.#recent.keys().next();
    if (!oldest.done) this.#recent.delete(oldest.value);
  }

  #forget(itemId: ItemId, at: EpochMs): void {
    if (this.#recent.get(itemId)?.at === at) this.#recent.delete(itemId);
  }
}

const answerOf = (positions: Positions): ItemsAnswer => ({ accepted: 1, refused: [], positions });

const noSuchItem = (itemId: ItemId): FreshetError =>
  new FreshetError('not_found', { what: `item ${shownText(itemId)}` });

const refusalOf = (index: number, given: unknown, { code, message }: FreshetError): Refused => {
  const { itemId } = given as { itemId?: unknown };
  return { index, itemId: typeof itemId === 'string' ? itemId : null, code, message };
};
