/** Producers of others with schemas of their own, by Confluent's client and a real schema registry. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { DeadLettersAnswer } from '../../schemas/api/dead-letters.ts';
import { REGISTRY_FOLDER } from '../../schemas/avro/registry.ts';
import { type ServerProcess, systemOf } from '../faults/server-process.ts';
import { consumeByteValues } from '../services/kafka-console.ts';
import { consumeByPython, produceByPython } from '../services/python-client.ts';
import { SchemaRegistryServer } from '../services/schema-registry-server.ts';
import { Site, untilTakenIn } from './site.ts';

const [bootstrap] = inject('kafka').addresses.plain;
const EVENTS = 300;
const ITEMS = 7;
const LISTS = 5;
const TEST_MS = 240_000;
const POLL = { timeout: 90_000, interval: 500 };

let site: Site;
let registry: SchemaRegistryServer;
let program: ServerProcess;
beforeAll(async () => {
  [site, registry] = await Promise.all([Site.start([bootstrap!]), SchemaRegistryServer.start()]);
  program = await site.startProgram(['--schema-registry-url', registry.url]);
}, TEST_MS);
afterAll(() => Promise.all([site?.remove(), registry?.stop()]));

/** A shop's own words, with fields that are nobody else's business. */
const CLICK = {
  type: 'record',
  name: 'Click',
  namespace: 'shop.web',
  fields: [
    { name: 'traceId', type: 'long' },
    { name: 'eventId', type: 'string' },
    { name: 'userId', type: ['null', 'string'], default: null },
    { name: 'itemId', type: 'string' },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['click', 'like'] } },
    { name: 'occurredAt', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'basket', type: { type: 'array', items: 'string' } },
  ],
};
const WIDER_CLICK = {
  ...CLICK,
  fields: [...CLICK.fields, { name: 'campaign', type: 'string', default: '' }],
};
const SHOWN = {
  type: 'record',
  name: 'Shown',
  namespace: 'shop.web',
  fields: [
    { name: 'listId', type: 'string' },
    { name: 'userId', type: 'string' },
    {
      name: 'items',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Place',
          fields: [
            { name: 'itemId', type: 'string' },
            { name: 'rank', type: 'int' },
          ],
        },
      },
    },
  ],
};

const clicks = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    traceId: 1_000_000 + at,
    eventId: `${prefix}-${at}`,
    userId: `user-${at % 20}`,
    itemId: `item-${at % ITEMS}`,
    kind: at % 3 === 0 ? 'like' : 'click',
    occurredAt: (NOW - 60_000 + at) * 1_000,
    basket: ['x'],
    campaign: 'spring',
  }));
const NOW = Date.now();

const produce = (schema: object, records: readonly object[], raw: readonly Uint8Array[] = []) =>
  produceByPython({
    bootstrap: bootstrap!,
    topic: site.topic('events-in'),
    registry: registry.url,
    schema,
    records,
    raw,
  });

const idsWith = async (prefix: string): Promise<number> => {
  const ids = (await site.interactions()).map(({ record }) => record.eventId);
  return new Set(ids.filter((id) => id.startsWith(`${prefix}-`))).size;
};

const letters = async (): Promise<DeadLettersAnswer['deadLetters']> => {
  const answer = await fetch(`${program.url}/v1/dead-letters?limit=100`);
  return ((await answer.json()) as DeadLettersAnswer).deadLetters;
};

describe('a Python producer with a schema registry', () => {
  it(
    'fills events-in by its own schema, and what is none of it is set aside',
    async () => {
      const unknown = Uint8Array.of(0, 0, 0xff, 0xff, 0xff, 2, 65);
      const ours = Uint8Array.of(0, 0, 0, 0, 7);
      const made = await produce(CLICK, clicks('first', EVENTS), [unknown, ours]);
      expect(made).toMatchObject({ written: EVENTS + 2, failures: [] });
      await expect.poll(() => idsWith('first'), POLL).toBe(EVENTS);
      await expect.poll(async () => (await letters()).length, POLL).toBe(2);
      expect((await letters()).map(({ reason }) => reason).sort()).toEqual([
        'bad_record',
        'unknown_schema',
      ]);
      const [first] = await site.interactions();
      expect(first!.record).toMatchObject({ source: 'events-in', sessionId: null });
      expect(Math.abs(first!.record.occurredAt - NOW)).toBeLessThan(120_000);
    },
    TEST_MS,
  );

  it(
    'has its impressions kept with their lists',
    async () => {
      const shown = Array.from({ length: LISTS }, (_, at) => ({
        listId: `list-${at}`,
        userId: 'user-1',
        items: [
          { itemId: 'item-1', rank: 1 },
          { itemId: 'item-2', rank: 2 },
        ],
      }));
      await produce(SHOWN, shown);
      const lists = async () => (await site.shownLists()).toSorted();
      await expect.poll(lists, POLL).toEqual(shown.map(({ listId }) => listId));
    },
    TEST_MS,
  );

  it(
    'may change its schema; while the registry stalls its events wait, and none is lost',
    async () => {
      await produce(WIDER_CLICK, clicks('before', 1));
      await expect.poll(() => idsWith('before'), POLL).toBe(1);
      // A process that has yet to ask for the schema.
      await program.kill('SIGTERM');
      await produce(WIDER_CLICK, clicks('waiting', EVENTS));
      registry.pause();
      program = await site.startProgram(['--schema-registry-url', registry.url]);
      const alarms = async (): Promise<string> => (await systemOf(program)).alarms.join('\n');
      await expect.poll(alarms, POLL).toContain('schema registry');
      expect(await idsWith('waiting')).toBe(0);
      registry.resume();
      await expect.poll(() => idsWith('waiting'), POLL).toBe(EVENTS);
      await expect.poll(alarms, POLL).not.toContain('schema registry');
      expect(await letters()).toHaveLength(2);
    },
    TEST_MS,
  );

  it(
    'and consumers of others read what follows from it',
    async () => {
      await untilTakenIn(program);
      const topic = site.topic('item-signals');
      const schema = JSON.parse(
        readFileSync(new URL('item-signals.v1.avsc', REGISTRY_FOLDER), 'utf8'),
      ) as object;
      const envelopes = (await consumeByPython({
        bootstrap: bootstrap!,
        topic,
        group: site.topic('reader'),
        schema,
      })) as readonly { readonly sourceTopic: string; readonly itemIds: readonly string[] }[];
      const fromEvents = envelopes.filter(({ sourceTopic }) => sourceTopic === 'interactions');
      const items = new Set(fromEvents.flatMap(({ itemIds }) => itemIds));
      expect([...items].sort()).toEqual(Array.from({ length: ITEMS }, (_, at) => `item-${at}`));
      const seen = await consumeByteValues(bootstrap!, topic, { count: envelopes.length });
      expect(seen).toHaveLength(envelopes.length);
      for (const value of seen) expect(value).toMatch(/^\\x00\\x00\\x00\\x00\\x05/);
    },
    TEST_MS,
  );
});
