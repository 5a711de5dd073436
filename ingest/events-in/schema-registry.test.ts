import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TestClock } from '../../test/ingest/ingest-fixture.ts';
import { RegistryStandIn } from '../../test/services/registry-stand-in.ts';
import { openSchemaRegistry, type SchemaRegistry } from './schema-registry.ts';

const CLICK = { type: 'record', name: 'Click', fields: [{ name: 'itemId', type: 'string' }] };

let server: RegistryStandIn;
let clock: TestClock;
let registry: SchemaRegistry;
beforeEach(async () => {
  server = await RegistryStandIn.start();
  clock = new TestClock();
  registry = openSchemaRegistry({ url: `${server.url}/`, clock, logger: silentLogger });
});
afterEach(() => server.stop());

const codeOf = (schemaId: number): Promise<string> =>
  registry.schemaOf(schemaId).then(
    () => 'a schema',
    (error) => error.code,
  );

describe('the schemas of a registry', () => {
  it('are asked for once, however many wait for one', async () => {
    server.register(7, CLICK);
    const found = await Promise.all([1, 2, 3].map(() => registry.schemaOf(7)));
    expect(found.map((schema) => [...schema!.fields])).toEqual([
      ['itemId'],
      ['itemId'],
      ['itemId'],
    ]);
    await registry.schemaOf(7);
    expect(server.asked).toEqual(['/schemas/ids/7']);
  });

  it('are unknown once the registry said so three times, and asked for again later', async () => {
    expect(await registry.schemaOf(8)).toBeUndefined();
    expect(await registry.schemaOf(8)).toBeUndefined();
    expect(server.asked).toHaveLength(3);
    server.register(8, CLICK);
    clock.time += 60_000;
    expect((await registry.schemaOf(8))?.fields.has('itemId')).toBe(true);
  });

  it('cannot be told while it fails, and are not lost for it', async () => {
    server.register(7, CLICK);
    for (const body of [
      { status: 503, body: 'away' },
      { status: 401, body: {} },
    ] as const) {
      server.answer = () => body;
      expect(await codeOf(7)).toBe('unavailable');
      expect(registry.problem()).toContain(String(body.status));
      clock.time += 1_000;
    }
    server.answer = undefined;
    expect(await codeOf(7)).toBe('a schema');
    expect(registry.problem()).toBeUndefined();
  });

  it('are not unknown because of a wrong address or a page of a proxy', async () => {
    for (const answer of [
      { status: 404, body: '<html>no such page</html>' },
      { status: 200, body: '<html>log in first</html>' },
      { status: 200, body: { id: 7 } },
    ]) {
      server.answer = () => answer;
      expect(await codeOf(7)).toBe('unavailable');
      clock.time += 1_000;
    }
  });

  it('leave a registry that fails alone for a second', async () => {
    server.answer = () => ({ status: 500, body: {} });
    expect(await codeOf(7)).toBe('unavailable');
    expect(await codeOf(9)).toBe('unavailable');
    expect(server.asked).toHaveLength(1);
  });

  it('cannot be told by one that is not there at all', async () => {
    await server.stop();
    expect(await codeOf(7)).toBe('unavailable');
    server = await RegistryStandIn.start();
  });

  it('are refused for good where they are no Avro, or not whole', async () => {
    server.register(1, CLICK, { schemaType: 'JSON' });
    server.register(2, CLICK, { references: [{ name: 'x', subject: 'x', version: 1 }] });
    server.register(3, { type: 'record', name: 'X', fields: 'none' });
    for (const id of [1, 2, 3]) expect(await codeOf(id)).toBe('bad_record');
    expect(await codeOf(1)).toBe('bad_record');
    expect(server.asked).toHaveLength(3);
  });

  it('are asked for in the name of whoever was given', async () => {
    server.register(7, CLICK);
    server.answer = ({ headers }) =>
      headers.authorization === `Basic ${Buffer.from('ada:s:1').toString('base64')}`
        ? undefined
        : { status: 401, body: {} };
    const { url } = server;
    const known = { url, username: 'ada', password: 's:1', clock, logger: silentLogger };
    expect(await openSchemaRegistry(known).schemaOf(7)).toBeDefined();
    expect(await codeOf(7)).toBe('unavailable');
  });
});
