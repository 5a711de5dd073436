/** The catalogue in the log itself, for a feed that is applied while no server runs. */
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock } from '../../schemas/environment.ts';
import { type ItemId, offset, type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { readableRecord } from '../readable-record.ts';
import type { CatalogueTarget } from './item-sync.ts';

const CATALOGUE = TOPICS.catalogue.name;
const READ = { recordsMax: 4_096, bytesMax: 1_048_576 };

export class LogCatalogueTarget implements CatalogueTarget {
  readonly #log: EventLog;
  readonly #clock: Pick<Clock, 'now'>;

  constructor({ log, clock }: { log: EventLog; clock: Pick<Clock, 'now'> }) {
    this.#log = log;
    this.#clock = clock;
  }

  async currentItems(): Promise<Iterable<CatalogueItemRecord>> {
    const items = new Map<string, CatalogueItemRecord>();
    const { partitionCount } = await this.#log.topic(CATALOGUE);
    for (let index = 0; index < partitionCount; index += 1) {
      await this.#readPartition(partitionIndex(index), items);
    }
    return items.values();
  }

  write(items: readonly CatalogueItemRecord[]): Promise<void> {
    return this.#append(
      items.map((item) => ({ itemId: item.itemId, value: encodeRecord('CatalogueItem', item) })),
    );
  }

  remove(itemIds: readonly ItemId[]): Promise<void> {
    return this.#append(itemIds.map((itemId) => ({ itemId, value: null })));
  }

  async #readPartition(
    partition: PartitionIndex,
    into: Map<string, CatalogueItemRecord>,
  ): Promise<void> {
    const { low, end } = await this.#log.watermarks(CATALOGUE, partition);
    for (let from = low; from < end; ) {
      const records = await this.#log.read(CATALOGUE, partition, from, READ);
      const last = records[records.length - 1];
      if (!last) return;
      for (const { key, value } of records) {
        if (value === null) into.delete(Buffer.from(key!).toString());
        else {
          const decoded = readableRecord(value);
          if (decoded?.name === 'CatalogueItem') into.set(decoded.record.itemId, decoded.record);
        }
      }
      from = offset(last.offset + 1);
    }
  }

  async #append(writes: readonly { itemId: ItemId; value: Uint8Array | null }[]): Promise<void> {
    const { partitionCount } = await this.#log.topic(CATALOGUE);
    const timestamp = this.#clock.now();
    const shares = new Map<PartitionIndex, AppendRecord[]>();
    for (const { itemId, value } of writes) {
      const key = Buffer.from(itemId);
      const partition = partitionOf(key, partitionCount);
      const share = shares.get(partition) ?? [];
      shares.set(partition, share);
      share.push({ key, value, timestamp });
    }
    for (const [partition, records] of shares)
      await this.#log.append(CATALOGUE, partition, records);
  }
}
