/**
 * The whole program while one of its servers is away, empty or full, and afterwards: what goes on, how a
 * person can see what does not, and that all heals without a hand.
 */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { ModelsAnswer } from '../../schemas/api/models.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import { tryPost } from '../faults/program-calls.ts';
import { integerBelow, pick, seededRandom } from '../faults/seeded-random.ts';
import { systemOf } from '../faults/server-process.ts';
import { ProgramSeat } from '../siege/program-seat.ts';
import { plantedHistory, plantedRandom } from '../training/training-fixture.ts';
import { PARTITIONS, Site, untilCopied, untilTakenIn } from './site.ts';

const SEED = 83;
const ITEMS = 30;
const PEOPLE = 20;
const EVENTS = 600;
const BATCH = 300;
const PLANTED_PEOPLE = 150;
const DAY_MS = 86_400_000;
/** The oracle's twin knows no caps. */
const SETTINGS = [
  ['historyEvents', '1000'],
  ['neighboursPerItem', '10000'],
  ['trainingAt', ''],
] as const;
const KINDS = ['click', 'like', 'view', 'rating'];
const PATIENCE = { timeout: 60_000, interval: 200 };
const TEST_MS = 240_000;

let site: Site;
let seat: ProgramSeat;
beforeEach(async () => {
  site = await Site.start(inject('kafka').addresses.plain, PARTITIONS, { settings: SETTINGS });
  seat = await ProgramSeat.at(site, 'program', []);
  await seat.start();
  const items = Array.from({ length: ITEMS }, (_, at) => ({
    itemId: `item-${at}`,
    title: `Item ${at}`,
    categories: [at % 3 === 0 ? 'third' : 'other'],
  }));
  expect((await tryPost(seat, '/v1/items', { items })).ok).toBe(true);
  expect(await send('before')).toBe(200);
  await untilTakenIn(seat);
});
afterEach(async () => {
  await seat.kill();
  await site.remove();
});

/** One request of seeded events; the answer's status. */
const send = async (name: string, count = EVENTS): Promise<number> => {
  const random = seededRandom(SEED + name.length);
  const statuses: number[] = [];
  for (let from = 0; from < count; from += BATCH) {
    const events = Array.from({ length: Math.min(BATCH, count - from) }, (_, at) => {
      const kind = pick(random, KINDS);
      return {
        eventId: `${name}-${from + at}`,
        userId: `user-${integerBelow(random, PEOPLE)}`,
        itemId: `item-${integerBelow(random, ITEMS)}`,
        kind,
        ...(kind === 'rating' ? { value: 1 + integerBelow(random, 5) } : {}),
      };
    });
    statuses.push((await tryPost(seat, '/v1/events', { events })).status);
  }
  return Math.max(...statuses);
};

/** A history from which a model learns something: as if it ended now. */
const sendPlanted = async (): Promise<number> => {
  const planted = plantedHistory(PLANTED_PEOPLE, plantedRandom(SEED));
  const newest = Math.max(...planted.map(({ at }) => at));
  const oldest = Math.min(...planted.map(({ at }) => at));
  const scale = (6 * DAY_MS) / (newest - oldest);
  const events = planted
    .toSorted((one, other) => one.at - other.at)
    .map(({ user, item, kind, at }) => ({
      userId: user,
      itemId: item,
      kind,
      occurredAt: new Date(Date.now() - (newest - at) * scale).toISOString(),
    }));
  const statuses: number[] = [];
  for (let from = 0; from < events.length; from += 500) {
    const batch = { events: events.slice(from, from + 500) };
    statuses.push((await tryPost(seat, '/v1/events', batch)).status);
  }
  return Math.max(...statuses);
};

/** Resolves to the version that was promoted. */
const train = async (): Promise<string> => {
  const asked = await fetch(`${seat.url}/v1/models/als/train`, { method: 'POST' });
  expect(asked.ok).toBe(true);
  const { runId } = (await asked.json()) as { readonly runId: string };
  const ended = async () => {
    const answer = await fetch(`${seat.url}/v1/models`);
    return ((await answer.json()) as ModelsAnswer).runs.find((run) => run.runId === runId);
  };
  await expect.poll(ended, PATIENCE).toMatchObject({ outcome: 'promoted' });
  const { version } = (await ended()) ?? {};
  await expect.poll(() => modelOf(seat), PATIENCE).toBe(version);
  return version!;
};

const trainPlanted = async (): Promise<string> => {
  expect(await sendPlanted()).toBe(200);
  await untilCopied(seat);
  return train();
};

/** The release by which somebody's list is made. */
const modelOf = async (from: ProgramSeat): Promise<string | null | undefined> =>
  (await listOf('person1', from)).models.als;

/** Another process that serves and has no copy of anything. */
const withNewcomer = async (act: (newcomer: ProgramSeat) => Promise<void>): Promise<void> => {
  const newcomer = await ProgramSeat.at(site, 'newcomer', ['--roles', 'serving']);
  try {
    await newcomer.start();
    await act(newcomer);
    expect(await newcomer.kill('SIGTERM')).toBe(0);
  } finally {
    await newcomer.kill();
  }
};

/** As by an empty disk in the place of the one that held them. */
const dropReleases = async (): Promise<number> => {
  const { connection, database } = site.clickhouse;
  const warehouse = new ClickHouseWarehouse({ connection, database });
  try {
    const sql = "SELECT name FROM system.tables WHERE startsWith(name, 'artifact_release_')";
    const tables = await warehouse.query({ name: 'tables of releases', sql });
    for (const { name } of tables) {
      await warehouse.command({ name: 'drop a release', sql: `DROP TABLE ${name} SYNC` });
    }
    return tables.length;
  } finally {
    await warehouse.close();
  }
};

const listOf = async (person: string, from: ProgramSeat = seat): Promise<ListAnswer> => {
  const answer = await fetch(`${from.url}/v1/users/${person}/recommendations`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as ListAnswer;
};

const itemsOf = ({ items }: ListAnswer): readonly string[] => items.map(({ itemId }) => itemId);

const readiness = async (): Promise<number> => (await fetch(`${seat.url}/health/ready`)).status;

const metric = async (name: string): Promise<string | undefined> => {
  const text = await (await fetch(`${seat.url}/metrics`)).text();
  return text
    .split('\n')
    .find((line) => line.startsWith(`freshet_${name} `))
    ?.split(' ')[1];
};

const awayMetric = (server: string): Promise<string | undefined> =>
  metric(`server_away{server="${server}"}`);

const problemOf = ({ servers }: SystemAnswer, server: string): string | null | undefined =>
  servers.find((each) => each.server === server)?.problem;

const askRedis = async (...words: readonly [string, ...string[]]): Promise<void> => {
  const client = new Redis({ host: '127.0.0.1', port: site.redis.port });
  await client.call(...words);
  client.disconnect();
};

const expectHealed = async (): Promise<void> => {
  await expect.poll(readiness, PATIENCE).toBe(200);
  await untilTakenIn(seat);
  expect(await seat.kill('SIGTERM')).toBe(0);
  expect(await site.problems()).toEqual([]);
};

describe('while Redis is away', () => {
  it(
    'lists come from memory and say so, events are taken, and all is right again afterwards',
    async () => {
      const before = await listOf('user-1');
      expect(before.asOf.stale).toBeUndefined();
      const counted = (await systemOf(seat)).counters.interactions?.received;
      await site.redis.kill();
      expect(await send('meanwhile')).toBe(200);
      await expect.poll(readiness, PATIENCE).toBe(503);
      // What was answered within the last second may be answered again.
      const isStale = async (): Promise<unknown> => (await listOf('user-1')).asOf.stale;
      await expect.poll(isStale, PATIENCE).toBe(true);
      expect(itemsOf(await listOf('user-1'))).toEqual(itemsOf(before));
      const strange = await listOf('nobody-knows-them');
      expect(strange.asOf.stale).toBe(true);
      expect(strange.items.length).toBeGreaterThan(5);
      const system = await systemOf(seat);
      expect(problemOf(system, 'state')).toEqual(expect.any(String));
      expect(problemOf(system, 'log')).toBeNull();
      expect(system.health.reasons.join()).toContain('Redis');
      // Counters that fell would look like a stream that began anew.
      expect(system.counters.interactions?.received).toBeGreaterThanOrEqual(counted!);
      expect(await awayMetric('state')).toBe('1');
      expect(await awayMetric('log')).toBe('0');

      await site.redis.start();
      await expect.poll(isStale, PATIENCE).toBeUndefined();
      await expect.poll(() => awayMetric('state'), PATIENCE).toBe('0');
      await expectHealed();
    },
    TEST_MS,
  );

  it(
    'one that is there and does not answer is treated alike',
    async () => {
      await listOf('user-1');
      site.redis.signal('SIGSTOP');
      await expect.poll(async () => (await listOf('user-1')).asOf.stale, PATIENCE).toBe(true);
      await expect.poll(readiness, PATIENCE).toBe(503);
      expect(problemOf(await systemOf(seat), 'state')).toEqual(expect.any(String));
      expect(await awayMetric('state')).toBe('1');
      site.redis.signal('SIGCONT');
      await expectHealed();
    },
    TEST_MS,
  );
});

describe('[fault 15] when Redis comes back empty', () => {
  it(
    'the state is made again from the log, and lists come from memory until then',
    async () => {
      const before = await listOf('user-1');
      await askRedis('FLUSHALL');
      const stale = await listOf('user-1');
      if (stale.asOf.stale === true) expect(itemsOf(stale)).toEqual(itemsOf(before));
      else expect(stale.rung).toBe(before.rung);
      expect(await send('after')).toBe(200);
      await expectHealed();
    },
    TEST_MS,
  );
});

describe('[fault 16] while Redis has no room', () => {
  it(
    'nothing is half done, events and lists go on, and it goes on where there is room again',
    async () => {
      await listOf('user-1');
      await askRedis('CONFIG', 'SET', 'maxmemory', '1');
      expect(await send('full')).toBe(200);
      const behind = async (): Promise<boolean> =>
        (await systemOf(seat)).partitions.some(({ lag }) => lag > 0);
      await expect.poll(behind, PATIENCE).toBe(true);
      expect(itemsOf(await listOf('user-1')).length).toBeGreaterThan(5);
      await askRedis('CONFIG', 'SET', 'maxmemory', '0');
      await expectHealed();
    },
    TEST_MS,
  );
});

describe('[fault 18] while ClickHouse is away', () => {
  it(
    'nothing but training notices, also not a process that starts, and it is filled up afterwards',
    async () => {
      await site.clickhouse.kill();
      expect(await send('meanwhile')).toBe(200);
      await untilTakenIn(seat);
      expect(await readiness()).toBe(200);
      expect((await listOf('user-1')).asOf.stale).toBeUndefined();
      await expect.poll(() => awayMetric('warehouse'), PATIENCE).toBe('1');
      const { notices } = await systemOf(seat);
      expect(notices.join()).toContain('ClickHouse');
      expect(await seat.kill('SIGTERM')).toBe(0);
      await seat.start();
      expect((await listOf('user-1')).items.length).toBeGreaterThan(5);
      await expect.poll(readiness, PATIENCE).toBe(200);

      await site.clickhouse.start();
      await untilCopied(seat);
      await expectHealed();
    },
    TEST_MS,
  );

  it(
    'a process that served by a release serves by it after a restart, a new one once ClickHouse is back',
    async () => {
      const version = await trainPlanted();
      await site.clickhouse.kill();
      expect(await seat.kill('SIGTERM')).toBe(0);
      await seat.start();
      await expect.poll(() => modelOf(seat), PATIENCE).toBe(version);
      await withNewcomer(async (newcomer) => {
        expect(await modelOf(newcomer)).toBeNull();
        const { notices } = await systemOf(newcomer);
        expect(notices.join()).toContain(`Release ${version} cannot be read now`);
        await site.clickhouse.start();
        await expect.poll(() => modelOf(newcomer), PATIENCE).toBe(version);
      });
    },
    TEST_MS,
  );
});

describe('when ClickHouse comes back without its releases', () => {
  it(
    'whoever has a copy serves by it, others by counts, and the next training heals all',
    async () => {
      const version = await trainPlanted();
      const tables = await dropReleases();
      expect(tables).toBe(1);
      expect(await seat.kill('SIGTERM')).toBe(0);
      await seat.start();
      await expect.poll(() => modelOf(seat), PATIENCE).toBe(version);
      await withNewcomer(async (newcomer) => {
        expect((await listOf('person1', newcomer)).items.length).toBeGreaterThan(5);
        expect(await modelOf(newcomer)).toBeNull();
        const next = await train();
        expect(next).not.toBe(version);
        for (const each of [seat, newcomer]) {
          await expect.poll(() => modelOf(each), PATIENCE).toBe(next);
        }
      });
      await expectHealed();
    },
    TEST_MS,
  );
});

describe('[fault 36] when retention overtakes the copy while ClickHouse is away', () => {
  it(
    'what was let go of is counted and said, lists lose nothing, and the copy goes on behind it',
    async () => {
      await untilCopied(seat);
      await site.clickhouse.kill();
      expect(await send('missed')).toBe(200);
      await untilTakenIn(seat);
      const shown = itemsOf(await listOf('user-1'));
      await site.letGoOf(TOPICS.interactions.name);
      expect(itemsOf(await listOf('user-1'))).toEqual(shown);
      expect(await send('kept', BATCH)).toBe(200);
      await untilTakenIn(seat);
      await site.clickhouse.start();
      const { counters, notices, health } = await untilCopied(seat);
      expect(health.status).toBe('ready');
      expect(counters.interactions).toMatchObject({ accepted: 2 * EVENTS + BATCH, duplicate: 0 });
      expect(counters.warehouse?.lost).toBe(EVENTS);
      expect(notices).toContain(
        `The log let go of ${EVENTS} records before the warehouse had copied them.`,
      );
      const named = (name: string, count: number) =>
        Array.from({ length: count }, (_, at) => `${name}-${at}`);
      const copied = [...named('before', EVENTS), ...named('kept', BATCH)];
      expect((await site.rows()).sort()).toEqual(copied.sort());
      expect(await seat.kill('SIGTERM')).toBe(0);
    },
    TEST_MS,
  );
});
