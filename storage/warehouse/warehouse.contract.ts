/**
 * The rules of the Warehouse, run against every adapter on the tables of
 * `contract-tables.fixture.ts`. Each test writes a topic of its own, so one engine serves them all.
 *
 * W1 an insert is visible to the next query. W2 an offset range that is sent again counts once, also
 * after a restart and with other timing. W3 the same SQL gives the same rows and JavaScript types.
 * W4 values are bound. W5 a failed statement rejects with the engine's code and the statement's name.
 * W6 migrate twice is once. W7 large reads stream, and can be cancelled.
 *
 * Beyond the port's own: W8 a writer that does not know that the warehouse was set up anew is told,
 * until it asks for the covered offset again; W9 after close every call rejects with its code; W10 a
 * row that does not fit its table is refused, and nothing of its insert is stored.
 */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Offset, offset, type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';
import { CELLS, EVENTS } from './contract-tables.fixture.ts';
import type { Row, Warehouse } from './warehouse.ts';

export interface WarehouseFixture {
  /** Another adapter on the same warehouse. */
  open(): Promise<Warehouse>;
  /** Everything is lost, behind the back of all that are open. */
  lose(): Promise<void>;
  /** What the events table holds of a topic, by offset. */
  events(topic: string): Promise<readonly Row[]>;
  remove(): Promise<void>;
}

export interface WarehouseUnderTest {
  readonly name: string;
  readonly create: () => Promise<WarehouseFixture>;
  /** Why it answers no SQL, where that is so. */
  readonly lacksSql?: string;
}

const P0 = partitionIndex(0);
const P1 = partitionIndex(1);

export const warehouseContract = (adapter: WarehouseUnderTest): void => {
  const sqlRule = (name: string, test: () => Promise<void>): void => {
    if (adapter.lacksSql === undefined) it(name, test);
    else it.skip(`${name} (skipped: ${adapter.lacksSql})`, test);
  };

  describe(`${adapter.name} keeps the rules of the Warehouse`, () => {
    let fixture: WarehouseFixture;
    let warehouse: Warehouse;
    let topic = 'topic-0';
    let topics = 0;
    beforeAll(async () => {
      fixture = await adapter.create();
    });
    afterAll(() => fixture.remove());
    beforeEach(async () => {
      topics += 1;
      topic = `topic-${topics}`;
      warehouse = await fixture.open();
      await warehouse.migrate();
    });
    afterEach(() => warehouse.close());

    const row = (at: number, partition: PartitionIndex = P0): Row => ({
      topic,
      partition,
      offset: at,
      item: `item-${at}`,
      weight: at / 4,
    });
    /** Rows of a range; odd offsets were rejected and have none. */
    const send = (first: number, last: number, to = warehouse, partition = P0): Promise<void> => {
      const rows: Row[] = [];
      for (let at = first; at <= last; at += 1) if (at % 2 === 0) rows.push(row(at, partition));
      return to.insert(EVENTS.name, rows, rangeOf(first, last, partition));
    };
    const rangeOf = (first: number, last: number, partition = P0) => ({
      topic,
      partition,
      firstOffset: offset(first),
      lastOffset: offset(last),
    });
    const covered = (from = warehouse, partition = P0): Promise<Offset> =>
      from.coveredOffset({ table: EVENTS.name, topic, partition });
    const offsets = async (): Promise<readonly unknown[]> =>
      (await fixture.events(topic)).map((found) => found.offset);
    const one = async (sql: string, parameters = {}): Promise<unknown> =>
      Object.values((await warehouse.query({ name: 'one', sql }, parameters))[0]!)[0];

    it('[W1] what was inserted is there for the next query', async () => {
      await send(0, 5);
      expect(await fixture.events(topic)).toEqual([row(0), row(2), row(4)]);
      await send(6, 9);
      expect(await offsets()).toEqual([0, 2, 4, 6, 8]);
    });

    it('[W2] a range that is sent again counts once, also by another writer', async () => {
      await send(0, 9);
      await send(0, 9);
      await send(0, 9, await fixture.open());
      expect(await offsets()).toEqual([0, 2, 4, 6, 8]);
    });

    it('[W2] ranges that are cut elsewhere the second time count once', async () => {
      await send(0, 9);
      await send(0, 3);
      await send(4, 13);
      expect(await offsets()).toEqual([0, 2, 4, 6, 8, 10, 12]);
    });

    it('[W2] the covered offset is the end of the last range, not the last row', async () => {
      expect(await covered()).toBe(-1);
      await send(0, 4);
      expect(await covered()).toBe(4);
      await send(5, 5);
      expect(await covered()).toBe(5);
      expect(await covered(await fixture.open())).toBe(5);
    });

    it('[W2] the covered offset does not go back when an old range comes again', async () => {
      await send(0, 9);
      await send(2, 3);
      expect(await covered()).toBe(9);
    });

    it('[W2] partitions, topics and tables are covered apart', async () => {
      await send(0, 9);
      await send(0, 3, warehouse, P1);
      expect([await covered(), await covered(warehouse, P1)]).toEqual([9, 3]);
      expect(await warehouse.coveredOffset({ table: CELLS.name, topic, partition: P0 })).toBe(-1);
    });

    it('[W2] one insert may cover several partitions, also without a row', async () => {
      await warehouse.insert(EVENTS.name, [row(3), row(7, P1)], [rangeOf(0, 5), rangeOf(0, 9, P1)]);
      expect(await fixture.events(topic)).toEqual([row(3), row(7, P1)]);
      expect([await covered(), await covered(warehouse, P1)]).toEqual([5, 9]);
      await warehouse.insert(EVENTS.name, [], [rangeOf(6, 6), rangeOf(10, 12, P1)]);
      expect([await covered(), await covered(warehouse, P1)]).toEqual([6, 12]);
    });

    it('[W8] one partition that was told of a loss holds back an insert of several', async () => {
      await send(0, 9);
      await send(0, 9, warehouse, P1);
      await fixture.lose();
      await warehouse.migrate();
      expect(await covered()).toBe(-1);
      const both = [rangeOf(10, 11), rangeOf(10, 11, P1)];
      await expect(warehouse.insert(EVENTS.name, [], both)).rejects.toMatchObject({
        code: 'warehouse_reset',
      });
    });

    it('[W8] a writer is told that the warehouse was set up anew until it looks again', async () => {
      await covered();
      await send(0, 9);
      await send(0, 9, warehouse, P1);
      await fixture.lose();
      const reset = { code: 'warehouse_reset' };
      await expect(send(10, 19)).rejects.toMatchObject(reset);
      await expect(covered()).rejects.toMatchObject(reset);
      await (await fixture.open()).migrate();
      await expect(send(10, 19)).rejects.toMatchObject(reset);
      expect(await covered()).toBe(-1);
      await send(0, 19);
      expect(await offsets()).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
      await expect(send(10, 19, warehouse, P1)).rejects.toMatchObject(reset);
      expect(await covered(warehouse, P1)).toBe(-1);
    });

    it('[W6] migrating twice, and from two sides at once, is migrating once', async () => {
      await send(0, 9);
      const other = await fixture.open();
      await Promise.all([warehouse.migrate(), other.migrate()]);
      await warehouse.migrate();
      expect(await covered()).toBe(9);
      expect(await offsets()).toEqual([0, 2, 4, 6, 8]);
    });

    it('[W9] after close every call rejects with its code', async () => {
      const closed = { code: 'warehouse_closed' };
      const statement = { name: 'any', sql: 'SELECT 1' };
      expect(await warehouse.ping()).toBe(true);
      await warehouse.close();
      await warehouse.close();
      expect(await warehouse.ping()).toBe(false);
      await expect(send(0, 1)).rejects.toMatchObject(closed);
      await expect(covered()).rejects.toMatchObject(closed);
      await expect(warehouse.query(statement)).rejects.toMatchObject(closed);
      await expect(firstBlock(warehouse.stream(statement))).rejects.toMatchObject(closed);
      await expect(warehouse.command(statement)).rejects.toMatchObject(closed);
      await expect(warehouse.migrate()).rejects.toMatchObject(closed);
    });

    sqlRule('[W3] cells come back as they went in, whatever their type', async () => {
      let sent = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(cells, { minLength: 1, maxLength: 40 }), async (rows) => {
          sent += 1;
          const first = sent * 100;
          const placed = rows.map((cell, at) => ({
            topic,
            partition: P0,
            offset: first + at,
            ...cell,
          }));
          await warehouse.insert(CELLS.name, placed, rangeOf(first, first + rows.length));
          const found = await warehouse.query(
            {
              name: 'cells',
              sql: `SELECT * FROM ${CELLS.name} FINAL WHERE topic = {topic:String} AND offset >= {first:UInt64} ORDER BY offset`,
            },
            { topic, first },
          );
          expect(found).toEqual(placed);
        }),
        { numRuns: 15 },
      );
    });

    sqlRule('[W3] an absent cell becomes the default of its column', async () => {
      await warehouse.insert(EVENTS.name, [{ topic, partition: P0, offset: 1 }], rangeOf(0, 1));
      expect(await fixture.events(topic)).toEqual([
        { topic, partition: P0, offset: 1, item: '', weight: 0 },
      ]);
    });

    sqlRule('[W3] each type of the engine has its JavaScript type', async () => {
      const sql = `SELECT count() AS count, sum(number) AS sum, avg(number) AS average,
        max(toUInt128(number)) AS wide, toDecimal64(1.5, 3) AS decimal, NULL AS nothing,
        toDateTime64('1969-12-31 23:59:59.5', 3) AS before, toDateTime('2026-01-31 00:00:01') AS second,
        toDate('2026-01-31') AS day, true AS flag, [1, 2] AS list, tuple(1, 'a') AS pair,
        map('__proto__', toUInt64(1)) AS map, [nan, inf, -inf, 0.1] AS floats, generateUUIDv4() AS id,
        'é\\n\\r"☃' AS text FROM numbers(5)`;
      const [found] = await warehouse.query({ name: 'types', sql });
      expect(found).toEqual({
        count: 5,
        sum: 10,
        average: 2,
        wide: 4n,
        decimal: '1.5',
        nothing: null,
        before: -500,
        second: Date.UTC(2026, 0, 31, 0, 0, 1),
        day: '2026-01-31',
        flag: true,
        list: [1, 2],
        pair: [1, 'a'],
        map: new Map([['__proto__', 1]]),
        floats: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1],
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        text: 'é\n\r"☃',
      });
    });

    sqlRule('[W3] a number that JavaScript cannot hold is refused by name', async () => {
      const sql = 'SELECT toUInt64(9007199254740993) AS hash';
      await expect(warehouse.query({ name: 'hashes', sql })).rejects.toMatchObject({
        code: 'statement_failed',
        message: expect.stringContaining('column hash'),
      });
      expect(await one('SELECT toUInt128(9007199254740993)')).toBe(9007199254740993n);
    });

    sqlRule('[W3] no rows are an empty answer', async () => {
      const sql = 'SELECT number FROM numbers(0)';
      expect(await warehouse.query({ name: 'none', sql })).toEqual([]);
    });

    sqlRule('[W4] values are bound, whatever is in them', async () => {
      const nasty = `'; DROP TABLE ${EVENTS.name}; -- \\ \t\n{x:String} __proto__ é☃`;
      expect(await one('SELECT {x:String}', { x: nasty })).toBe(nasty);
      expect(await one('SELECT {x:Array(String)}', { x: [nasty, ''] })).toEqual([nasty, '']);
      expect(await one('SELECT {x:Nullable(String)}', { x: null })).toBe(null);
      expect(await one('SELECT {x:UInt64}', { x: 2 ** 53 - 1 })).toBe(2 ** 53 - 1);
      expect(await one('SELECT {x:UInt128}', { x: 2n ** 100n })).toBe(2n ** 100n);
      expect(await one('SELECT {x:Bool}', { x: true })).toBe(true);
      const at = new Date('2026-01-31T12:00:00.123Z');
      expect(await one('SELECT {x:DateTime64(3)}', { x: at })).toBe(at.getTime());
      const many = Array.from({ length: 5_000 }, (_, index) => `item-${index}`);
      expect(await one('SELECT length({x:Array(String)})', { x: many })).toBe(many.length);
      await expect(one('SELECT {x:UInt64}', { x: '1; DROP' })).rejects.toMatchObject({
        code: 'statement_failed',
      });
      await expect(one('SELECT {y:UInt64}', { x: 1 })).rejects.toMatchObject({
        code: 'statement_failed',
      });
    });

    sqlRule('[W5] a failed statement says which one, and what the engine calls it', async () => {
      const sql = 'SELECT nope';
      await expect(warehouse.query({ name: 'daily report', sql })).rejects.toMatchObject({
        code: 'statement_failed',
        details: { statement: 'daily report', engineCode: 'UNKNOWN_IDENTIFIER (47)' },
      });
      await expect(
        warehouse.command({ name: 'tidy', sql: 'OPTIMIZE TABLE nowhere' }),
      ).rejects.toMatchObject({
        details: { statement: 'tidy', engineCode: 'UNKNOWN_TABLE (60)' },
      });
    });

    sqlRule('[W5] a statement that fails after its first rows says so too', async () => {
      const sql = "SELECT number, throwIf(number = 300000, 'enough') AS x FROM numbers(1000000)";
      let rows = 0;
      const read = async (): Promise<void> => {
        for await (const block of warehouse.stream({ name: 'half', sql })) rows += block.length;
      };
      await expect(read()).rejects.toMatchObject({
        code: 'statement_failed',
        details: { statement: 'half', problem: expect.stringContaining('enough') },
      });
      expect(rows).toBeLessThan(300_000);
    });

    sqlRule('[W7] rows come in blocks while the query is still running', async () => {
      const sql = "SELECT number AS n, repeat('x', 50) AS x FROM numbers(400000)";
      const sizes: number[] = [];
      let sum = 0;
      for await (const block of warehouse.stream({ name: 'large', sql })) {
        sizes.push(block.length);
        for (const { n } of block) sum += n as number;
      }
      expect(sum).toBe((400_000 * 399_999) / 2);
      expect(Math.max(...sizes)).toBeLessThan(40_000);
    });

    const running = async (mark: string): Promise<number> =>
      (await one(
        "SELECT count() FROM system.processes WHERE query LIKE {mark:String} AND query NOT LIKE '%system.processes%'",
        { mark: `%${mark}%` },
      )) as number;
    const gone = async (mark: string): Promise<void> => {
      while ((await running(mark)) > 0);
    };
    const endless = (mark: string): string => `SELECT number AS ${mark} FROM system.numbers`;

    sqlRule('[W7] aborting the signal cancels the query in the engine', async () => {
      const stop = new AbortController();
      const reason = new Error('no longer wanted');
      const read = async (): Promise<void> => {
        const statement = { name: 'endless', sql: endless('aborted_one') };
        for await (const _ of warehouse.stream(statement, {}, stop.signal)) stop.abort(reason);
      };
      await expect(read()).rejects.toBe(reason);
      await gone('aborted_one');
      await expect(
        warehouse.query({ name: 'late', sql: 'SELECT 1' }, {}, stop.signal),
      ).rejects.toBe(reason);
    });

    sqlRule('[W7] aborting before the first row cancels as well', async () => {
      const stop = new AbortController();
      const reason = new Error('at once');
      const sql = 'SELECT sum(sipHash64(number)) AS before_rows FROM system.numbers';
      const reading = warehouse.query({ name: 'slow', sql }, {}, stop.signal);
      while ((await running('before_rows')) === 0);
      stop.abort(reason);
      await expect(reading).rejects.toBe(reason);
      await gone('before_rows');
    });

    sqlRule('[W7] a reader that stops reading ends its query', async () => {
      const statement = { name: 'endless', sql: endless('left_one') };
      expect((await firstBlock(warehouse.stream(statement))).length).toBeGreaterThan(0);
      await gone('left_one');
    });

    sqlRule('[W10] a row that does not fit is refused, with all of its insert', async () => {
      for (const bad of [{ offset: -1 }, { offset: 0.5 }, { item: 7 }, { weight: 'heavy' }]) {
        const rows = [row(0), { ...row(2), ...bad }];
        await expect(warehouse.insert(EVENTS.name, rows, rangeOf(0, 2))).rejects.toMatchObject({
          code: 'statement_failed',
          message: expect.stringContaining(`column ${Object.keys(bad)[0]}`),
        });
      }
      expect(await fixture.events(topic)).toEqual([]);
      expect(await covered()).toBe(-1);
    });
  });
};

const firstBlock = async (blocks: AsyncIterable<readonly Row[]>): Promise<readonly Row[]> => {
  for await (const block of blocks) return block;
  return [];
};

const SECOND_MAX = 4_294_967_295;
const TIME_MIN = Date.UTC(1900, 0, 1);
const TIME_MAX = Date.UTC(2262, 0, 1);
const time = fc.integer({ min: TIME_MIN, max: TIME_MAX });
const dayText = (min: number, max: number) =>
  fc.integer({ min, max }).map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10));
const text = fc.string({ unit: 'binary', maxLength: 80 });
const safe = fc.maxSafeInteger();
const decimalText = (scale: number, wholeMax: bigint) =>
  fc
    .tuple(
      fc.bigInt({ min: -wholeMax, max: wholeMax }),
      fc.integer({ min: 1, max: 10 ** scale - 1 }),
    )
    .map(([whole, rest]) => {
      const places = `${rest}`.padStart(scale, '0').replace(/0+$/, '');
      return `${whole}.${places}`;
    });

/** One row of `contract_cells`, without its place. */
const cells = fc.record({
  text,
  word: fc.option(text),
  flag: fc.boolean(),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32_768, max: 32_767 }),
  int32: fc.integer(),
  int64: safe,
  uint8: fc.integer({ min: 0, max: 255 }),
  uint16: fc.integer({ min: 0, max: 65_535 }),
  uint64: fc.maxSafeNat(),
  int128: fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }),
  uint256: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  float32: fc.float(),
  float64: fc.option(fc.double()),
  decimal9: decimalText(2, 9_999_999n),
  decimal38: decimalText(10, 10n ** 27n),
  day: dayText(0, 65_535),
  farDay: dayText(-25_567, 120_529),
  second: fc.integer({ min: 0, max: SECOND_MAX }).map((second) => second * 1000),
  milli: time,
  micro: time,
  maybe: fc.option(time),
  uuid: fc.uuid(),
  fixed: fc.constantFrom('abcd', 'ABCD', '1234'),
  choice: fc.constantFrom("it's", 'b'),
  list: fc.array(fc.option(safe), { maxLength: 5 }),
  nested: fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 3 }),
  pair: fc.tuple(text, fc.maxSafeNat()),
  map: fc
    .array(fc.tuple(text, fc.double({ noNaN: true })), { maxLength: 4 })
    .map((entries) => new Map(entries)),
});
