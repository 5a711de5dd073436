/**
 * P14c: how long a site on servers takes to be backed up, restored, and taken into other numbers of
 * partitions, per ten million events: on one broker, one Redis and one ClickHouse of this machine, with a
 * log, state and warehouse rows that the stream has made of the same events.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { restoreSite } from '../runtime/backup/servers/restore-site.ts';
import { sizeOfBackup } from '../runtime/backup/servers/site-manifest.ts';
import { takeSiteBackup } from '../runtime/backup/servers/take-site-backup.ts';
import { systemClock } from '../runtime/clock.ts';
import { loadConfiguration } from '../runtime/configuration.ts';
import { openServers, type Servers } from '../runtime/distributed/servers.ts';
import { Openings } from '../runtime/openings.ts';
import { streamOptionsOf } from '../runtime/option-mapping.ts';
import type { SettingName, Settings } from '../runtime/settings.ts';
import { allPartitionsOf } from '../runtime/topic-plan.ts';
import { DEFAULT_KINDS, kindTable } from '../schemas/kinds.ts';
import { silentLogger } from '../schemas/silent-logger.fixture.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { createInProcessLiveBus } from '../storage/live-bus/in-process-live-bus.ts';
import { keepLandmark } from '../stream/landmark-keeper.ts';
import { createStream } from '../stream/stream.ts';
import { ClickHouseServer } from '../test/services/clickhouse-server.ts';
import { startKafka } from '../test/services/kafka-server.ts';
import { RedisServer } from '../test/services/redis-server.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';
import { fillLog } from './stream/replay-run.ts';

const PLAN = { seed: 14, events: 200_000, people: 20_000, items: 3_700 };
const COUNTS = { userPartitions: 4, itemPartitions: 4 };
const WIDER = { userPartitions: 6, itemPartitions: 3 };
const PER_EVENTS = 10_000_000;
const NAMES = { first: 'bench', second: 'bench_second', wider: 'bench_wider' };
const NEVER = new AbortController().signal;
const POLL_MS = 50;

export const siteBackup: Benchmark = {
  id: 'site-backup',
  title: 'Backing up and restoring a site on servers',
  async run(): Promise<BenchResult> {
    const openings = new Openings();
    try {
      return await measure(openings);
    } finally {
      await openings.close();
    }
  },
};

const measure = async (openings: Openings): Promise<BenchResult> => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-site-backup-'));
  openings.add(root, (path) => rmSync(path, { recursive: true, force: true }));
  const settingsOf = await startServers(root, openings);
  const open = (name: string, counts: typeof COUNTS): Promise<Servers> =>
    openServers(
      { settings: settingsOf(name, counts), clock: systemClock, logger: silentLogger },
      openings,
    );
  const first = await open(NAMES.first, COUNTS);
  const log = await first.openLog('as it is');
  await fillLog(log, { ...PLAN, ...COUNTS }, { endsAt: systemClock.now() });
  const made = await timed(() => takeIn(first, log, settingsOf(NAMES.first, COUNTS)));
  const copy = join(root, 'copy');
  const backup = await timed(() =>
    takeSiteBackup({
      servers: first,
      counts: COUNTS,
      namespace: NAMES.first,
      target: copy,
      clock: systemClock,
      logger: silentLogger,
      onProgress: () => undefined,
      signal: NEVER,
    }),
  );
  const restore = (servers: Servers, mayRepartition: boolean) =>
    timed(() =>
      restoreSite({
        backup: copy,
        servers,
        mayRepartition,
        clock: systemClock,
        logger: silentLogger,
        terminal: { progress: () => ({ update: () => undefined, end: () => undefined }) },
        signal: NEVER,
      }),
    );
  const restored = await restore(await open(NAMES.second, COUNTS), false);
  const rekeyed = await restore(await open(NAMES.wider, WIDER), true);
  const { bytes } = sizeOfBackup(backup.result);
  return {
    id: siteBackup.id,
    title: siteBackup.title,
    seed: PLAN.seed,
    figures: [
      minutes('a backup', backup.ms),
      minutes('a restore', restored.ms),
      minutes('a restore into other numbers of partitions, the log', rekeyed.ms),
      minutes('state and rows made from the log', made.ms),
      { name: 'bytes of a backup, an event', value: bytes / PLAN.events, unit: 'B' },
    ],
    notes: [
      `${PLAN.events} events of ${PLAN.people} people and ${PLAN.items} items, scaled to ten million; servers and program share the machine`,
    ],
  };
};

const minutes = (name: string, ms: number): Figure => ({
  name: `${name}, per 10 M events`,
  value: (ms / 60_000) * (PER_EVENTS / PLAN.events),
  unit: 'min',
});

const timed = async <Result>(
  act: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly ms: number }> => {
  const began = systemClock.monotonicMs();
  const result = await act();
  return { result, ms: systemClock.monotonicMs() - began };
};

const startServers = async (
  root: string,
  openings: Openings,
): Promise<(namespace: string, counts: typeof COUNTS) => Settings> => {
  const kafka = openings.add(await startKafka({ heapMiB: 512 }), (started) => started.stop());
  const redis = openings.add(await RedisServer.start(), (started) => started.remove());
  const { first, second, wider } = NAMES;
  const clickhouse = openings.add(await ClickHouseServer.start(first, [second, wider]), (started) =>
    started.remove(),
  );
  const { url, username, password } = clickhouse.connection;
  const passwordFile = join(root, 'password');
  writeFileSync(passwordFile, password);
  return (namespace, { userPartitions, itemPartitions }) => {
    const flags: [SettingName, string][] = [
      ['namespace', namespace],
      ['kafkaBrokers', kafka.addresses('plain').join(',')],
      ['redisUrls', redis.url],
      ['clickhouseUrl', url],
      ['clickhouseUser', username],
      ['clickhousePasswordFile', passwordFile],
      ['userPartitions', `${userPartitions}`],
      ['itemPartitions', `${itemPartitions}`],
    ];
    return loadConfiguration({ environment: {}, flags: new Map(flags) }).settings;
  };
};

/** State and rows, as the stream makes them of the log. */
const takeIn = async (servers: Servers, log: EventLog, settings: Settings): Promise<void> => {
  const { state, warehouse } = servers;
  const liveBus = createInProcessLiveBus({ name: 'site-backup' });
  const landmark = await keepLandmark({ eventLog: log, clock: systemClock, logger: silentLogger });
  const stream = createStream({
    eventLog: log,
    stateStore: state,
    liveBus,
    warehouse,
    clock: systemClock,
    logger: silentLogger,
    crashPoint: () => undefined,
    options: streamOptionsOf(settings, COUNTS),
    kinds: kindTable(DEFAULT_KINDS),
    partitions: allPartitionsOf(COUNTS),
  });
  await stream.start();
  await stream.caughtUp();
  for (;;) {
    const { sinks } = await stream.status();
    if (sinks.every(({ lag }) => lag === 0)) break;
    await sleep(POLL_MS);
  }
  await stream.stop();
  await landmark.stop();
  await liveBus.close();
};
