/** What producers outside write, on its way into the log. */
import avro from 'avsc';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planAllTopics } from '../../runtime/topic-plan.ts';
import { foreignSchemaOf } from '../../schemas/avro/foreign-schema.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  type EpochMs,
  eventId,
  itemId,
  offset,
  partitionIndex,
  statePartition,
  userId,
} from '../../schemas/ids.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { MemoryEventLog } from '../../storage/event-log/memory-event-log.ts';
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import { MemoryStateStore } from '../../storage/state-store/memory-state-store.ts';
import {
  decodedFrom,
  FIXTURE_NOW,
  interactionsIn,
  openTestIngest,
  type TestIngest,
} from '../../test/ingest/ingest-fixture.ts';
import { OUTSIDE_CRASH_POINTS } from './crash-points.ts';
import { moverUnitsOf, type OutsideMover, startOutsideMover } from './outside-mover.ts';

const TOPIC = TOPICS.eventsIn.name;
const PARTITIONS = 2;
const P0 = partitionIndex(0);
const STATE = statePartition(TOPIC, P0);

/** All the units, from the beginning to the end. */
const ALONE: PartitionOwnership = { run: (work, signal) => work(moverUnitsOf(PARTITIONS), signal) };

let log: MemoryEventLog;
let stateStore: MemoryStateStore;
let under: TestIngest;
let mover: OutsideMover;
let fatal: Error[] = [];

const openLog = (): MemoryEventLog =>
  new MemoryEventLog({
    topics: planAllTopics({ userPartitions: PARTITIONS, itemPartitions: 1 }),
    random: () => 0.5,
  });

/** What the registry would say, by id. */
let schemas: Map<number, object>;
let isRegistryAway = false;

const schemaOf = async (schemaId: number) => {
  await new Promise(setImmediate);
  if (isRegistryAway) throw new FreshetError('unavailable', { why: 'the registry is away' });
  const schema = schemas.get(schemaId);
  return schema && foreignSchemaOf(schema, schemaId);
};

const start = (crashPoint: (name: string) => void = () => undefined): OutsideMover =>
  startOutsideMover({
    log,
    schemas: schemaOf,
    stateStore,
    events: under.ingest.events,
    impressions: under.ingest.impressions,
    ownership: ALONE,
    clock: under.clock,
    logger: silentLogger,
    crashPoint,
    onFatal: (error) => fatal.push(error),
  });

beforeEach(async () => {
  fatal = [];
  schemas = new Map();
  isRegistryAway = false;
  log = openLog();
  stateStore = new MemoryStateStore();
  under = await openTestIngest({ log });
  mover = start();
});
afterEach(async () => {
  await mover.stop();
  await under.close();
  expect(fatal).toEqual([]);
});

const write = (value: unknown, at: number = FIXTURE_NOW) => {
  const bytes = value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value));
  return log.append(TOPIC, P0, [{ key: null, value: bytes, timestamp: at as EpochMs }]);
};
const event = (changes: object = {}) => ({ userId: 'ada', itemId: 'x', kind: 'click', ...changes });
const untilRead = (count: number) => expect.poll(() => mover.counters.outsideRead).toBe(count);
const letters = () => decodedFrom(log, TOPICS.deadLetters.name, 'DeadLetter');
const positionOf = async () => (await stateStore.position(STATE))?.coveredOffset;

const INTERACTION: InteractionRecord = {
  source: 'shop',
  eventId: eventId('e-1'),
  userId: userId('ada'),
  sessionId: null,
  itemId: itemId('x'),
  kind: 'click',
  value: null,
  occurredAt: FIXTURE_NOW,
  receivedAt: 5 as EpochMs,
  backfill: null,
  sequence: null,
  context: null,
};

const CLICK_SCHEMA = {
  type: 'record',
  name: 'Click',
  namespace: 'shop.web',
  fields: [
    { name: 'pageWidth', type: 'int' },
    { name: 'eventId', type: 'string' },
    { name: 'userId', type: ['null', 'string'] },
    { name: 'sessionId', type: ['null', 'string'] },
    { name: 'itemId', type: 'string' },
    { name: 'kind', type: 'string' },
    { name: 'value', type: 'int' },
    { name: 'occurredAt', type: 'long' },
    {
      name: 'context',
      type: {
        type: 'record',
        name: 'From',
        fields: [
          { name: 'listId', type: 'string' },
          { name: 'rank', type: 'int' },
          { name: 'referrer', type: 'string' },
        ],
      },
    },
  ],
};
const CLICK = {
  pageWidth: 1280,
  eventId: 'c-1',
  userId: 'ada',
  sessionId: null,
  itemId: 'heat',
  kind: 'rating',
  value: 4,
  occurredAt: FIXTURE_NOW - 5_000,
  context: { listId: 'l-1', rank: 2, referrer: 'mail' },
};
const SHOWN_SCHEMA = {
  type: 'record',
  name: 'Shown',
  fields: [
    { name: 'listId', type: 'string' },
    { name: 'sessionId', type: 'string' },
    {
      name: 'items',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'ShownItem',
          fields: [
            { name: 'itemId', type: 'string' },
            { name: 'rank', type: 'int' },
            { name: 'price', type: 'double' },
          ],
        },
      },
    },
  ],
};
const SHOWN = { listId: 'l-1', sessionId: 's-1', items: [{ itemId: 'heat', rank: 2, price: 9 }] };

/** As the producer of another writes it. */
const byTheirs = (schema: object, id: number, value: object): Uint8Array => {
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  const type = avro.Type.forSchema(schema as Parameters<typeof avro.Type.forSchema>[0], {
    wrapUnions: false,
  });
  return Buffer.concat([header, type.toBuffer(value)]);
};

describe('the way of events that others write to the log', () => {
  it('takes JSON and Avro alike, stamped by us, and moves the mark', async () => {
    await write(event({ eventId: 'json', source: 'shop' }));
    await write(encodeRecord('Interaction', INTERACTION));
    await untilRead(2);
    const found = await interactionsIn(log);
    expect(found.map((each) => [each.source, each.eventId, each.receivedAt])).toEqual([
      ['shop', 'json', FIXTURE_NOW],
      ['shop', 'e-1', FIXTURE_NOW],
    ]);
    await expect.poll(positionOf).toBe(1);
  });

  it('fills in what is left out so that it is the same however often it is read', async () => {
    await write(event(), FIXTURE_NOW - 60_000);
    await untilRead(1);
    const [found] = await interactionsIn(log);
    const { logId } = await log.topic(TOPIC);
    expect(found).toMatchObject({
      source: 'events-in',
      eventId: `${logId}.0.0`,
      occurredAt: FIXTURE_NOW - 60_000,
    });
  });

  it('takes impressions, too', async () => {
    await write({ listId: 'l-1', userId: 'ada', items: [{ itemId: 'x', rank: 1 }] });
    await untilRead(1);
    const found = await decodedFrom(log, TOPICS.impressions.name, 'Impression');
    expect(found).toMatchObject([{ source: 'events-in', listId: 'l-1', userId: 'ada' }]);
  });

  it('has an impression once, though whoever moved it died before moving the mark', async () => {
    const shown = { listId: 'l-1', userId: 'ada', items: [{ itemId: 'x', rank: 1 }] };
    await write(shown);
    await untilRead(1);
    await expect.poll(positionOf).toBe(0);
    await mover.stop();
    await write({ ...shown, listId: 'l-2' });
    // Another process, which knows of nothing but what the log holds.
    await stateStore.clear(STATE);
    await under.ingest.close();
    under = await openTestIngest({ log });
    mover = start();
    await untilRead(2);
    const found = await decodedFrom(log, TOPICS.impressions.name, 'Impression');
    expect(found.map(({ listId }) => listId)).toEqual(['l-1', 'l-2']);
    expect(under.ingest.impressions.counters).toMatchObject({ accepted: 1, duplicates: 1 });
  });

  it('sets aside what is no event, with its reason, and leaves its neighbours alone', async () => {
    const poison: readonly (readonly [unknown, string])[] = [
      [Buffer.from('no JSON'), 'bad_json'],
      [Buffer.alloc(0), 'bad_json'],
      [Uint8Array.of(0, 0, 0, 0), 'bad_record'],
      [Uint8Array.of(0, 0, 0, 0xff, 0xff, 1), 'unknown_schema'],
      [[event()], 'bad_record'],
      [event({ receivedAt: 1 }), 'bad_request'],
      [event({ kind: 'stare' }), 'unknown_kind'],
      [event({ userId: '' }), 'bad_id'],
      [event({ sessionId: 's' }), 'bad_value'],
      [event({ occurredAt: '1970-01-01T00:00:00Z' }), 'too_old'],
      [encodeRecord('Interaction', { ...INTERACTION, sequence: 4 }), 'bad_request'],
      [
        encodeRecord('Forget', { userId: userId('ada'), requestId: 'r', receivedAt: FIXTURE_NOW }),
        'bad_record',
      ],
    ];
    for (const [index, [value]] of poison.entries()) {
      await write(value);
      await write(event({ eventId: `good-${index}` }));
    }
    await untilRead(2 * poison.length);
    const found = await letters();
    expect(found.map(({ reason }) => reason)).toEqual(poison.map(([, reason]) => reason));
    expect(found.map(({ topic, offset }) => [topic, offset])).toEqual(
      poison.map((_, index) => [TOPIC, 2 * index]),
    );
    expect(await interactionsIn(log)).toHaveLength(poison.length);
    expect(mover.counters).toMatchObject({
      outsideDeadLettered: poison.length,
      outsideLost: 0,
    });
  });

  it('takes records by schemas of others, and passes over what it does not know', async () => {
    schemas.set(900, CLICK_SCHEMA);
    schemas.set(901, SHOWN_SCHEMA);
    await write(byTheirs(CLICK_SCHEMA, 900, CLICK));
    await write(byTheirs(SHOWN_SCHEMA, 901, SHOWN));
    await untilRead(2);
    expect(await letters()).toEqual([]);
    expect(await interactionsIn(log)).toMatchObject([
      {
        source: 'events-in',
        eventId: 'c-1',
        userId: 'ada',
        itemId: 'heat',
        kind: 'rating',
        value: 4,
        occurredAt: FIXTURE_NOW - 5_000,
        context: { listId: 'l-1', rank: 2, placement: null, undoes: null },
      },
    ]);
    const shown = await decodedFrom(log, TOPICS.impressions.name, 'Impression');
    expect(shown).toMatchObject([
      { listId: 'l-1', sessionId: 's-1', items: [{ itemId: 'heat', rank: 2 }] },
    ]);
  });

  it('waits for a registry that is away, and loses nothing for it', async () => {
    schemas.set(900, CLICK_SCHEMA);
    isRegistryAway = true;
    const values = [
      byTheirs(CLICK_SCHEMA, 900, CLICK),
      Buffer.from(JSON.stringify(event({ eventId: 'json' }))),
    ];
    const timestamp = FIXTURE_NOW as EpochMs;
    await log.append(
      TOPIC,
      P0,
      values.map((value) => ({ key: null, value, timestamp })),
    );
    await expect.poll(() => interactionsIn(log)).toHaveLength(1);
    expect(mover.counters.outsideRead).toBe(0);
    isRegistryAway = false;
    await untilRead(2);
    expect(await letters()).toEqual([]);
    expect(await interactionsIn(log)).toHaveLength(2);
  });

  it('knows our ids where the registry has none, or something else, by them', async () => {
    schemas.set(1, { type: 'record', name: 'Order', fields: [{ name: 'sum', type: 'int' }] });
    await write(encodeRecord('Interaction', INTERACTION));
    await untilRead(1);
    expect(await interactionsIn(log)).toHaveLength(1);
  });

  it('sets aside what a schema of others does not say, with the reason', async () => {
    const order = { type: 'record', name: 'Order', fields: [{ name: 'sum', type: 'int' }] };
    schemas.set(900, CLICK_SCHEMA);
    schemas.set(902, order);
    await write(byTheirs(order, 902, { sum: 1 }));
    await write(byTheirs(CLICK_SCHEMA, 903, CLICK));
    await write(byTheirs(CLICK_SCHEMA, 900, CLICK).subarray(0, 12));
    await write(byTheirs(CLICK_SCHEMA, 900, { ...CLICK, kind: 'stare' }));
    await untilRead(4);
    expect((await letters()).map(({ reason }) => reason)).toEqual([
      'bad_record',
      'unknown_schema',
      'bad_record',
      'unknown_kind',
    ]);
  });

  it('goes on at the mark, and has nothing twice where it died before moving it', async () => {
    await write(event({ eventId: 'before' }));
    await untilRead(1);
    await expect.poll(positionOf).toBe(0);
    await mover.stop();
    let isDead = false;
    mover = start((name) => {
      if (name !== OUTSIDE_CRASH_POINTS[0] || isDead) return;
      isDead = true;
      throw new Error('died here');
    });
    await write(event());
    await expect.poll(() => isDead).toBe(true);
    await expect.poll(positionOf).toBe(1);
    const ids = (await interactionsIn(log)).map((each) => each.eventId);
    // The edge knew it again; after a real death the stream does, by the same id.
    expect(new Set(ids).size).toBe(2);
  });

  it('waits while the log takes nothing, and moves each event once afterwards', async () => {
    const append = log.append.bind(log);
    let failures = 3;
    log.append = async (topic, partition, records) => {
      if (topic === TOPICS.interactions.name && failures > 0) {
        failures -= 1;
        throw new FreshetError('log_unavailable', { problem: 'none now' });
      }
      return append(topic, partition, records);
    };
    await write(event({ eventId: 'a' }));
    await write(event({ eventId: 'b' }));
    await untilRead(2);
    expect((await interactionsIn(log)).map((each) => each.eventId).sort()).toEqual(['a', 'b']);
  });

  it('cannot move the mark of a partition that another process has by now', async () => {
    await write(event({ eventId: 'a' }));
    await untilRead(1);
    await expect.poll(positionOf).toBe(0);
    await stateStore.claim(STATE);
    await write(event({ eventId: 'b' }));
    await untilRead(2);
    await new Promise(setImmediate);
    expect(await positionOf()).toBe(0);
  });

  it('counts and passes over what expired before it was moved', async () => {
    await write(event({ eventId: 'a' }));
    await untilRead(1);
    await expect.poll(positionOf).toBe(0);
    await mover.stop();
    await write(event({ eventId: 'b' }), FIXTURE_NOW - 9_000);
    await write(event({ eventId: 'c' }));
    const keepFrom = [offset(2), offset(0)];
    await log.clean(TOPIC, { ageMs: -1, keepFrom }, FIXTURE_NOW);
    mover = start();
    await untilRead(1);
    expect(mover.counters).toMatchObject({ outsideRead: 1, outsideLost: 1 });
    expect((await interactionsIn(log)).map((each) => each.eventId)).toEqual(['a', 'c']);
  });
});
