/**
 * One seeded day through both profiles' log and state: the same records end in the same state, the same
 * vectors and the same lists, to the last bit. Only what names the logs and counts batches differs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, inject, it } from 'vitest';
import { syntheticRelease } from '../../bench/serving/synthetic-release.ts';
import { VECTOR_OPTIONS } from '../../runtime/option-mapping.ts';
import { systemRandom } from '../../runtime/random.ts';
import { catalogueItem } from '../../schemas/catalogue-item.fixture.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { MemoryArtifactStore } from '../../storage/artifact-store/memory-artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openKafkaEventLog } from '../../storage/event-log/kafka/kafka-event-log.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';
import { openLmdbStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import { openRedisStateStore } from '../../storage/state-store/redis-state-store.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { createStream } from '../../stream/stream.ts';
import { followVectorModels } from '../../stream/vectors/vector-models.ts';
import { VectorView } from '../../stream/vectors/vector-view.ts';
import { integerBelow, pick, seededRandom } from '../faults/seeded-random.ts';
import { RedisServer } from '../services/redis-server.ts';
import { promote } from '../serving/promotion.ts';
import { createStreamFixture, interaction, T0, topicsOf } from '../stream/stream-fixture.ts';
import { dayAfter as clock, listsOn } from './lists-on.ts';

const SEED = 71;
const EVENTS = 1_500;
const PEOPLE = 40;
const ITEMS = 30;
const PARTITIONS = { userPartitions: 2, itemPartitions: 2 } as const;
const MINUTES = 24 * 60;
const KINDS = ['click', 'like', 'view', 'rating', 'dislike', 'purchase'];
const RELEASE = 'of-the-night';
const TEST_MS = 240_000;

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const namesOf = (from: number): readonly string[] =>
  Array.from({ length: PEOPLE - from }, (_, at) => `user-${from + at}`);

const theDay = (): InteractionRecord[] => {
  const random = seededRandom(SEED);
  return Array.from({ length: EVENTS }, (_, at) => {
    const kind = pick(random, KINDS);
    const who = integerBelow(random, PEOPLE);
    const isUndo = at % 60 === 59;
    return interaction({
      // A few come twice.
      id: `event-${at % 97 === 96 ? at - 1 : at}`,
      ...(who < 4 ? { session: `session-${who}` } : { user: `user-${who}` }),
      item: `item-${integerBelow(random, ITEMS)}`,
      kind: isUndo ? 'undo' : kind,
      minute: Math.floor((at * MINUTES) / EVENTS),
      ...(kind === 'rating' && !isUndo ? { value: 1 + integerBelow(random, 5) } : {}),
      ...(isUndo ? { undoes: `event-${at - 7}` } : {}),
    });
  });
};

interface Ports {
  readonly eventLog: EventLog;
  readonly stateStore: StateStore;
}

const embedded = async (): Promise<Ports> => {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-parity-'));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const eventLog = await openLmdbEventLog({
    directory: join(directory, 'log'),
    topics: topicsOf(PARTITIONS.userPartitions, PARTITIONS.itemPartitions),
    clock,
    random: systemRandom,
  });
  const stateStore = await openLmdbStateStore({ directory: join(directory, 'state') });
  closers.push(
    () => eventLog.close(),
    () => stateStore.close(),
  );
  return { eventLog, stateStore };
};

const distributed = async (): Promise<Ports> => {
  const redis = await RedisServer.start();
  closers.push(() => redis.remove());
  const namespace = `parity${process.pid}`;
  const eventLog = await openKafkaEventLog({
    brokers: inject('kafka').addresses.plain,
    namespace,
    topics: topicsOf(PARTITIONS.userPartitions, PARTITIONS.itemPartitions),
    rules: { replicationFactor: 1, minInsyncReplicas: 1, retentionMs: -1 },
    clock,
    logger: silentLogger,
  });
  const stateStore = await openRedisStateStore({ servers: { urls: [redis.url] }, namespace });
  closers.push(
    () => eventLog.close(),
    () => stateStore.close(),
  );
  return { eventLog, stateStore };
};

interface Ending {
  readonly state: ReadonlyMap<string, string>;
  readonly lists: readonly unknown[];
}

const dayOn = async (ports: Ports, events: readonly InteractionRecord[]): Promise<Ending> => {
  const artifactStore = new MemoryArtifactStore();
  const { manifest, files } = syntheticRelease({
    version: RELEASE,
    items: ITEMS - 5,
    dimensions: 16,
    seed: SEED,
  });
  await artifactStore.publish(manifest, files);
  const fixture = createStreamFixture({ ...PARTITIONS, ...ports });
  const records = Array.from({ length: ITEMS }, (_, at) =>
    catalogueItem(`item-${at}`, { categories: [at % 3 === 0 ? 'third' : 'other'], updatedAt: T0 }),
  );
  await fixture.append(
    'catalogue',
    'CatalogueItem',
    records.map((record) => ({ key: record.itemId, record })),
  );
  await promote(ports.eventLog, RELEASE, { at: T0 });
  const models = await followVectorModels({ ...ports, artifactStore, clock, logger: silentLogger });
  closers.push(() => models.stop());
  const stream = createStream({
    ...fixture.deps,
    clock,
    vectors: new VectorView({ ...VECTOR_OPTIONS, model: () => models.current }),
  });
  await stream.start();
  await fixture.interact(...events);
  await stream.caughtUp();
  await stream.stop();
  return {
    state: await fixture.dump({ without: /^partition$/ }),
    lists: await listsOn(
      { ...ports, artifactStore },
      { people: namesOf(4), partitions: PARTITIONS },
    ),
  };
};

it(
  `one day, seed ${SEED}, ends in the same state, vectors and lists in both profiles`,
  async () => {
    const events = theDay();
    const here = await dayOn(await embedded(), events);
    const there = await dayOn(await distributed(), events);
    expect(here.state.size).toBeGreaterThan(PEOPLE + ITEMS);
    expect([...here.state.keys()].some((key) => key.includes('vector:'))).toBe(true);
    expect(there.state).toEqual(here.state);
    expect(JSON.stringify(here.lists)).toContain(RELEASE);
    expect(there.lists).toEqual(here.lists);
  },
  TEST_MS,
);
