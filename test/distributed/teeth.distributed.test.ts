/**
 * The teeth of the distributed profile: each protection of the stream is switched off in turn, on real
 * Kafka, Redis and ClickHouse, and the oracle that judges the siege must then see a difference; with the
 * protection, through the same fault, it must see none. (The log's own, that a broker recognises what it
 * has stored, is among its fault tests.)
 */
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { loadConfiguration } from '../../runtime/configuration.ts';
import { streamOptionsOf } from '../../runtime/option-mapping.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openKafkaEventLog } from '../../storage/event-log/kafka/kafka-event-log.ts';
import { openRedisStateStore } from '../../storage/state-store/redis-state-store.ts';
import type { StateStoreSeams } from '../../storage/state-store/state-changes.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import type { StreamCrashPoint } from '../../stream/crash-points.ts';
import type { StreamSeams } from '../../stream/seams.ts';
import { createStream, type StreamDependencies } from '../../stream/stream.ts';
import { remainsOf } from '../faults/oracle.ts';
import { compareStateWithLog } from '../faults/state-oracle.ts';
import { ClickHouseServer } from '../services/clickhouse-server.ts';
import { RedisServer } from '../services/redis-server.ts';
import { createStreamFixture, interaction, topicsOf } from '../stream/stream-fixture.ts';

const PARTITIONS = { userPartitions: 1, itemPartitions: 1 } as const;
const EVENTS = 40;
/** One for each run that copies. */
const DATABASES = ['whole', 'undeduped', 'unfiltered'] as const;
const PATIENCE = { timeout: 30_000, interval: 20 };
/** The oracle's twin knows no caps. */
const { settings } = loadConfiguration({
  environment: {},
  flags: new Map([
    ['historyEvents', '1000'],
    ['neighboursPerItem', '10000'],
  ]),
});

let redis: RedisServer;
let clickhouse: ClickHouseServer;
let sites = 0;
beforeAll(async () => {
  [redis, clickhouse] = await Promise.all([
    RedisServer.start(),
    ClickHouseServer.start(DATABASES[0], DATABASES.slice(1)),
  ]);
});
afterAll(() => Promise.all([redis.remove(), clickhouse.remove()]));

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

class Crash extends Error {}

/** A log, a state and a stream's needs of their own, with people's events in the log. */
class Site {
  readonly log: EventLog;
  readonly state: StateStore;
  readonly deps: StreamDependencies;
  readonly interact: ReturnType<typeof createStreamFixture>['interact'];

  static async open(seams: Pick<StateStoreSeams, 'ignoreStoredPosition'> = {}): Promise<Site> {
    sites += 1;
    const namespace = `teeth_${process.pid}_${sites}`;
    const log = await openKafkaEventLog({
      brokers: inject('kafka').addresses.plain,
      namespace,
      topics: topicsOf(PARTITIONS.userPartitions, PARTITIONS.itemPartitions),
      rules: { replicationFactor: 1, minInsyncReplicas: 1, retentionMs: -1 },
      clock: systemClock,
      logger: silentLogger,
    });
    const state = await openRedisStateStore({ servers: { urls: [redis.url] }, namespace, seams });
    closers.push(
      () => log.close(),
      () => state.close(),
    );
    return new Site(log, state);
  }

  private constructor(log: EventLog, state: StateStore) {
    const options = streamOptionsOf(settings, PARTITIONS);
    const ports = { eventLog: log, stateStore: state };
    const { deps, interact } = createStreamFixture({ ...PARTITIONS, ...ports, options });
    this.log = log;
    this.state = state;
    this.deps = { ...deps, clock: systemClock };
    this.interact = interact;
  }

  /** Events of a few people; the last one comes a second time. */
  async fill(): Promise<void> {
    const events = Array.from({ length: EVENTS }, (_, at) =>
      interaction({
        id: `event-${at}`,
        user: `user-${at % 3}`,
        item: `item-${at % 5}`,
        minute: at,
      }),
    );
    await this.interact(...events, events.at(-1)!);
  }

  /** One that runs until all is taken in, or its partition halts. */
  async run(given: Partial<StreamDependencies>): Promise<void> {
    const stream = createStream({ ...this.deps, ...given });
    await stream.start();
    await stream.caughtUp().catch(() => undefined);
    await stream.stop();
  }

  /** Only what people do is read: items learn of it in another turn, so nobody knows what they have. */
  get withoutItems(): Pick<StreamDependencies, 'partitions'> {
    return { partitions: { ...this.deps.partitions, itemSignals: [] } };
  }

  async problems(): Promise<readonly string[]> {
    const { log, state } = this;
    return compareStateWithLog(await remainsOf({ log, state }), settings);
  }
}

const crashAt = (point: StreamCrashPoint): Pick<StreamDependencies, 'crashPoint'> => ({
  crashPoint: (name) => {
    if (name === point) throw new Crash(name);
  },
});

/** What the oracle finds after a process died at the point and another went on. */
const problemsAfter = async (
  point: StreamCrashPoint,
  seams: StreamSeams,
): Promise<readonly string[]> => {
  const site = await Site.open();
  await site.fill();
  await site.run({ seams, ...site.withoutItems, ...crashAt(point) });
  await site.run({ seams, ...site.withoutItems });
  await site.run({ seams });
  return site.problems();
};

/** Holds back what one process appends until somebody lets go. */
const holdingLog = (log: EventLog) => {
  let letGo = (): void => undefined;
  let isHolding = false;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const held: EventLog = {
    limits: log.limits,
    topic: (name) => log.topic(name),
    append: async (...given) => {
      isHolding = true;
      await gate;
      return log.append(...given);
    },
    read: (...given) => log.read(...given),
    tail: (...given) => log.tail(...given),
    watermarks: (...given) => log.watermarks(...given),
    sizeBytes: (...given) => log.sizeBytes(...given),
    clean: (...given) => log.clean(...given),
    close: () => log.close(),
  };
  return { held, letGo, isHolding: () => isHolding };
};

/** What the oracle finds after a process slept within a batch while another took its partition over. */
const problemsAfterSleep = async (
  seams: Pick<StateStoreSeams, 'ignoreStoredPosition'>,
): Promise<readonly string[]> => {
  const site = await Site.open(seams);
  await site.fill();
  const { held, letGo, isHolding } = holdingLog(site.log);
  const sleeper = createStream({ ...site.deps, ...site.withoutItems, eventLog: held });
  await sleeper.start();
  await expect.poll(isHolding, PATIENCE).toBe(true);
  await site.interact(interaction({ id: 'later', user: 'user-1', item: 'item-4', minute: 90 }));
  await site.run(site.withoutItems);
  // It ends the batch that it slept in, and reads no more: it would come to the same in the end.
  const stopped = sleeper.stop();
  letGo();
  await stopped;
  await site.run({ partitions: { ...site.deps.partitions, interactions: [] } });
  return site.problems();
};

describe('[tooth] on real servers the oracle turns red without', () => {
  it('compare-and-set: whoever slept writes over its successor', async () => {
    expect(await problemsAfterSleep({})).toEqual([]);
    expect(await problemsAfterSleep({ ignoreStoredPosition: true })).not.toEqual([]);
  });

  it('marks: what was appended twice counts twice', async () => {
    const point = 'stream.between-append-and-apply';
    expect(await problemsAfter(point, {})).toEqual([]);
    expect(await problemsAfter(point, { ignoreMarks: true })).not.toEqual([]);
  });

  it('append before apply: what items should have heard is lost', async () => {
    const point = 'stream.between-apply-and-hint';
    expect(await problemsAfter(point, {})).toEqual([]);
    expect(await problemsAfter(point, { applyBeforeAppend: true })).not.toEqual([]);
  });

  it('dedupe, and the filter of the copy: what was sent twice is there twice', async () => {
    const { connection } = clickhouse;
    const twiceIn = async (
      database: (typeof DATABASES)[number],
      seams: StreamSeams,
    ): Promise<'state' | 'rows' | 'nothing'> => {
      const site = await Site.open();
      await site.fill();
      const warehouse = new ClickHouseWarehouse({ connection, database });
      closers.push(() => warehouse.close());
      const stream = createStream({ ...site.deps, warehouse, seams });
      await stream.start();
      await stream.caughtUp();
      const isCopied = async (): Promise<boolean> => {
        const { sinks } = await stream.status();
        return sinks.some(({ table, coveredOffset }) => {
          return table === 'interactions' && coveredOffset >= EVENTS;
        });
      };
      await expect.poll(isCopied, PATIENCE).toBe(true);
      await stream.stop();
      const sql = 'SELECT count() AS rows FROM interactions FINAL';
      const [found] = await warehouse.query({ name: 'rows', sql });
      if ((await site.problems()).length > 0) return 'state';
      return Number(found!.rows) > EVENTS ? 'rows' : 'nothing';
    };
    expect(await twiceIn('whole', {})).toBe('nothing');
    expect(await twiceIn('undeduped', { ignoreDuplicates: true })).toBe('state');
    expect(await twiceIn('unfiltered', { copyRejected: true })).toBe('rows');
  });
});
