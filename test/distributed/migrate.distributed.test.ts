/**
 * A site that grows: from a data directory onto servers, into other numbers of partitions, and back from
 * a backup after everything is lost. Lists and counts are the same before and after, what comes twice is
 * known, and it goes on.
 */
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { syntheticRelease } from '../../bench/serving/synthetic-release.ts';
import { systemClock } from '../../runtime/clock.ts';
import { dataPathsOf, readFacts } from '../../runtime/data-directory.ts';
import { openEmbeddedLog, openEmbeddedState } from '../../runtime/embedded/stores.ts';
import { MOVING_CRASH_POINTS } from '../../runtime/moving/move-site.ts';
import { openPersonKeys } from '../../runtime/person-keys.ts';
import { INGEST_TOPICS, type PartitionCounts } from '../../runtime/topic-plan.ts';
import type { ForgetReceipt } from '../../schemas/api/forgetting.ts';
import type { Clock } from '../../schemas/environment.ts';
import { epochMs } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openClickHouseArtifactStore } from '../../storage/artifact-store/clickhouse-artifact-store.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import { topicSlices } from '../../storage/event-log/partition-slices.ts';
import { tryPost } from '../faults/program-calls.ts';
import { integerBelow, pick, seededRandom } from '../faults/seeded-random.ts';
import { launchProgram, type ServerProcess, startServer } from '../faults/server-process.ts';
import { freePort } from '../services/free-port.ts';
import { promote } from '../serving/promotion.ts';
import { clockAt, listsOn, type ServedStores } from './lists-on.ts';
import { PARTITIONS, Site, untilCopied, untilTakenIn } from './site.ts';

const SEED = 67;
const ITEMS = 30;
const PEOPLE = 24;
const EVENTS = 600;
const BATCH = 40;
const POLL_MS = 50;
const RELEASE = '20261101T030000Z-moved';
const TEST_MS = 240_000;
const KINDS = ['click', 'like', 'view', 'rating', 'dislike', 'purchase'];
const FORGOTTEN = 'user-0';

let root: string;
const sites: Site[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-growing-'));
});
afterEach(async () => {
  for (const site of sites.splice(0).reverse()) await site.remove();
  rmSync(root, { recursive: true, force: true });
});

const brokers = (): readonly string[] => inject('kafka').addresses.plain;

const newSite = async (partitions?: PartitionCounts): Promise<Site> => {
  const site = await Site.start(brokers(), partitions);
  sites.push(site);
  return site;
};

const items = Array.from({ length: ITEMS }, (_, at) => ({
  itemId: `item-${at}`,
  title: `Item ${at}`,
  categories: [at % 3 === 0 ? 'third' : 'other'],
  // Of items that came at once the newest are those that come first in their partitions.
  publishedAt: new Date(Date.UTC(2026, 0, 1 + at)).toISOString(),
}));

/** All within the hour that sessions wait for what is late. */
const FROM_MS = Date.now() - 30 * 60_000;

/** The same ones whenever it is asked. */
const eventsOf = (prefix: string, count: number) => {
  const random = seededRandom(SEED);
  return Array.from({ length: count }, (_, at) => {
    const kind = pick(random, KINDS);
    return {
      eventId: `${prefix}-${at}`,
      userId: `user-${integerBelow(random, PEOPLE)}`,
      itemId: `item-${integerBelow(random, ITEMS)}`,
      kind,
      ...(kind === 'rating' ? { value: 1 + integerBelow(random, 5) } : {}),
      occurredAt: new Date(FROM_MS + at * 50).toISOString(),
    };
  });
};

type Events = ReturnType<typeof eventsOf>;

const send = async (program: ServerProcess, events: Events): Promise<void> => {
  for (let from = 0; from < events.length; from += BATCH) {
    const answer = await tryPost(program, '/v1/events', {
      events: events.slice(from, from + BATCH),
    });
    expect(answer.status).toBeLessThan(300);
  }
};

const freshet = async (...words: readonly string[]) => {
  const program = launchProgram(words);
  return { code: await program.ended, output: program.output() };
};

const people = Array.from({ length: PEOPLE }, (_, at) => `user-${at}`);

/** The real program on a data directory: a catalogue, a day's events, somebody forgotten, a release. */
const embeddedSite = async (): Promise<string> => {
  const data = join(root, 'data');
  const program = await startServer({
    dataDirectory: data,
    port: await freePort(),
    flags: [
      '--empty',
      ...['--user-partitions', String(PARTITIONS.userPartitions)],
      ...['--item-partitions', String(PARTITIONS.itemPartitions)],
    ],
  });
  expect((await tryPost(program, '/v1/items', { items })).ok).toBe(true);
  await send(program, eventsOf('event', EVENTS));
  await untilTakenIn(program);
  await forget(program, FORGOTTEN);
  await untilTakenIn(program);
  await untilCopied(program);
  expect(await program.kill('SIGTERM')).toBe(0);
  await addRelease(data);
  return data;
};

const forget = async ({ url }: ServerProcess, userId: string): Promise<void> => {
  const asked = await fetch(`${url}/v1/users/${userId}`, { method: 'DELETE' });
  let receipt = (await asked.json()) as ForgetReceipt;
  while (receipt.stage !== 'done') {
    await sleep(POLL_MS);
    const answer = await fetch(`${url}/v1/receipts/${receipt.requestId}`);
    receipt = (await answer.json()) as ForgetReceipt;
  }
};

const addRelease = async (data: string): Promise<void> => {
  const paths = dataPathsOf(data);
  const store = await openDirectoryArtifactStore({
    directory: paths.artifacts,
    logger: silentLogger,
  });
  const { manifest, files } = syntheticRelease({
    version: RELEASE,
    items: ITEMS - 5,
    dimensions: 16,
    seed: SEED,
  });
  await store.publish(manifest, files);
  await store.close();
  const log = await openEmbeddedLog({
    directory: paths.log,
    keys: openPersonKeys(paths),
    counts: PARTITIONS,
    writableTopics: INGEST_TOPICS,
    clock: systemClock,
  });
  await promote(log, RELEASE, { at: epochMs(Date.now()) });
  await log.close();
};

const withDirectory = async <Result>(
  data: string,
  act: (stores: ServedStores) => Promise<Result>,
): Promise<Result> => {
  const paths = dataPathsOf(data);
  const eventLog = await openEmbeddedLog({
    directory: paths.log,
    keys: openPersonKeys(paths),
    counts: readFacts(data)!,
    writableTopics: [],
    clock: systemClock,
  });
  const stateStore = await openEmbeddedState({
    directory: paths.state,
    readOnly: true,
    clock: systemClock,
    logger: silentLogger,
  });
  const directory = paths.artifacts;
  const artifactStore = await openDirectoryArtifactStore({ directory, logger: silentLogger });
  try {
    return await act({ eventLog, stateStore, artifactStore });
  } finally {
    await artifactStore.close();
    await stateStore.close();
    await eventLog.close();
  }
};

const withSite = async <Result>(
  site: Site,
  act: (stores: ServedStores) => Promise<Result>,
): Promise<Result> => {
  const { log: eventLog, state: stateStore } = await site.openStores();
  const artifactStore = openClickHouseArtifactStore({
    connection: site.clickhouse.connection,
    database: site.namespace,
    logger: silentLogger,
  });
  try {
    return await act({ eventLog, stateStore, artifactStore });
  } finally {
    await artifactStore.close();
    await stateStore.close();
    await eventLog.close();
  }
};

const listsOfDirectory = (data: string, clock: Clock) =>
  withDirectory(data, (stores) => listsOn(stores, { people, partitions: PARTITIONS, clock }));

const listsOfSite = (site: Site, clock: Clock) =>
  withSite(site, (stores) => listsOn(stores, { people, partitions: site.partitions, clock }));

/** At a time that is the same for all that is compared. */
const soon = (): Clock => clockAt(epochMs(Date.now() + 60_000));

const countsOf = async (program: ServerProcess) => {
  const { counters } = (await (await fetch(`${program.url}/v1/system`)).json()) as {
    readonly counters: { readonly interactions: Readonly<Record<string, number>> };
  };
  const { received, accepted, duplicate, refused, deadLettered } = counters.interactions;
  return { received, accepted, duplicate, refused, deadLettered };
};

/** The site takes in more, knows what it had, and its stores agree. */
const goesOn = async (site: Site): Promise<void> => {
  const program = await site.startProgram();
  await untilTakenIn(program);
  const before = await countsOf(program);
  const old = eventsOf('event', EVENTS)
    .slice(-BATCH)
    .filter(({ userId }) => userId !== FORGOTTEN);
  await send(program, old);
  await send(program, eventsOf('later', 2 * BATCH));
  await untilTakenIn(program);
  const after = await countsOf(program);
  expect(after.accepted! - before.accepted!).toBe(2 * BATCH);
  await untilCopied(program);
  expect(await program.kill('SIGTERM')).toBe(0);
};

describe(`a site that grows, seed ${SEED}`, () => {
  it(
    'moves from a data directory onto servers, killed at every step, with the same lists',
    async () => {
      const data = await embeddedSite();
      const clock = soon();
      const before = await listsOfDirectory(data, clock);
      expect(JSON.stringify(before)).toContain(RELEASE);
      const site = await newSite();
      const dry = await freshet('migrate', '--from', data, '--dry-run', ...site.flags());
      expect(dry).toMatchObject({ code: 0 });
      expect(dry.output).toMatch(/records \(.*rows\.\nNothing was moved\./);
      const migrate = ['migrate', '--from', data, ...site.flags()];
      for (const point of MOVING_CRASH_POINTS) {
        const killed = launchProgram(migrate, { FRESHET_CRASH_POINT: point });
        expect(await killed.ended, killed.output()).toBe('SIGKILL');
      }
      await expect(site.startProgram()).rejects.toThrow(/Expected retention.ms of topic/);
      const moved = await freshet(...migrate);
      expect(moved).toMatchObject({ code: 0 });
      expect(moved.output).toMatch(/State: 0 entries\n.*\n?Warehouse: 0 rows/);
      expect(await listsOfSite(site, clock)).toEqual(before);
      const again = await freshet(...migrate);
      expect(again).toMatchObject({ code: 1 });
      expect(again.output).toMatch(/Expected nothing of a site there, found topics/);
      await goesOn(site);
      expect(await site.problems()).toEqual([]);
      expect(await storedText(site)).not.toContain('user-');
    },
    TEST_MS,
  );

  it(
    'comes back from a backup taken under load, as it was and in other numbers of partitions',
    async () => {
      const first = await newSite();
      const program = await first.startProgram();
      expect((await tryPost(program, '/v1/items', { items })).ok).toBe(true);
      const all = eventsOf('live', 20_000);
      const copy = join(root, 'copy');
      const backup = freshet('backup', copy, ...first.flags());
      const sent = await sendUntil(program, all, backup);
      expect(await backup).toMatchObject({ code: 0 });
      await untilTakenIn(program);
      const counts = await countsOf(program);
      expect(await program.kill('SIGTERM')).toBe(0);
      const clock = soon();
      const lists = await listsOfSite(first, clock);

      const second = await newSite();
      const wider = second.beside({ userPartitions: 5, itemPartitions: 3 });
      sites.push(wider);
      const narrow = await freshet('restore', copy, ...wider.flags());
      expect(narrow).toMatchObject({ code: 1 });
      expect(narrow.output).toMatch(/--user-partitions 3 .* got 5 and 3/);
      const file = join(copy, 'log', 'interactions.0.frames.zst');
      const { size } = statSync(file);
      appendFileSync(file, 'x');
      const damaged = await freshet('restore', copy, ...second.flags());
      expect(damaged).toMatchObject({ code: 1 });
      expect(damaged.output).toMatch(/a wrong log\/interactions.0/);
      truncateSync(file, size);
      for (const [site, flags] of [
        [second, []],
        [wider, ['--repartition']],
      ] as const) {
        expect(await freshet('restore', copy, ...site.flags(), ...flags)).toMatchObject({
          code: 0,
        });
        await comesToTheSame(site, { sent, counts, lists, clock });
      }
      expect((await freshet('restore', copy, ...second.flags())).output).toMatch(/found topics/);
    },
    TEST_MS,
  );

  it(
    'takes into other numbers of partitions what its log has let go of, out of the warehouse',
    async () => {
      const first = await newSite();
      const program = await first.startProgram();
      expect((await tryPost(program, '/v1/items', { items })).ok).toBe(true);
      const old = eventsOf('event', EVENTS);
      await send(program, old);
      await untilCopied(program);
      expect(await first.letGoOf(TOPICS.interactions.name)).toBe(EVENTS);
      const recent = eventsOf('later', 2 * BATCH);
      await send(program, recent);
      await untilTakenIn(program);
      await untilCopied(program);
      const counts = await countsOf(program);
      expect(await program.kill('SIGTERM')).toBe(0);
      const clock = soon();
      const lists = await listsOfSite(first, clock);

      const copy = join(root, 'copy');
      expect(await freshet('backup', copy, ...first.flags())).toMatchObject({ code: 0 });
      const wider = first.beside({ userPartitions: 5, itemPartitions: 3 });
      sites.push(wider);
      const restore = ['restore', copy, ...wider.flags(), '--repartition'];
      expect(await freshet(...restore)).toMatchObject({ code: 0 });
      expect(await wider.interactions()).toHaveLength(old.length + recent.length);
      await comesToTheSame(wider, { sent: [...old, ...recent], counts, lists, clock });
    },
    TEST_MS,
  );
});

/** What the brokers hold of people's events, for whoever has not their keys. */
const storedText = async (site: Site): Promise<string> => {
  const log = await site.openStoredLog();
  try {
    let text = '';
    for await (const slice of topicSlices(log, TOPICS.interactions.name)) {
      for (const { key, value } of slice)
        text += `${key}${Buffer.from(value ?? []).toString('latin1')}`;
    }
    expect(text.length).toBeGreaterThan(EVENTS);
    return text;
  } finally {
    await log.close();
  }
};

const sendUntil = async (
  program: ServerProcess,
  events: Events,
  done: Promise<unknown>,
): Promise<Events> => {
  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  let sent = 0;
  while (sent < events.length && (!isDone || sent < EVENTS)) {
    await send(program, events.slice(sent, sent + 4));
    sent += 4;
  }
  return events.slice(0, sent);
};

/** Whatever the backup did not have is sent again, as a client would; the rest is known. */
const comesToTheSame = async (
  site: Site,
  expected: {
    readonly sent: Events;
    readonly counts: Awaited<ReturnType<typeof countsOf>>;
    readonly lists: Awaited<ReturnType<typeof listsOfSite>>;
    readonly clock: Clock;
  },
): Promise<void> => {
  const program = await site.startProgram();
  await untilTakenIn(program);
  const restored = await countsOf(program);
  expect(restored.accepted).toBeGreaterThan(0);
  expect(restored.duplicate).toBe(0);
  await send(program, expected.sent);
  await untilTakenIn(program);
  const { accepted, refused, deadLettered } = await countsOf(program);
  expect({ accepted, refused, deadLettered }).toEqual({
    accepted: expected.counts.accepted,
    refused: 0,
    deadLettered: 0,
  });
  await untilCopied(program);
  expect(await program.kill('SIGTERM')).toBe(0);
  expect(await listsOfSite(site, expected.clock)).toEqual(expected.lists);
  expect(await site.problems()).toEqual([]);
  expect((await site.rows()).sort()).toEqual(expected.sent.map(({ eventId }) => eventId).sort());
};
