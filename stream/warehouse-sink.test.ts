import { afterEach, describe, expect, it } from 'vitest';
import { FreshetError } from '../schemas/errors.ts';
import { type ItemId, NO_OFFSET, type Offset, type PartitionIndex } from '../schemas/ids.ts';
import { allRowsOf } from '../storage/warehouse/memory-warehouse.ts';
import type { OffsetRange, Row, RowPieces, Warehouse } from '../storage/warehouse/warehouse.ts';
import { createStreamFixture, interaction, T0 } from '../test/stream/stream-fixture.ts';
import { DEFAULT_STREAM_OPTIONS } from './options.ts';
import { createStream, type Stream } from './stream.ts';

/** A warehouse that keeps rows by position, as a ReplacingMergeTree does, and can be away. */
class TestWarehouse implements Warehouse {
  readonly rows = new Map<string, Row>();
  readonly ranges: OffsetRange[] = [];
  readonly covered = new Map<string, Offset>();
  isAway = false;
  /** Replies lost after the rows were stored. */
  lostReplies = 0;
  /** Nothing is answered before this; undefined answers at once. */
  firstAnswer: Promise<void> | undefined;

  async insert(
    table: string,
    pieces: RowPieces,
    given: OffsetRange | readonly OffsetRange[],
  ): Promise<void> {
    const rows = await allRowsOf(pieces);
    this.#answer();
    const [range] = [given].flat() as [OffsetRange];
    for (const row of rows)
      this.rows.set(`${table} ${row.topic} ${row.partition} ${row.offset}`, row);
    this.ranges.push(range);
    if (this.lostReplies > 0) {
      this.lostReplies--;
      throw new FreshetError('warehouse_unavailable', { problem: 'a lost reply' });
    }
    this.covered.set(placeOf(table, range), range.lastOffset);
  }

  async coveredOffset(place: {
    readonly table: string;
    readonly topic: string;
    readonly partition: PartitionIndex;
  }): Promise<Offset> {
    this.#answer();
    return this.covered.get(placeOf(place.table, place)) ?? NO_OFFSET;
  }

  async query(): Promise<readonly Row[]> {
    return [];
  }

  async *stream(): AsyncIterable<readonly Row[]> {
    yield [];
  }

  async command(): Promise<void> {}

  async migrate(): Promise<void> {
    await this.firstAnswer;
    this.#answer();
  }

  async ping(): Promise<boolean> {
    return !this.isAway;
  }

  async close(): Promise<void> {}

  #answer(): void {
    if (this.isAway) throw new FreshetError('warehouse_unavailable', { problem: 'no answer' });
  }
}

const placeOf = (
  table: string,
  { topic, partition }: { readonly topic: string; readonly partition: PartitionIndex },
): string => `${table} ${topic} ${partition}`;

const started: Stream[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((stream) => stream.stop()));
});

const start = async (warehouse: TestWarehouse, chunkRecords = 256) => {
  const fixture = createStreamFixture({
    userPartitions: 1,
    itemPartitions: 1,
    options: {
      ...DEFAULT_STREAM_OPTIONS,
      sink: { ...DEFAULT_STREAM_OPTIONS.sink, chunkRecords },
    },
  });
  const stream = createStream({ ...fixture.deps, warehouse });
  started.push(stream);
  await stream.start();
  return { fixture, stream };
};

const sinkOf = async (stream: Stream, table: string) =>
  (await stream.status()).sinks.find((sink) => sink.table === table)!;

/** Turns of the event loop until the sink stands where it should. */
const until = async (isTrue: () => Promise<boolean>): Promise<void> => {
  for (let turns = 0; turns < 10_000; turns++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('Expected the sink to get there.');
};

describe('the warehouse sink', () => {
  it('copies what was taken in, and leaves out duplicates, conflicts and refused undos', async () => {
    const warehouse = new TestWarehouse();
    const { fixture, stream } = await start(warehouse);
    const one = interaction({ id: 'one', item: 'a' });
    await fixture.interact(
      one,
      one,
      { ...one, itemId: 'b' as ItemId },
      interaction({ id: 'late', item: 'c', minute: 90, receivedMinute: 90 }),
    );
    await stream.caughtUp();
    await until(async () => (await sinkOf(stream, 'interactions')).coveredOffset === 3);
    expect([...warehouse.rows.values()].map(({ eventId, offset }) => [eventId, offset])).toEqual([
      ['one', 0],
      ['late', 3],
    ]);
    expect(await sinkOf(stream, 'interactions')).toMatchObject({ rows: 2, rejected: 2, lag: 0 });
  });

  it('copies impressions and every state of an item, its deletion included', async () => {
    const warehouse = new TestWarehouse();
    const { fixture, stream } = await start(warehouse);
    const { eventLog } = fixture.deps;
    await fixture.append('impressions', 'Impression', [
      {
        key: 'u:ada',
        record: {
          source: 'shop',
          listId: 'list' as never,
          placement: null,
          userId: 'ada' as never,
          sessionId: null,
          items: [{ itemId: 'a' as ItemId, rank: 1, propensity: null }],
          models: {},
          experiment: null,
          variant: null,
          occurredAt: T0,
          receivedAt: T0,
        },
      },
    ]);
    const key = new TextEncoder().encode('a');
    await eventLog.append('catalogue', 0 as PartitionIndex, [{ key, value: null, timestamp: T0 }]);
    await until(async () => (await sinkOf(stream, 'items')).coveredOffset === 0);
    await until(async () => (await sinkOf(stream, 'impressions')).coveredOffset === 0);
    expect(warehouse.rows.get('items catalogue 0 0')).toMatchObject({ itemId: 'a', deleted: true });
    expect(warehouse.rows.get('impressions impressions 0 0')).toMatchObject({ itemIds: ['a'] });
  });

  it('cuts at multiples of the chunk, and follows without a hole', async () => {
    const warehouse = new TestWarehouse();
    const { fixture, stream } = await start(warehouse, 16);
    await fixture.interact(
      ...Array.from({ length: 40 }, (_, index) => interaction({ item: `item-${index}` })),
    );
    await stream.caughtUp();
    await until(async () => (await sinkOf(stream, 'interactions')).coveredOffset === 39);
    const ranges = warehouse.ranges.filter(({ topic }) => topic === 'interactions');
    let expected = 0;
    for (const { firstOffset, lastOffset } of ranges) {
      expect(firstOffset).toBe(expected);
      expected = lastOffset + 1;
      expect(lastOffset === 39 || expected % 16 === 0).toBe(true);
    }
    expect(warehouse.rows.size).toBe(40);
  });

  it('copies several chunks at once where many are due, and never more than the limit', async () => {
    const warehouse = new TestWarehouse();
    warehouse.isAway = true;
    const { fixture, stream } = await start(warehouse, 16);
    await fixture.interact(
      ...Array.from({ length: 160 }, (_, index) => interaction({ item: `item-${index}` })),
    );
    await stream.caughtUp();
    warehouse.isAway = false;
    await until(async () => (await sinkOf(stream, 'interactions')).coveredOffset === 159);
    const ranges = warehouse.ranges.filter(({ topic }) => topic === 'interactions');
    expect(ranges.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset])).toEqual([
      [0, 63],
      [64, 127],
      [128, 159],
    ]);
    expect(warehouse.rows.size).toBe(160);
  });

  it('is as far behind as what it should have copied, before the warehouse has answered once', async () => {
    const warehouse = new TestWarehouse();
    const answering = Promise.withResolvers<void>();
    warehouse.firstAnswer = answering.promise;
    const { fixture, stream } = await start(warehouse);
    await fixture.interact(interaction({ item: 'a' }), interaction({ item: 'b', minute: 1 }));
    await stream.caughtUp();
    expect(await sinkOf(stream, 'interactions')).toMatchObject({ problem: null, lag: 2 });
    answering.resolve();
    await until(async () => (await sinkOf(stream, 'interactions')).lag === 0);
    expect(warehouse.rows.size).toBe(2);
  });

  it('counts into its lag what was taken in while it slept', async () => {
    const warehouse = new TestWarehouse();
    const { fixture, stream } = await start(warehouse);
    await fixture.interact(interaction({ item: 'a' }));
    await stream.caughtUp();
    const { coveredOffset, lag } = await sinkOf(stream, 'interactions');
    expect(coveredOffset + lag).toBe(0);
  });

  it('that has nothing to do does not go by its old mark once the warehouse was set up anew', async () => {
    const warehouse = new TestWarehouse();
    const { fixture, stream } = await start(warehouse);
    await fixture.interact(interaction({ item: 'a' }), interaction({ item: 'b', minute: 1 }));
    await stream.caughtUp();
    await until(async () => (await sinkOf(stream, 'interactions')).coveredOffset === 1);
    warehouse.rows.clear();
    warehouse.covered.clear();
    stream.warehouseSetUpAnew();
    expect(await sinkOf(stream, 'interactions')).toMatchObject({ lag: 2 });
    await until(async () => (await sinkOf(stream, 'interactions')).lag === 0);
    expect(warehouse.rows.size).toBe(2);
  });

  it('is missed by nobody while the warehouse is away, and copies everything once when it is back', async () => {
    const warehouse = new TestWarehouse();
    warehouse.isAway = true;
    const { fixture, stream } = await start(warehouse);
    await fixture.interact(interaction({ item: 'a' }), interaction({ item: 'b', minute: 1 }));
    await stream.caughtUp();
    expect((await stream.status()).isHealthy).toBe(true);
    await until(async () => (await sinkOf(stream, 'interactions')).problem !== null);
    await until(async () => (await sinkOf(stream, 'interactions')).lag === 2);
    warehouse.isAway = false;
    warehouse.lostReplies = 2;
    await until(async () => (await sinkOf(stream, 'interactions')).coveredOffset === 1);
    expect(warehouse.rows.size).toBe(2);
    expect(await sinkOf(stream, 'interactions')).toMatchObject({ problem: null, lag: 0 });
  });
});
