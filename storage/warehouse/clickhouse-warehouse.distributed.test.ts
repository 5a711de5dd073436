/**
 * The warehouse on a server that it only knows by its address: the contract, kills of the server under
 * inserts, lost answers, and TLS. Nobody starts this server again but the test.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFreshetError } from '../../schemas/errors.ts';
import { ClickHouseServer } from '../../test/services/clickhouse-server.ts';
import { startFaultProxy } from '../../test/services/fault-proxy.ts';
import { freePort } from '../../test/services/free-port.ts';
import { LostReplies } from '../../test/services/lost-replies.ts';
import { makeTlsFiles } from '../../test/services/tls-files.ts';
import { startTlsFront } from '../../test/services/tls-front.ts';
import type { ClickHouseConnection } from '../clickhouse/clickhouse-connection.ts';
import { ClickHouseWarehouse } from './clickhouse-warehouse.ts';
import { CONTRACT_TABLES, EVENTS } from './contract-tables.fixture.ts';
import { warehouseContract } from './warehouse.contract.ts';
import type { Warehouse } from './warehouse.ts';
import { covered, fingerprint, ROWS_PER_RANGE, randomOf, send } from './written-ranges.fixture.ts';

const DATABASE = 'freshet_site';
const SEED = 20_260_214;
const KILLS = 6;

describe('a warehouse on a server', () => {
  let server: ClickHouseServer;
  const opened: Warehouse[] = [];
  beforeAll(async () => {
    server = await ClickHouseServer.start(DATABASE);
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
    await server.remove();
  });

  const open = (more: Partial<ClickHouseConnection> = {}): ClickHouseWarehouse => {
    const connection = { ...server.connection, ...more };
    const one = new ClickHouseWarehouse({
      connection,
      database: DATABASE,
      tables: CONTRACT_TABLES,
    });
    opened.push(one);
    return one;
  };

  warehouseContract({
    name: 'ClickHouseWarehouse on a server',
    create: async () => {
      const reader = open();
      return {
        open: async () => open(),
        lose: () => reader.command({ name: 'lose', sql: `DROP DATABASE ${DATABASE} SYNC` }),
        events: (topic) =>
          reader.query(
            {
              name: 'events',
              sql: `SELECT * FROM ${EVENTS.name} FINAL WHERE topic = {topic:String} ORDER BY partition, offset`,
            },
            { topic },
          ),
        remove: async () => {},
      };
    },
  });

  /** As the sink does: the same range until it is acknowledged. */
  const sendUntilAcknowledged = async (
    warehouse: Warehouse,
    topic: string,
    first: number,
  ): Promise<void> => {
    for (;;) {
      try {
        return await send(warehouse, topic, first);
      } catch (error) {
        if (!isFreshetError(error, 'warehouse_unavailable')) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };

  it(`[W2] ${KILLS} kills of the server under inserts lose and double nothing (seed ${SEED})`, async () => {
    const warehouse = open();
    await warehouse.migrate();
    const random = randomOf(SEED);
    let first = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      for (let quiet = Math.floor(random() * 5); quiet > 0; quiet -= 1, first += ROWS_PER_RANGE) {
        await sendUntilAcknowledged(warehouse, 'kills', first);
      }
      const sending = sendUntilAcknowledged(warehouse, 'kills', first);
      for (let turns = Math.floor(random() * 200); turns > 0; turns -= 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await server.kill();
      await server.start();
      await sending;
      first += ROWS_PER_RANGE;
      expect(await covered(warehouse, 'kills')).toBe(first - 1);
      expect(await fingerprint(warehouse, 'kills')).toMatchObject({ rows: first, offsets: first });
    }
    for (let at = 0; at < first; at += ROWS_PER_RANGE) await send(warehouse, 'once', at);
    const expected = await fingerprint(warehouse, 'once');
    expect(await fingerprint(warehouse, 'kills')).toEqual(expected);
  });

  it('[W2] answers that are lost make nothing count twice', async () => {
    const lost = new LostReplies();
    const port = await freePort();
    const proxy = await startFaultProxy({ port, targetPort: server.port, editor: lost.editor });
    const behind = open({ url: `http://127.0.0.1:${port}` });
    await behind.migrate();
    const random = randomOf(SEED);
    lost.to = (request) => request.includes('INSERT') && random() < 0.5;
    const ranges = 10;
    for (let at = 0; at < ranges; at += 1) {
      await sendUntilAcknowledged(behind, 'lost', at * ROWS_PER_RANGE);
    }
    expect(lost.count).toBeGreaterThan(ranges / 2);
    lost.to = undefined;
    expect(await fingerprint(behind, 'lost')).toMatchObject({ rows: ranges * ROWS_PER_RANGE });
    expect(await covered(behind, 'lost')).toBe(ranges * ROWS_PER_RANGE - 1);
    await proxy.stop();
  });

  it('speaks TLS with a server that an authority vouches for, and with no other', async () => {
    const files = makeTlsFiles();
    const port = await freePort();
    const front = await startTlsFront({ port, targetPort: server.port }, files);
    const url = `https://127.0.0.1:${port}`;
    const trusting = open({ url, caCertificate: files.authority });
    expect(await trusting.query({ name: 'one', sql: 'SELECT 1 AS one' })).toEqual([{ one: 1 }]);
    await expect(open({ url }).query({ name: 'one', sql: 'SELECT 1' })).rejects.toMatchObject({
      code: 'warehouse_unavailable',
    });
    front.close();
    files.remove();
  });

  it('a wrong password is refused by name', async () => {
    const stranger = open({ password: 'another' });
    await expect(stranger.query({ name: 'one', sql: 'SELECT 1' })).rejects.toMatchObject({
      code: 'statement_failed',
    });
  });

  it('an address with credentials in it, or of another kind, is refused', () => {
    for (const url of ['http://user:secret@host:8123', 'ftp://host', 'host']) {
      expect(() => open({ url })).toThrow(expect.objectContaining({ code: 'bad_settings' }));
    }
  });
});
