/**
 * What the embedded warehouse costs and sustains: start, memory, idle processor time, inserts in the two
 * formats, streamed reads, bytes on disk. Run it alone with `node bench/warehouse.ts`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from '@clickhouse/client';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { offset, partitionIndex } from '../schemas/ids.ts';
import { silentLogger } from '../schemas/silent-logger.fixture.ts';
import { ddlOf, WAREHOUSE_TABLES } from '../schemas/tables.ts';
import { ClickHouseWarehouse } from '../storage/warehouse/clickhouse-warehouse.ts';
import { EmbeddedClickHouse } from '../storage/warehouse/embedded-clickhouse.ts';
import { embeddedClickHouseAvailable } from '../storage/warehouse/engine-library.ts';
import { rowEncoder } from '../storage/warehouse/row-binary.ts';
import type { Row } from '../storage/warehouse/warehouse.ts';
import { type Benchmark, type BenchResult, type Figure, printResult } from './result.ts';

const SEED = 7;
const ROWS = 1_000_000;
const TABLE = WAREHOUSE_TABLES.interactions;
const BINARY_TABLE = { ...TABLE, name: 'interactions_binary' };
const JSON_TABLE = 'interactions_json';
const TOPIC = 'interactions';
const DATABASE = 'freshet_bench';
const TICKS_PER_SECOND = 100;

/** mulberry32 */
const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const hex = (random: () => number, digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');

/** Interactions as the demo has them: ids without order, a third of them from a list. */
const interactionsOf = (random: () => number, first: number, count: number): readonly Row[] =>
  Array.from({ length: count }, (_, at) => {
    const user = `user-${Math.floor(random() ** 2 * 20_000)}`;
    const at1 = 1_700_000_000_000 + (first + at) * 40 + Math.floor(random() * 40);
    const isListed = random() < 1 / 3;
    const isRating = random() < 1 / 4;
    return {
      topic: TOPIC,
      partition: 0,
      offset: first + at,
      subject: `u:${user}`,
      userId: user,
      sessionId: hex(random, 12),
      itemId: `film-${Math.floor(random() ** 2 * 3_500)}-${1950 + Math.floor(random() * 70)}`,
      kind: isRating ? 'rating' : 'click',
      value: isRating ? Math.ceil(random() * 10) / 2 : null,
      occurredAt: at1,
      receivedAt: at1 + 3,
      source: 'site',
      eventId: `${hex(random, 8)}-${hex(random, 4)}-${hex(random, 16)}`,
      backfill: null,
      sequence: null,
      listId: isListed ? hex(random, 16) : null,
      rank: isListed ? Math.ceil(random() * 20) : null,
      placement: isListed ? 'home' : null,
      undoes: null,
    };
  });

interface Cost {
  readonly perSecond: number;
  readonly clientMicroseconds: number;
  readonly engineMicroseconds: number;
}

const engineCpuMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
};

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

/** Adds up what pieces of work cost, without what lies between them. */
class Meter {
  #seconds = 0;
  #rows = 0;
  #client = 0;
  #engine = 0;
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  async measure(rows: number, work: () => Promise<void>): Promise<void> {
    const engineBefore = engineCpuMs(this.#pid);
    const before = process.cpuUsage();
    const start = performance.now();
    await work();
    this.#seconds += (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(before);
    this.#client += user + system;
    this.#engine += (engineCpuMs(this.#pid) - engineBefore) * 1000;
    this.#rows += rows;
  }

  cost(): Cost {
    return {
      perSecond: this.#rows / this.#seconds,
      clientMicroseconds: this.#client / this.#rows,
      engineMicroseconds: this.#engine / this.#rows,
    };
  }
}

const costOf = async (pid: number, rows: number, work: () => Promise<void>): Promise<Cost> => {
  const meter = new Meter(pid);
  await meter.measure(rows, work);
  return meter.cost();
};

const processorTime = ({ clientMicroseconds, engineMicroseconds }: Cost): number =>
  clientMicroseconds + engineMicroseconds;

const figuresOf = (name: string, cost: Cost): readonly Figure[] => [
  { name: `${name}: rows`, value: cost.perSecond, unit: '/s' },
  { name: `${name}: processor time here`, value: cost.clientMicroseconds, unit: 'µs/row' },
  { name: `${name}: processor time of the engine`, value: cost.engineMicroseconds, unit: 'µs/row' },
];

const insertAll = async (
  warehouse: ClickHouseWarehouse,
  blocks: readonly (readonly Row[])[],
  table = TABLE.name,
): Promise<void> => {
  for (const rows of blocks) {
    await warehouse.insert(table, rows, {
      topic: TOPIC,
      partition: partitionIndex(0),
      firstOffset: offset(rows[0]!.offset as number),
      lastOffset: offset(rows.at(-1)!.offset as number),
    });
  }
};

const blocksOf = (first: number, total: number, each: number): readonly (readonly Row[])[] => {
  const random = randomOf(SEED + first);
  return Array.from({ length: total / each }, (_, block) =>
    interactionsOf(random, first + block * each, each),
  );
};

/** The same rows as text, through the client's own insert: what the binary form is compared with. */
const insertAsJson = async (
  engine: EmbeddedClickHouse,
  blocks: readonly (readonly Row[])[],
): Promise<void> => {
  const client = createClient({ ...engine.connection, database: DATABASE });
  for (const values of blocks) {
    await client.insert({ table: JSON_TABLE, values, format: 'JSONEachRow' });
  }
  await client.close();
};

const LOADED_AT_ONCE = 100_000;

/** Rows are made beforehand, but not all at once: a large heap would be measured too. */
const load = async (
  warehouse: ClickHouseWarehouse,
  pid: number,
  range: { readonly first: number; readonly rows: number; readonly each: number },
): Promise<Cost> => {
  const meter = new Meter(pid);
  for (let at = range.first; at < range.first + range.rows; at += LOADED_AT_ONCE) {
    const blocks = blocksOf(at, LOADED_AT_ONCE, range.each);
    await meter.measure(LOADED_AT_ONCE, () => insertAll(warehouse, blocks));
  }
  return meter.cost();
};

const readAll = async (warehouse: ClickHouseWarehouse, columns: string): Promise<void> => {
  const sql = `SELECT ${columns} FROM ${TABLE.name} FINAL`;
  for await (const _ of warehouse.stream({ name: 'read', sql }));
};

const one = async (warehouse: ClickHouseWarehouse, sql: string): Promise<number> =>
  Object.values((await warehouse.query({ name: 'one', sql }))[0]!)[0] as number;

const restartMs = async (
  engine: EmbeddedClickHouse,
  warehouse: ClickHouseWarehouse,
): Promise<number> => {
  process.kill(engine.status().pid!, 'SIGKILL');
  const start = performance.now();
  for (;;) {
    try {
      await one(warehouse, `SELECT count() FROM ${TABLE.name}`);
      return performance.now() - start;
    } catch {
      await sleepFor(5);
    }
  }
};

const singleInsertMs = async (warehouse: ClickHouseWarehouse): Promise<number> => {
  const latencies: number[] = [];
  for (const block of blocksOf(ROWS + 200_000, 200, 1)) {
    const start = performance.now();
    await insertAll(warehouse, [block]);
    latencies.push(performance.now() - start);
  }
  return latencies.sort((left, right) => left - right)[100]!;
};

const encodeCost = (blocks: readonly (readonly Row[])[]): readonly Figure[] => {
  const measure = (encode: (rows: readonly Row[]) => unknown): number => {
    const before = process.cpuUsage();
    for (const block of blocks) encode(block);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / LOADED_AT_ONCE;
  };
  const binary = rowEncoder(TABLE.columns);
  return [
    { name: 'encode as RowBinary', value: measure(binary), unit: 'µs/row' },
    {
      name: 'encode as JSONEachRow',
      value: measure((block) => block.map((row) => JSON.stringify(row)).join('\n')),
      unit: 'µs/row',
    },
  ];
};

const idlePercent = async (pid: number, seconds: number): Promise<number> => {
  const before = engineCpuMs(pid);
  await sleepFor(seconds * 1000);
  return (engineCpuMs(pid) - before) / seconds / 10;
};

const measure = async (directory: string): Promise<BenchResult> => {
  const begun = performance.now();
  const engine = await EmbeddedClickHouse.start({
    directory: join(directory, 'warehouse'),
    database: DATABASE,
    password: 'of-this-benchmark-alone',
    clock: systemClock,
    logger: silentLogger,
    random: systemRandom,
  });
  const startMs = performance.now() - begun;
  const warehouse = new ClickHouseWarehouse({
    connection: engine.connection,
    database: DATABASE,
    tables: [TABLE, BINARY_TABLE],
  });
  try {
    await warehouse.migrate();
    const pid = engine.status().pid!;
    const freshMb = residentMb(pid);
    const freshIdle = await idlePercent(pid, 10);
    await warehouse.command({ name: 'json table', sql: ddlOf(TABLE, JSON_TABLE) });
    const large = blocksOf(0, LOADED_AT_ONCE, 10_000);
    await load(warehouse, pid, { first: 0, rows: LOADED_AT_ONCE, each: 10_000 });
    const encoded = encodeCost(large);
    const json = await costOf(pid, LOADED_AT_ONCE, () => insertAsJson(engine, large));
    const binary = await costOf(pid, LOADED_AT_ONCE, () =>
      insertAll(warehouse, large, BINARY_TABLE.name),
    );
    const inserted = await load(warehouse, pid, { first: 0, rows: ROWS, each: 10_000 });
    const insertedLarge = await load(warehouse, pid, { first: ROWS, rows: 200_000, each: 50_000 });
    const insertedSmall = await load(warehouse, pid, { first: ROWS, rows: 100_000, each: 1_000 });
    const single = await singleInsertMs(warehouse);
    const narrow = 'subject, itemId, kind, value, occurredAt';
    const rows = await one(warehouse, `SELECT count() FROM ${TABLE.name} FINAL`);
    const read = await costOf(pid, rows, () => readAll(warehouse, narrow));
    const readWide = await costOf(pid, rows, () => readAll(warehouse, '*'));
    await warehouse.command({ name: 'merge', sql: `OPTIMIZE TABLE ${TABLE.name} FINAL` });
    const bytes = await one(
      warehouse,
      `SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = '${TABLE.name}'`,
    );
    const loadedMb = residentMb(pid);
    const loadedIdle = await idlePercent(pid, 20);
    const restart = await restartMs(engine, warehouse);
    return {
      id: 'warehouse',
      title: 'The embedded warehouse',
      seed: SEED,
      figures: [
        { name: 'first start', value: startMs, unit: 'ms' },
        { name: `killed, restarted with ${rows} rows, answering`, value: restart, unit: 'ms' },
        { name: 'resident, fresh', value: freshMb, unit: 'MB' },
        { name: 'resident, after all of the below', value: loadedMb, unit: 'MB' },
        { name: 'idle, fresh', value: freshIdle, unit: '% of a core', reach: { atMost: 2 } },
        { name: 'idle, loaded', value: loadedIdle, unit: '% of a core', reach: { atMost: 2 } },
        ...encoded,
        ...figuresOf('insert 10,000 rows at a time', inserted),
        ...figuresOf('insert 50,000 rows at a time', insertedLarge),
        ...figuresOf('insert 1,000 rows at a time', insertedSmall),
        ...figuresOf('insert 10,000 as JSONEachRow, fresh table', json),
        ...figuresOf('insert 10,000 as RowBinary, fresh table', binary),
        { name: 'insert one row, median', value: single, unit: 'ms' },
        {
          name: 'processor time, both sides, JSONEachRow ÷ RowBinary',
          value: processorTime(json) / processorTime(binary),
          unit: '×',
          isRatio: true,
        },
        ...figuresOf('read 5 columns, FINAL, streamed', read),
        ...figuresOf('read all 19 columns, FINAL, streamed', readWide),
        { name: 'on disk', value: bytes / 2 ** 20 / (rows / 1e6), unit: 'MB/M rows' },
      ],
    };
  } finally {
    await warehouse.close();
    await engine.close();
  }
};

export const warehouseBenchmark: Benchmark = {
  id: 'warehouse',
  title: 'The embedded warehouse',
  run: async () => {
    const { available, why } = embeddedClickHouseAvailable();
    if (!available) {
      return { id: 'warehouse', title: 'The embedded warehouse', figures: [], notes: [why ?? ''] };
    }
    const directory = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
    try {
      return await measure(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  printResult(await warehouseBenchmark.run('full'), undefined);
}
