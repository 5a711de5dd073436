/**
 * A site of several processes that is asked for more than it can give: releases that change while lists are
 * read, good and bad ones; dashboards of which some never read; events that come faster than the stream
 * takes them in, half of them of one person and one item. Who is let in is served, who is not is told when
 * to come again, nothing queues without bound, and afterwards all is as it was.
 *
 * What would turn each of them red: a release that is put to use in parts, or unchecked; diffs that are not
 * merged while a socket is full; an ingest that waits neither for the stream nor within its budget.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { EventsAnswer } from '../../schemas/api/events.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { epochMs } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openClickHouseArtifactStore } from '../../storage/artifact-store/clickhouse-artifact-store.ts';
import { post, postEvents, tryPost } from '../faults/program-calls.ts';
import { type ServerProcess, systemOf } from '../faults/server-process.ts';
import { type FaultProxy, startFaultProxy } from '../services/fault-proxy.ts';
import { freePort } from '../services/free-port.ts';
import { promote } from '../serving/promotion.ts';
import { ListSampler } from '../swap/list-sampler.ts';
import { ReleaseReference } from '../swap/recomputed-parts.ts';
import { makeSwapReleases } from '../swap/swap-releases.ts';
import { Dashboard, type DashboardOptions } from './dashboard.ts';
import { Site, untilTakenIn } from './site.ts';

const MIB = 1024 * 1024;
const SEED = 5;
const ITEMS = 300;
const PEOPLE = 20;
const LIKES_EACH = 8;
const PARTITIONS = { userPartitions: 8, itemPartitions: 1 } as const;
const PATIENCE = { timeout: 60_000, interval: 20 };
const TEST_MS = 120_000;

let site: Site;
let proxy: FaultProxy;
let ingest: ServerProcess;
let stream: ServerProcess;
let serving: readonly ServerProcess[];
let stuck: readonly Dashboard[];

beforeAll(async () => {
  site = await Site.start(inject('kafka').addresses.plain, PARTITIONS, {
    settings: [
      ['trainingAt', ''],
      ['ingestQueueBytes', String(MIB)],
      ['trustedProxies', 'loopback'],
    ],
  });
  const port = await freePort();
  proxy = await startFaultProxy({ port, targetPort: site.redis.port });
  // Topics and keys are made by whoever comes first.
  ingest = await site.startProgram(['--roles', 'ingest']);
  const bySlowRedis = ['--redis-urls', `redis://127.0.0.1:${port}`];
  const serve = (): Promise<ServerProcess> => site.startProgram(['--roles', 'serving']);
  [stream, ...serving] = await Promise.all([
    site.startProgram(['--roles', 'stream', ...bySlowRedis]),
    serve(),
    serve(),
  ]);
  await bringWorld();
  // They are there from the beginning: it takes a while until the network takes no more for them.
  stuck = await openDashboards(NEVER_READ, { limit: LONG, feeds: FEEDS });
  for (const dashboard of stuck) dashboard.stopReading();
}, TEST_MS);
afterAll(async () => {
  await site?.remove();
  await proxy?.stop();
});

const bringWorld = async (): Promise<void> => {
  const items = Array.from({ length: ITEMS }, (_, at) => ({
    itemId: `item-${at}`,
    title: `Item ${at}`,
  }));
  await post(ingest, '/v1/items', { items });
  const likes = Array.from({ length: PEOPLE * LIKES_EACH }, (_, at) => ({
    eventId: `like-${at}`,
    userId: `p${at % PEOPLE}`,
    itemId: `item-${(at * 37) % ITEMS}`,
    kind: 'like',
  }));
  await postEvents(ingest, likes);
  await untilTakenIn(serving[0]!);
};

const listOf = async ({ url }: ServerProcess, person: string, query = ''): Promise<ListAnswer> => {
  const answer = await fetch(`${url}/v1/users/${person}/recommendations${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as ListAnswer;
};

describe('releases that change while lists are read', () => {
  it(
    '[fault 29] each list is of the one release that it names, and every process refuses bad ones',
    async () => {
      const { good, bad } = makeSwapReleases(ITEMS);
      const wrong = bad.filter(({ manifest }) =>
        ['bad-nan', 'bad-truncated', 'bad-missing-items'].includes(manifest.version),
      );
      const store = openClickHouseArtifactStore({
        connection: site.clickhouse.connection,
        database: site.namespace,
        logger: silentLogger,
      });
      for (const { manifest, files } of [...good, ...wrong]) await store.publish(manifest, files);
      await store.close();
      const samplers = serving.map(({ url }) => {
        const port = Number(new URL(url).port);
        return new ListSampler({ port, items: ITEMS, people: PEOPLE, seed: SEED });
      });
      const swaps = await Swaps.begin(good[0]!.manifest.version);
      for (const sampler of samplers) sampler.start();
      const badVersions = [...wrong.map(({ manifest }) => manifest.version), 'bad-nowhere'];
      for (const [at, version] of badVersions.entries()) {
        await swaps.refuse(version);
        await swaps.use(good[(at + 1) % good.length]!.manifest.version);
      }
      await swaps.end();
      const references = new Map(
        good.map((release) => [release.manifest.version, new ReleaseReference(release)] as const),
      );
      for (const sampler of samplers) {
        await sampler.stop();
        const { byVersion, problems } = sampler.report(references);
        expect(problems).toEqual([]);
        expect(Object.keys(byVersion).length).toBeGreaterThan(1);
      }
    },
    TEST_MS,
  );
});

/** Promotions by hand, each waited for in every process that serves. */
class Swaps {
  readonly #log: Awaited<ReturnType<Site['openStoredLog']>>;
  #inUse: string | null = null;

  static async begin(version: string): Promise<Swaps> {
    const swaps = new Swaps(await site.openStoredLog());
    await swaps.use(version);
    return swaps;
  }

  private constructor(log: Awaited<ReturnType<Site['openStoredLog']>>) {
    this.#log = log;
  }

  async use(version: string): Promise<void> {
    await this.#promote(version);
    this.#inUse = version;
    for (const each of serving) await expect.poll(() => inUseAt(each), PATIENCE).toBe(version);
  }

  async refuse(version: string): Promise<void> {
    await this.#promote(version);
    for (const each of serving) {
      const notices = async (): Promise<string> => (await systemOf(each)).notices.join();
      await expect.poll(notices, PATIENCE).toContain(`Release ${version} was refused`);
      expect(await inUseAt(each)).toBe(this.#inUse);
    }
  }

  async end(): Promise<void> {
    await this.#log.close();
  }

  async #promote(version: string): Promise<void> {
    await promote(this.#log, version, { formerVersion: this.#inUse, at: epochMs(Date.now()) });
  }
}

const inUseAt = async (from: ServerProcess): Promise<string | null | undefined> =>
  (await listOf(from, 'p1')).models.als;

const DASHBOARDS = 500;
const NEVER_READ = 50;
/** Each of which tells something twice a second: for who does not read, the network soon takes no more. */
const FEEDS = 45;
const LONG = 100;
const SHORT = 20;
const OF_ONE_ADDRESS = 40;
const WATCHED = 'p0';
const DEEDS_MAX = 500;

const dashboards: Dashboard[] = [];
let addresses = 0;
afterAll(() => {
  for (const dashboard of dashboards) dashboard.close();
});

describe('dashboards of which a tenth never read', () => {
  it(
    '[fault 28] are sent what they read, and the others are held up by nobody',
    async () => {
      const [server] = serving;
      const reading = await openDashboards(DASHBOARDS - NEVER_READ, { limit: SHORT });
      const before = await liveCountersOf(server!);
      let deeds = 0;
      let merged = 0;
      let ended = 0;
      while (merged < NEVER_READ && ended === 0 && deeds < DEEDS_MAX) {
        const eventId = `deed-${deeds}`;
        const itemId = `item-${(deeds * 7) % ITEMS}`;
        deeds += 1;
        await post(ingest, '/v1/events', { eventId, userId: WATCHED, itemId, kind: 'like' });
        const areTold = (): boolean => reading.every((each) => each.wasToldOf(eventId));
        await expect.poll(areTold, PATIENCE).toBe(true);
        const now = await liveCountersOf(server!);
        merged = now.coalesced - before.coalesced;
        ended = now.ended;
      }
      const { sockets } = await liveCountersOf(server!);
      expect({ ended, sockets }).toEqual({ ended: 0, sockets: DASHBOARDS });
      expect(merged).toBeGreaterThanOrEqual(NEVER_READ);
      await expectUpToDate(reading, SHORT);

      // Who reads again comes to the same.
      const [late] = stuck;
      late!.readOn();
      await expectUpToDate([late!], LONG);
    },
    TEST_MS,
  );
});

/** Each of an address that the trusted proxy names, few of the same. */
const openDashboards = async (
  count: number,
  watching: Pick<DashboardOptions, 'limit' | 'feeds'>,
): Promise<readonly Dashboard[]> => {
  const { url } = serving[0]!;
  const opened: Dashboard[] = [];
  while (opened.length < count) {
    addresses += 1;
    const address = `192.0.2.${addresses}`;
    const some = await Promise.all(
      Array.from({ length: Math.min(OF_ONE_ADDRESS, count - opened.length) }, () =>
        Dashboard.open({ url, address, person: WATCHED, ...watching }),
      ),
    );
    opened.push(...some);
    dashboards.push(...some);
  }
  return opened;
};

/** They show what one that is opened now does. */
const expectUpToDate = async (shown: readonly Dashboard[], limit: number): Promise<void> => {
  const [newest] = await openDashboards(1, { limit });
  const behind = (): number => shown.filter((each) => each.shown !== newest!.shown).length;
  await expect.poll(behind, PATIENCE).toBe(0);
};

const liveCountersOf = async (server: ServerProcess) => {
  const { liveSockets, liveCoalesced, liveEnded } = (await systemOf(server)).counters.serving!;
  return { sockets: liveSockets!, coalesced: liveCoalesced!, ended: liveEnded! };
};

const SENDERS = 48;
const BATCH = 125;
/** Ids so long that few events fill the queue. */
const ID_CHARACTERS = 120;
const RECORD_BYTES_MIN = 180;
const REDIS_DELAY_MS = 2_000;
const AGAIN_MS = 50;
const REFUSALS = SENDERS / 2;
const EVENTS_MAX = 60_000;
/** Of the program: events that may be ahead of the stream, all partitions together. */
const AHEAD_MAX = 20_000;
/** What the stream takes in at a time; the report may not know of the last one yet. */
const TAKEN_AT_ONCE = 4_096;
/** One append may add to what is ahead, and no more than the queue holds. */
const LAG_MAX = AHEAD_MAX / PARTITIONS.userPartitions + MIB / RECORD_BYTES_MIN + TAKEN_AT_ONCE;
/** The last that is let in may be a whole request. */
const QUEUED_MAX = MIB + BATCH * 2 * ID_CHARACTERS;

describe('events that come faster than they can be taken in', () => {
  it(
    '[fault 27] wait, are then refused with the time to come again, and count once each',
    async () => {
      const before = (await systemOf(serving[0]!)).counters.interactions!.accepted!;
      proxy.delayReplies(REDIS_DELAY_MS);
      const load = new Load();
      const sending = Promise.allSettled(
        Array.from({ length: SENDERS }, (_, sender) => load.send(sender)),
      );
      await load.watch();
      expect(load.statuses).toEqual(new Set([200, 503]));
      expect(load.refusedWithoutTime).toBe(0);
      expect(load.queuedBytes).toBeLessThanOrEqual(QUEUED_MAX);
      expect(load.lag).toBeLessThanOrEqual(LAG_MAX);

      proxy.delayReplies(0);
      // What is still late must not be overtaken.
      proxy.cut();
      const failed = (await sending).filter(({ status }) => status === 'rejected');
      expect(failed).toEqual([]);
      const { counters } = await untilTakenIn(serving[0]!);
      const accepted = before + load.acknowledged;
      expect(counters.interactions).toMatchObject({ accepted, duplicate: 0 });
      await expectFresh();
      const all = [ingest, stream, ...serving];
      const endings = await Promise.all(all.map((each) => each.kill('SIGTERM')));
      expect(new Set(endings)).toEqual(new Set([0]));
      const ids = (await site.interactions()).map(({ record }) => record.eventId);
      expect(ids.length).toBe(new Set(ids).size);
      expect(ids.filter((id) => id.startsWith('load-')).length).toBe(load.acknowledged);
    },
    TEST_MS,
  );
});

/** Senders who do not wait for long, and what is seen of it from outside. */
class Load {
  readonly statuses = new Set<number>();
  acknowledged = 0;
  refusals = 0;
  refusedWithoutTime = 0;
  queuedBytes = 0;
  lag = 0;
  lists = 0;

  /** Always other events, but the same until they are acknowledged. */
  async send(sender: number): Promise<void> {
    for (let batch = 0; !this.#isSeen(); batch += 1) {
      const events = batchOf(sender, batch);
      while (!(await this.#isAcknowledged(events))) await sleep(AGAIN_MS);
    }
  }

  /** Until all has been seen that is to come of so much; lists are read all the time. */
  async watch(): Promise<void> {
    while (!this.#isSeen()) {
      // Whoever has very much to do may take too long to say how it stands, and says that.
      const queued = (await systemOf(ingest)).counters?.ingest?.queuedBytes ?? 0;
      this.queuedBytes = Math.max(this.queuedBytes, queued);
      const lags = ((await systemOf(serving[0]!)).partitions ?? [])
        .filter(({ statePartition }) => statePartition.startsWith(TOPICS.interactions.name))
        .map(({ lag }) => lag);
      this.lag = Math.max(this.lag, ...lags);
      for (const each of serving) {
        expect((await listOf(each, 'p2')).items.length).toBeGreaterThan(5);
        this.lists += 1;
      }
    }
  }

  #isSeen(): boolean {
    const isFull =
      this.queuedBytes > MIB / 2 && this.lag > AHEAD_MAX / PARTITIONS.userPartitions / 2;
    return (isFull && this.refusals >= REFUSALS) || this.acknowledged >= EVENTS_MAX;
  }

  async #isAcknowledged(events: readonly unknown[]): Promise<boolean> {
    const answer = await tryPost(ingest, '/v1/events', { events });
    const said = (await answer.json()) as Partial<EventsAnswer>;
    this.statuses.add(answer.status);
    if (answer.ok) {
      expect(said).toMatchObject({ accepted: events.length, refused: [] });
      this.acknowledged += events.length;
      return true;
    }
    this.refusals += 1;
    if (!(Number(answer.headers.get('retry-after')) > 0)) this.refusedWithoutTime += 1;
    return false;
  }
}

/** Half of all events are one person’s, half are of one item. */
const batchOf = (sender: number, batch: number) =>
  Array.from({ length: BATCH }, (_, at) => ({
    eventId: `load-${sender}-${batch}-${at}-`.padEnd(ID_CHARACTERS, 'x'),
    userId: at % 2 === 0 ? 'p1' : `p${(sender + at) % PEOPLE}`,
    itemId: at % 4 < 2 ? 'item-1' : `item-${(sender * 31 + at) % ITEMS}`,
    kind: 'view',
  }));

/** Somebody's first deed shows in their list, as on any day. */
const expectFresh = async (): Promise<void> => {
  const event = { eventId: 'afterwards', userId: 'newcomer', itemId: 'item-7', kind: 'like' };
  const answer = await post(ingest, '/v1/events', event);
  const { positions } = (await answer.json()) as EventsAnswer;
  const after = positions.map(({ partition, offset }) => `${partition}:${offset}`).join(',');
  const list = await listOf(serving[0]!, 'newcomer', `?after=${after}`);
  expect(JSON.stringify(list.items)).toContain('item-7');
};
