/** The contract on a real server; publishers, and the server, that die at every step; a lost answer. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { ClickHouseServer } from '../../test/services/clickhouse-server.ts';
import { startFaultProxy } from '../../test/services/fault-proxy.ts';
import { freePort } from '../../test/services/free-port.ts';
import { LostReplies } from '../../test/services/lost-replies.ts';
import { connectTo } from '../clickhouse/clickhouse-connection.ts';
import { artifactStoreContract, file, release } from './artifact-store.contract.ts';
import type { ArtifactStore } from './artifact-store.ts';
import {
  type ClickHouseArtifactStoreOptions,
  openClickHouseArtifactStore,
} from './clickhouse-artifact-store.ts';
import { ARTIFACT_CRASH_POINTS } from './crash-points.ts';

const DATABASE = 'freshet_artifacts';
const MEGABYTE = 1_048_576;

describe('releases in ClickHouse', () => {
  let server: ClickHouseServer;
  beforeAll(async () => {
    server = await ClickHouseServer.start(DATABASE);
  });
  afterAll(() => server.remove());

  const open = (more: Partial<ClickHouseArtifactStoreOptions> = {}): ArtifactStore =>
    openClickHouseArtifactStore({
      connection: server.connection,
      database: DATABASE,
      logger: silentLogger,
      ...more,
    });
  const command = async (query: string, query_params = {}): Promise<void> => {
    const client = connectTo(server.connection, {
      database: DATABASE,
      requestTimeoutMs: 30_000,
      connectionsMax: 1,
    });
    await client.command({
      query,
      query_params,
      clickhouse_settings: { mutations_sync: '2', wait_end_of_query: 1 },
    });
    await client.close();
  };
  const tables = async (prefix: string): Promise<readonly string[]> => {
    const client = connectTo(server.connection, {
      database: 'default',
      requestTimeoutMs: 30_000,
      connectionsMax: 1,
    });
    const answer = await client.query({
      query: `SELECT name FROM system.tables WHERE database = '${DATABASE}' AND startsWith(name, {prefix:String})`,
      query_params: { prefix },
      format: 'JSONEachRow',
    });
    const rows = await answer.json<{ readonly name: string }>();
    await client.close();
    return rows.map(({ name }) => name);
  };
  const empty = async (): Promise<void> => {
    for (const name of await tables('artifact_')) await command(`DROP TABLE ${name} SYNC`);
  };
  /** Flips a bit of the first byte of a file, in the table that holds the release. */
  const damage = async (store: ArtifactStore, version: string, name: string): Promise<void> => {
    const { manifest } = await store.read(version);
    const part = manifest.files.findIndex((stored) => stored.name === name) + 1;
    for (const table of await tables('artifact_release_')) {
      await command(
        `ALTER TABLE ${table} UPDATE bytes = concat(char(bitXor(ascii(bytes), 1)), substring(bytes, 2))
         WHERE part = {part:UInt32}
           AND (SELECT any(bytes) FROM ${table} WHERE part = 0) LIKE {mark:String}`,
        { part, mark: `%"version": "${version}"%` },
      );
    }
  };

  artifactStoreContract({
    name: 'ClickHouseArtifactStore',
    create: async () => {
      await empty();
      const opened: ArtifactStore[] = [];
      const openOne = () => {
        const one = open();
        opened.push(one);
        return one;
      };
      const store = openOne();
      return {
        store,
        reopen: async () => openOne(),
        damage: (version, name) => damage(store, version, name),
        remove: async () => {
          for (const one of opened) await one.close();
        },
      };
    },
  });

  describe('under faults', () => {
    beforeEach(empty);

    it('[A1] files of many chunks come back as they were', async () => {
      const store = open();
      const sizes = [0, 1, MEGABYTE, 3 * MEGABYTE + 17, 40 * MEGABYTE + 1];
      const files = sizes.map((size, at) => ({
        name: `file-${at}`,
        bytes: Buffer.alloc(size, `pattern of file ${at}`),
      }));
      await store.publish(release('large'), files);
      const found = await store.read('large');
      for (const { name, bytes } of files) {
        expect(Buffer.compare(found.files.get(name)!, bytes)).toBe(0);
      }
      await store.close();
    });

    for (const point of ARTIFACT_CRASH_POINTS.slice(0, 2)) {
      for (const victim of ['publisher', 'server']) {
        it(`[A1] a ${victim} that dies at ${point} leaves nothing visible`, async () => {
          const before = open();
          await before.publish(release('1'), [file('a', 'b')]);
          const dying = open({
            crashPoint: (name) => {
              if (name !== point) return;
              if (victim === 'server') void server.kill();
              throw new Error('killed');
            },
          });
          const publishing = dying.publish(release('2'), [file('a', 'c'), file('b', 'd')]);
          await expect(publishing).rejects.toThrow('killed');
          if (victim === 'server') {
            await server.kill();
            await server.start();
          }
          expect((await before.list()).map(({ version }) => version)).toEqual(['1']);
          await expect(before.read('2')).rejects.toMatchObject({ code: 'not_found' });
          expect(await tables('artifact_staged_')).toHaveLength(1);
          const tidy = open({ stagedKeptSeconds: 0 });
          await tidy.publish(release('2'), [file('a', 'again')]);
          expect(await tables('artifact_staged_')).toEqual([]);
          expect((await tidy.read('2')).files.size).toBe(1);
          for (const store of [before, dying, tidy]) await store.close();
        });
      }
    }

    it('[A1] a publish that was answered survives the kill of the server', async () => {
      const store = open();
      await store.publish(release('1'), [file('a', 'b')]);
      await server.kill();
      await expect(store.list()).rejects.toMatchObject({ code: 'warehouse_unavailable' });
      await server.start();
      expect((await store.read('1')).files.size).toBe(1);
      await store.close();
    });

    it('[A1] a publish whose last answer is lost is known to be done', async () => {
      const lost = new LostReplies();
      const port = await freePort();
      const proxy = await startFaultProxy({ port, targetPort: server.port, editor: lost.editor });
      const connection = { ...server.connection, url: `http://127.0.0.1:${port}` };
      const store = open({ connection });
      lost.to = (request) => request.includes('RENAME') && lost.count === 0;
      await store.publish(release('1'), [file('a', 'b')]);
      expect(lost.count).toBe(1);
      expect((await store.list()).map(({ version }) => version)).toEqual(['1']);
      await store.close();
      await proxy.stop();
    });

    it('[A2] a manifest that is not what was written is refused, the list goes on without it', async () => {
      const store = open();
      await store.publish(release('1'), [file('a', 'b')]);
      const [first] = await tables('artifact_release_');
      await store.publish(release('2'), [file('a', 'b')]);
      await command(`ALTER TABLE ${first} UPDATE bytes = concat(bytes, ' ') WHERE part = 0`);
      await expect(store.read('1')).rejects.toMatchObject({ code: 'artifact_damaged' });
      expect((await store.list()).map(({ version }) => version)).toEqual(['2']);
      await store.close();
    });
  });
});
