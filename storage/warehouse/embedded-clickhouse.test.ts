/** The embedded engine's process: kept running, private, and put aside when it is damaged. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { offset, partitionIndex } from '../../schemas/ids.ts';
import type { ClickHouseWarehouse } from './clickhouse-warehouse.ts';
import { EVENTS } from './contract-tables.fixture.ts';
import { EmbeddedClickHouse } from './embedded-clickhouse.ts';
import {
  startTestEngine,
  type TestEngine,
  testEngineOptions,
  warehouseOn,
} from './embedded-engine.fixture.ts';
import { embeddedClickHouseAvailable } from './engine-library.ts';
import type { Row } from './warehouse.ts';

const { available } = embeddedClickHouseAvailable();
const P0 = partitionIndex(0);

const send = (warehouse: ClickHouseWarehouse, first: number, last: number): Promise<void> => {
  const rows: Row[] = [];
  for (let at = first; at <= last; at += 1) {
    rows.push({ topic: 't', partition: 0, offset: at, item: `item-${at}`, weight: 1 });
  }
  const range = { firstOffset: offset(first), lastOffset: offset(last) };
  return warehouse.insert(EVENTS.name, rows, { topic: 't', partition: P0, ...range });
};

const covered = (warehouse: ClickHouseWarehouse) =>
  warehouse.coveredOffset({ table: EVENTS.name, topic: 't', partition: P0 });

const counted = async (warehouse: ClickHouseWarehouse): Promise<unknown> => {
  const sql = `SELECT count() AS rows FROM ${EVENTS.name} FINAL`;
  return (await warehouse.query({ name: 'count', sql }))[0]!.rows;
};

/** The files of the only part that holds the events table's rows. */
const partOf = async (directory: string): Promise<string> => {
  for (const found of await readdir(join(directory, 'store'), { recursive: true })) {
    if (!/all_\d+_\d+_\d+$/.test(found)) continue;
    const folder = join(directory, 'store', found);
    const count = await readFile(join(folder, 'count.txt'), 'utf8');
    if (Number(count) >= 100) return folder;
  }
  throw new Error('Expected a part with rows');
};

describe.skipIf(!available)('an embedded engine', () => {
  let test: TestEngine;
  let warehouse: ClickHouseWarehouse;
  beforeAll(async () => {
    test = await startTestEngine(systemClock, {
      timing: { pingIntervalMs: 20, pingTimeoutMs: 500, pingsMissedMax: 2 },
    });
    warehouse = test.warehouse();
    await warehouse.migrate();
  });
  afterAll(async () => {
    await warehouse.close();
    await test.remove();
  });

  it('answers only those who know the password, and only its own tables', async () => {
    const { url, password } = test.engine.connection;
    const ask = (sql: string, user?: string, secret = '') =>
      fetch(`${url}/`, {
        method: 'POST',
        body: sql,
        headers: user
          ? { Authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` }
          : {},
      });
    expect((await ask('SELECT 1', 'freshet', password)).status).toBe(200);
    for (const [user, secret] of [
      ['default', ''],
      ['freshet', 'guess'],
      [undefined, ''],
    ] as const) {
      const { status } = await ask('SELECT 1', user, secret);
      expect(status).toBe(404);
    }
    expect((await fetch(`${url}/?query=SELECT+1&user=default`)).status).toBe(404);
    for (const source of ["file('/etc/hosts', LineAsString)", "url('http://127.0.0.1', CSV)"]) {
      const statement = { name: 'outside', sql: `SELECT * FROM ${source}` };
      await expect(warehouse.query(statement)).rejects.toMatchObject({
        details: { engineCode: 'ACCESS_DENIED (497)' },
      });
    }
  });

  it('keeps its password out of the files that others may read', async () => {
    for (const name of ['', 'engine', 'engine/config.xml', 'engine/users.xml']) {
      expect((await stat(join(test.directory, name))).mode & 0o077).toBe(0);
    }
    const users = await readFile(join(test.directory, 'engine', 'users.xml'), 'utf8');
    expect(users).not.toContain(test.engine.connection.password);
  });

  it('keeps no logs of itself in tables', async () => {
    const sql = "SELECT name FROM system.tables WHERE database = 'system' AND total_bytes > 0";
    expect(await warehouse.query({ name: 'system tables', sql })).toEqual([]);
  });

  it('refuses a second engine on its directory, and goes on itself', async () => {
    const options = testEngineOptions(test.directory, systemClock);
    const timing = { startTimeoutMs: 300 };
    await expect(EmbeddedClickHouse.start({ ...options, timing })).rejects.toMatchObject({
      code: 'warehouse_unavailable',
    });
    expect(await warehouse.ping()).toBe(true);
  });

  it('is started again when it hangs', async () => {
    const before = test.engine.status();
    const back = test.next('ready');
    process.kill(before.pid!, 'SIGSTOP');
    await back;
    expect(test.engine.status()).toMatchObject({ state: 'ready', restarts: before.restarts + 1 });
    expect(test.engine.status().problem).toContain('did not answer');
    expect(await warehouse.ping()).toBe(true);
  });

  it('sets its directory aside when damage is reported, and says where it went', async () => {
    await covered(warehouse);
    await send(warehouse, 0, 99);
    const aside = test.next('set-aside');
    test.engine.reportDamage('a person said so');
    const event = await aside;
    expect(event).toMatchObject({ problem: 'a person said so' });
    expect(existsSync(join('directory' in event ? event.directory : '', 'store'))).toBe(true);
    await expect(send(warehouse, 100, 199)).rejects.toMatchObject({ code: 'warehouse_reset' });
    await warehouse.migrate();
    expect(await covered(warehouse)).toBe(-1);
    await send(warehouse, 0, 99);
    expect(await counted(warehouse)).toBe(100);
  });

  it('says which file is damaged when a query meets one', async () => {
    const part = join(await partOf(test.directory), 'data.bin');
    const bytes = await readFile(part);
    for (let at = 40; at < bytes.length; at += 64) bytes[at]! ^= 255;
    await writeFile(part, bytes);
    const found = test.next('damage-found');
    const sql = `SELECT sum(cityHash64(*)) FROM ${EVENTS.name} SETTINGS use_uncompressed_cache = 0`;
    await expect(warehouse.query({ name: 'all', sql })).rejects.toMatchObject({
      code: 'statement_failed',
    });
    expect(await found).toMatchObject({
      problem: expect.stringMatching(/CHECKSUM|CORRUPTED|DECOMP/),
    });
    expect(test.engine.status()).toMatchObject({ state: 'ready' });
  });
});

describe.skipIf(!available)('a directory of the embedded engine', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'freshet-warehouse-'));
  });
  afterAll(() => rm(root, { recursive: true }));

  it('is free again for another engine when the process that owned it was killed', async () => {
    const directory = join(root, 'orphan');
    const owner = fork(join(import.meta.dirname, 'engine-owner.fixture.ts'), [directory]);
    await once(owner, 'message');
    owner.kill('SIGKILL');
    const engine = await EmbeddedClickHouse.start(testEngineOptions(directory, systemClock));
    const warehouse = warehouseOn(engine);
    expect(await covered(warehouse)).toBe(-1);
    await warehouse.close();
    await engine.close();
  });

  it('that no longer opens is set aside, and a fresh one takes its place', async () => {
    const directory = join(root, 'damaged');
    const engine = await EmbeddedClickHouse.start(testEngineOptions(directory, systemClock));
    const warehouse = warehouseOn(engine);
    await warehouse.migrate();
    await send(warehouse, 0, 99);
    await warehouse.close();
    await engine.close();
    await truncate(join(await partOf(directory), 'data.bin'), 10);

    const events: string[] = [];
    const again = await EmbeddedClickHouse.start(
      testEngineOptions(directory, systemClock, ({ kind }) => events.push(kind)),
    );
    const fresh = warehouseOn(again);
    expect(events).toEqual(['not-starting', 'not-starting', 'ready', 'set-aside']);
    await expect(covered(fresh)).rejects.toMatchObject({ code: 'warehouse_reset' });
    await fresh.migrate();
    expect(await counted(fresh)).toBe(0);
    const asides = (await readdir(root)).filter((name) => name.startsWith('damaged.damaged-'));
    expect(asides).toHaveLength(1);
    expect(await partOf(join(root, asides[0]!))).toContain('all_');
    await fresh.close();
    await again.close();
  });

  it('whose port is taken while its engine starts goes to another port', async () => {
    const options = testEngineOptions(join(root, 'port'), systemClock);
    const drawn = [0.5, 0.5, 0.25, 0.75];
    // Both look while the port is still free.
    const [one, other] = await Promise.all(
      ['one', 'other'].map((name) =>
        EmbeddedClickHouse.start({
          ...options,
          directory: join(root, name),
          random: () => drawn.shift() ?? 0.1,
        }),
      ),
    );
    expect(one!.connection.url).not.toBe(other!.connection.url);
    for (const engine of [one!, other!]) {
      const warehouse = warehouseOn(engine);
      await warehouse.migrate();
      const sql = "SELECT value FROM system.server_settings WHERE name = 'path'";
      const [row] = await warehouse.query({ name: 'path', sql });
      expect(row!.value).toContain(engine === one ? 'one' : 'other');
      await warehouse.close();
      await engine.close();
    }
  });

  it('that cannot be made is an error with its reason', async () => {
    await writeFile(join(root, 'a-file'), '');
    const options = testEngineOptions(join(root, 'a-file', 'warehouse'), systemClock);
    await expect(
      EmbeddedClickHouse.start({ ...options, timing: { startTimeoutMs: 10 } }),
    ).rejects.toMatchObject({
      code: 'warehouse_unavailable',
      message: expect.stringContaining('ENOTDIR'),
    });
  });
});
