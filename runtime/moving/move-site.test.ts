/** Moving over memory stores: ended at every step and begun again, and onto what is not empty. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catalogueItem } from '../../schemas/catalogue-item.fixture.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import { offset, partitionIndex, statePartition } from '../../schemas/ids.ts';
import { PARTITION_KEY } from '../../schemas/state/item-state.ts';
import { decodeUserPartition } from '../../schemas/state/partition-state.ts';
import { MemoryArtifactStore } from '../../storage/artifact-store/memory-artifact-store.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { openMemoryEventLog } from '../../storage/event-log/memory-event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { createKeyFile, readKeyFile } from '../../storage/event-log/sealing/key-file.ts';
import { recordsOfKeys } from '../../storage/event-log/sealing/key-topic.ts';
import type { PersonAddress } from '../../storage/event-log/sealing/key-tree.ts';
import { PersonKeys } from '../../storage/event-log/sealing/person-keys.ts';
import { SealedEventLog } from '../../storage/event-log/sealing/sealed-event-log.ts';
import { readPersonKeys } from '../../storage/event-log/sealing/shared-keys.ts';
import { openMemoryStateStore } from '../../storage/state-store/memory-state-store.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { MemoryWarehouse } from '../../storage/warehouse/memory-warehouse.ts';
import { createStream } from '../../stream/stream.ts';
import { seededRandom } from '../../test/faults/seeded-random.ts';
import { promote } from '../../test/serving/promotion.ts';
import {
  createStreamFixture,
  interaction,
  partitionsOf,
  type StreamFixture,
  stillClock,
  T0,
  topicsOf,
} from '../../test/stream/stream-fixture.ts';
import type { Servers } from '../distributed/servers.ts';
import { randomBytes } from '../random.ts';
import type { PartitionCounts } from '../topic-plan.ts';
import { MOVED_TOPICS } from './copy-log.ts';
import { moveSite } from './move-site.ts';
import type { Sealing } from './site-source.ts';
import { type SiteKeys, sourceOfStores } from './stores-source.ts';

const COUNTS = { userPartitions: 2, itemPartitions: 2 } as const;
const PEOPLE = 12;
const EVENTS = 300;
const NEVER = new AbortController().signal;
const DAY_AFTER = (T0 + 86_400_000 * 3) as EpochMs;

const silentTerminal = { progress: () => ({ update: () => {}, end: () => {} }) };

const events = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => {
    const at = from + index;
    return interaction({
      // Every fiftieth comes a second time.
      id: `event-${at % 50 === 49 ? at - 1 : at}`,
      user: `user-${(at * 7) % PEOPLE}`,
      item: `item-${(at * at + at) % 9}`,
      kind: ['click', 'like', 'purchase'][at % 3]!,
      minute: at,
    });
  });

const takeIn = async ({ deps }: StreamFixture): Promise<void> => {
  const stream = createStream(deps);
  await stream.start();
  await stream.caughtUp();
  await stream.stop();
};

const siteWithAPast = async (keys?: SiteKeys) => {
  const stored = openMemoryEventLog({ topics: topicsOf(2, 2), random: seededRandom(3) });
  const fixture = createStreamFixture({ ...COUNTS, eventLog: readable(stored, keys?.sealing) });
  for (let at = 0; at < 24; at += 1) {
    const record = catalogueItem(`item-${at % 9}`, { categories: ['c'], updatedAt: T0 });
    await fixture.append('catalogue', 'CatalogueItem', [{ key: record.itemId, record }]);
  }
  await promote(fixture.deps.eventLog, null, { at: T0 });
  await promote(fixture.deps.eventLog, 'of-the-night', { at: T0 });
  await fixture.interact(...events(0, EVENTS));
  await takeIn(fixture);
  return {
    fixture,
    counts: COUNTS,
    log: stored,
    ...(keys ? { keys } : {}),
    state: fixture.deps.stateStore,
    artifactStore: await releases(),
  };
};

const readable = (log: EventLog, keys: Sealing | undefined): EventLog =>
  keys === undefined ? log : new SealedEventLog({ log, keys: keys as PersonKeys });

/** Of people of whom somebody has been forgotten. */
const keysIn = (directory: string): SiteKeys & { readonly gone: PersonAddress } => {
  const path = join(directory, 'people.keys');
  createKeyFile(path, randomBytes);
  const sealing = PersonKeys.ofFile({ path, randomBytes });
  const gone = sealing.addressOf('u:somebody');
  sealing.destroy(gone);
  return { gone, sealing, records: recordsOfKeys(readKeyFile(path), T0) };
};

const releases = async (): Promise<MemoryArtifactStore> => {
  const store = new MemoryArtifactStore();
  for (const version of ['a', 'b', 'c']) {
    const manifest = { version, createdAt: T0, facts: {} };
    await store.publish(manifest, [{ name: 'model', bytes: Buffer.from(version) }]);
  }
  return store;
};

/** Servers as they are from one run to the next. */
const emptyServers = (counts: PartitionCounts = COUNTS) => {
  const state = openMemoryStateStore();
  const artifactStore = new MemoryArtifactStore();
  const warehouse = new MemoryWarehouse();
  const random = seededRandom(5);
  let log: EventLog | undefined;
  let topics: Awaited<ReturnType<Servers['topics']>> = 'none';
  const servers: Servers = {
    counts,
    state,
    artifactStore,
    warehouse,
    topics: async () => topics,
    openLog: async () => {
      topics = 'held';
      log ??= openMemoryEventLog({
        topics: topicsOf(counts.userPartitions, counts.itemPartitions),
        random,
      });
      return log;
    },
    letGo: async () => {
      topics = 'in use';
    },
  };
  return { servers, state, log: () => log! };
};

const moving = (
  site: Awaited<ReturnType<typeof siteWithAPast>>,
  servers: Servers,
  signal: AbortSignal = NEVER,
) =>
  moveSite({
    source: sourceOfStores(site),
    servers,
    clock: { ...stillClock, now: () => DAY_AFTER },
    terminal: silentTerminal,
    mayRepartition: servers.counts !== COUNTS,
    signal,
  });

const recordsIn = async (log: EventLog, topic: string): Promise<readonly LogRecord[]> => {
  const found: LogRecord[] = [];
  const { partitionCount } = await log.topic(topic);
  for (const index of partitionsOf(partitionCount)) {
    for await (const slice of partitionSlices(log, topic, index)) found.push(...slice);
  }
  return found;
};

const dumpOf = (log: EventLog, state: StateStore) =>
  createStreamFixture({ ...COUNTS, eventLog: log, stateStore: state }).dump({
    without: /^partition$/,
  });

it('keeps offsets, state and what was taken in before, so that both sites go on alike', async () => {
  const site = await siteWithAPast();
  const { servers, state, log } = emptyServers();
  await moving(site, servers);
  for (const { name } of MOVED_TOPICS.filter((topic) => topic.name !== 'item-signals')) {
    expect(await recordsIn(log(), name)).toEqual(await recordsIn(site.log, name));
  }
  expect(await dumpOf(log(), state)).toEqual(await dumpOf(site.log, site.state));
  const copy = createStreamFixture({ ...COUNTS, eventLog: log(), stateStore: state });
  const before = (await recordsIn(log(), 'item-signals')).length;
  await takeIn(copy);
  expect((await recordsIn(log(), 'item-signals')).length).toBe(before);
  for (const each of [site.fixture, copy]) {
    await each.interact(...events(EVENTS - 20, EVENTS + 60));
    await takeIn(each);
  }
  expect(await dumpOf(log(), state)).toEqual(await dumpOf(site.log, site.state));
  expect((await servers.artifactStore.list()).map(({ version }) => version)).toEqual([
    'c',
    'b',
    'a',
  ]);
});

describe('sealed', () => {
  let directory: string;
  let keys: ReturnType<typeof keysIn>;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'freshet-moving-'));
    keys = keysIn(directory);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const sealedFixture = async (
    counts: PartitionCounts,
    log: EventLog,
    stateStore?: StateStore,
  ): Promise<StreamFixture> => {
    const found = await readPersonKeys({ log, randomBytes });
    expect(found!.isDestroyed(keys.gone)).toBe(true);
    return createStreamFixture({
      ...counts,
      eventLog: readable(log, found),
      ...(stateStore ? { stateStore } : {}),
    });
  };

  it('as it lies there, with its keys, so that both sites go on alike', async () => {
    const site = await siteWithAPast(keys);
    const { servers, state, log } = emptyServers();
    await moving(site, servers);
    expect(await recordsIn(log(), 'interactions')).toEqual(
      await recordsIn(site.log, 'interactions'),
    );
    const copy = await sealedFixture(COUNTS, log(), state);
    for (const each of [site.fixture, copy]) {
      await each.interact(...events(EVENTS - 20, EVENTS + 60));
      await takeIn(each);
    }
    expect(await dumpOf(log(), state)).toEqual(await dumpOf(site.log, site.state));
  });

  it('into other numbers of partitions, sealed under the same keys', async () => {
    const site = await siteWithAPast(keys);
    const counts = { userPartitions: 3, itemPartitions: 5 };
    const { servers, log } = emptyServers(counts);
    await moving(site, servers);
    const records = await recordsIn(log(), 'interactions');
    expect(records.length).toBe(EVENTS);
    expect(records.every(({ key }) => key === null)).toBe(true);
    const anew = await sealedFixture(counts, log());
    await takeIn(anew);
    expect(await sidesOf(anew)).toEqual(await sidesOf(site.fixture));
  });
});

it('makes the same state anew from the log that was moved', async () => {
  const site = await siteWithAPast();
  const { servers, log } = emptyServers();
  await moving(site, servers);
  const anew = createStreamFixture({ ...COUNTS, eventLog: log() });
  const before = (await recordsIn(log(), 'item-signals')).length;
  await takeIn(anew);
  expect((await recordsIn(log(), 'item-signals')).length).toBe(before);
  expect(await anew.dump({ without: /^partition$/ })).toEqual(await dumpOf(site.log, site.state));
});

it('keeps offsets where retention and compaction have taken records away', async () => {
  const site = await siteWithAPast();
  for (const topic of ['interactions', 'item-signals', 'catalogue', 'control']) {
    await site.log.clean(
      topic,
      { ageMs: 3_600_000, keepFrom: [offset(40), offset(55)] },
      DAY_AFTER,
    );
  }
  expect((await site.log.watermarks('interactions', partitionIndex(1))).low).toBeGreaterThan(0);
  const { servers, state, log } = emptyServers();
  await moving(site, servers);
  for (const topic of ['interactions', 'item-signals', 'catalogue']) {
    for (const index of partitionsOf(2)) {
      const expected = await site.log.watermarks(topic, index);
      expect((await log().watermarks(topic, index)).end).toBe(expected.end);
      if (topic === 'catalogue') continue;
      expect((await log().watermarks(topic, index)).low).toBe(expected.low);
    }
  }
  const copy = createStreamFixture({ ...COUNTS, eventLog: log(), stateStore: state });
  for (const each of [site.fixture, copy]) {
    await each.interact(...events(EVENTS - 20, EVENTS + 60));
    await takeIn(each);
  }
  expect(await dumpOf(log(), state)).toEqual(await dumpOf(site.log, site.state));
});

it('ended at any step and begun again, it comes to the same', async () => {
  const site = await siteWithAPast();
  const whole = emptyServers();
  await moving(site, whole.servers);
  for (let steps = 1; ; steps += steps < 12 ? 1 : 3) {
    const { servers, state, log } = emptyServers();
    const ending = new AbortController();
    let left = steps;
    const step = (): void => {
      left -= 1;
      if (left === 0) ending.abort(new Error('ended'));
      if (left <= 0) throw new Error('ended');
    };
    const target = await servers.openLog('held');
    const broken: Servers = {
      ...servers,
      openLog: async () => stepping(target, ['append'], step),
      state: stepping(servers.state, ['apply', 'claim', 'clear'], step),
      artifactStore: stepping(servers.artifactStore, ['publish'], step),
      letGo: async () => {
        step();
        await servers.letGo();
      },
    };
    const isWhole = await moving(site, broken, ending.signal).then(
      () => true,
      () => false,
    );
    if (isWhole) {
      expect(steps).toBeGreaterThan(12);
      return;
    }
    await moving(site, servers);
    for (const { name } of MOVED_TOPICS.filter((topic) => topic.name !== 'item-signals')) {
      expect(await recordsIn(log(), name)).toEqual(await recordsIn(whole.log(), name));
    }
    expect(await dumpOf(log(), state)).toEqual(await dumpOf(whole.log(), whole.state));
    expect((await servers.artifactStore.list()).length).toBe(3);
  }
});

/** Counts calls of these methods, before and after. */
const stepping = <Store extends object>(
  store: Store,
  methods: readonly string[],
  step: () => void,
): Store =>
  new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (typeof member !== 'function') return member;
      if (!methods.includes(String(name))) return member.bind(target);
      return async (...given: readonly unknown[]) => {
        step();
        const answer = await (member.apply(target, [...given]) as Promise<unknown>);
        step();
        return answer;
      };
    },
  });

it('refuses servers that hold a site, or something of one', async () => {
  const site = await siteWithAPast();
  const used = emptyServers();
  await moving(site, used.servers);
  await expect(moving(site, used.servers)).rejects.toThrow(/nothing of a site.*topics/);
  const stateful = emptyServers();
  await stateful.servers.state.claim(statePartition('control', partitionIndex(0)));
  await expect(moving(site, stateful.servers)).rejects.toThrow(/state control.0/);
  const begun = emptyServers();
  const log = await begun.servers.openLog('held');
  await promote(log, 'of-another', { at: T0 });
  await expect(moving(site, begun.servers)).rejects.toThrow(FreshetError);
  await expect(moving(site, begun.servers)).rejects.toThrow(/records in control partition 0/);
});

/** People and items, without where they lie. */
const sidesOf = async (fixture: StreamFixture) => {
  const people = [];
  for (let who = 0; who < PEOPLE; who += 1) {
    const found = await fixture.subject(`u:user-${who}`);
    people.push({ ...found, lastOffset: undefined });
  }
  const items = [];
  for (let item = 0; item < 9; item += 1) items.push(await fixture.item(`item-${item}`));
  return { people, items };
};

const countersOf = async ({ deps }: StreamFixture, userPartitions: number) => {
  const sum = { received: 0, accepted: 0, duplicate: 0, refused: 0, deadLettered: 0 };
  for (const index of partitionsOf(userPartitions)) {
    const name = statePartition('interactions', index);
    const [stored] = await deps.stateStore.getMany(name, [PARTITION_KEY]);
    const { counters } = decodeUserPartition(stored!);
    for (const stage of Object.keys(sum) as (keyof typeof sum)[]) sum[stage] += counters[stage];
  }
  return sum;
};

it('in other numbers of partitions, people and items are the same, and doubles are known', async () => {
  const site = await siteWithAPast();
  const counts = { userPartitions: 3, itemPartitions: 5 };
  const { servers, log } = emptyServers(counts);
  await moving(site, servers);
  const anew = createStreamFixture({ ...counts, eventLog: log() });
  await takeIn(anew);
  expect(await sidesOf(anew)).toEqual(await sidesOf(site.fixture));
  const before = await countersOf(anew, counts.userPartitions);
  expect(before).toEqual(await countersOf(site.fixture, COUNTS.userPartitions));
  for (const each of [site.fixture, anew]) {
    await each.interact(...events(EVENTS - 40, EVENTS));
    await takeIn(each);
  }
  const after = await countersOf(anew, counts.userPartitions);
  expect(after).toEqual({
    ...before,
    received: before.received + 40,
    duplicate: before.duplicate + 40,
  });
  expect(await sidesOf(anew)).toEqual(await sidesOf(site.fixture));
});

it('ended while keys find their new partitions, it goes on where it was', async () => {
  const site = await siteWithAPast();
  const counts = { userPartitions: 3, itemPartitions: 5 };
  const whole = emptyServers(counts);
  await moving(site, whole.servers);
  for (let steps = 1; steps < 40; steps += 3) {
    const { servers, log } = emptyServers(counts);
    let left = steps;
    const step = (): void => {
      left -= 1;
      if (left <= 0) throw new Error('ended');
    };
    const target = await servers.openLog('held');
    const broken = { ...servers, openLog: async () => stepping(target, ['append'], step) };
    await moving(site, broken).catch(() => undefined);
    if ((await servers.topics()) === 'in use') return;
    await moving(site, servers);
    for (const { name } of MOVED_TOPICS) {
      expect(await recordsIn(log(), name)).toEqual(await recordsIn(whole.log(), name));
    }
  }
});
