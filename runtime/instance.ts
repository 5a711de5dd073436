/**
 * One instance: what stands on a profile (ingest, serving, training, quality and the HTTP server),
 * started in the order in which they need each other and stopped in the opposite one.
 */
import type { FastifyInstance } from 'fastify';
import { type OutsideMover, startOutsideMover } from '../ingest/events-in/outside-mover.ts';
import type { Forgetting } from '../ingest/forgetting/forgetting.ts';
import { registerIngestRoutes } from '../ingest/http/routes.ts';
import { type Ingest, openIngest } from '../ingest/ingest.ts';
import type { Clock, Logger } from '../schemas/environment.ts';
import { DEFAULT_KINDS, kindTable } from '../schemas/kinds.ts';
import { createServing, type Serving } from '../serving/serving.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { ClickHouseWarehouse } from '../storage/warehouse/clickhouse-warehouse.ts';
import { registerModelRoutes } from '../training/http/model-routes.ts';
import { threadIdleMs } from './clock.ts';
import { createCrashPoint } from './crash-point.ts';
import type { DataDirectory } from './data-directory.ts';
import { environment } from './environment.ts';
import { serveDocs } from './http/docs-page.ts';
import { listen, stopListening } from './http/listen.ts';
import { registerOperationsRoutes } from './http/operations-routes.ts';
import { createHttpServer } from './http/server.ts';
import { serveStaticPage } from './http/static-page.ts';
import { trustsProxiesIn } from './http/trusted-proxies.ts';
import { watchLiveQuality } from './live-quality-host.ts';
import { type Openings, openedOrClosed } from './openings.ts';
import { ingestOptionsOf, servingOptionsOf } from './option-mapping.ts';
import type { Profile, StreamRole, WarehouseRole } from './profile.ts';
import { systemRandom } from './random.ts';
import type { Settings } from './settings.ts';
import { createSystemReport, type ServingFacts, type SystemReport } from './system-report.ts';
import { startTrainingHost, type TrainingHost } from './training/training-host.ts';

export interface InstanceOptions {
  readonly settings: Settings;
  /** Opened here, so that it is closed again where the start fails. */
  readonly openProfile: (options: ProfileOptions) => Promise<Profile>;
  /** False where somebody chose the port: then a busy one is an error. */
  readonly mayMoveOn: boolean;
  readonly pageDirectory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something broke that nothing here can mend: the process has to end. */
  readonly onFatal: (error: Error) => void;
}

export type ProfileOptions = Pick<InstanceOptions, 'settings' | 'clock' | 'logger' | 'onFatal'>;

export interface Instance {
  readonly port: number;
  readonly directory: DataDirectory;
  readonly log: EventLog;
  readonly ingest: Ingest;
  readonly serving: Serving;
  readonly stream: StreamRole;
  readonly warehouse: WarehouseRole;
  readonly training: TrainingHost;
  readonly report: SystemReport;
  stop(): Promise<void>;
}

export const startInstance = (options: InstanceOptions): Promise<Instance> =>
  openedOrClosed((openings) => start(options, openings));

const start = async (options: InstanceOptions, openings: Openings): Promise<Instance> => {
  const { settings, clock, logger } = options;
  const profile = openings.add(await options.openProfile(options), (opened) => opened.close());
  const { log, stream, warehouse, counts } = profile;
  let report: SystemReport | undefined;
  const serving: Serving = openings.add(
    createServing({
      eventLog: log,
      stateStore: profile.state,
      artifactStore: profile.artifactStore,
      liveBus: profile.liveBus,
      clock,
      idleMs: threadIdleMs,
      random: systemRandom,
      logger,
      crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
      kinds: DEFAULT_KINDS,
      options: servingOptionsOf(settings),
      partitions: counts,
      listsFor: listsFor(settings),
      system: async () => report?.system(),
      trustsProxy: trustsProxiesIn(settings.trustedProxies),
    }),
    (opened) => opened.stop(),
  );
  await serving.start();
  const training = openings.add(
    await startTrainingHost({
      settings,
      log,
      artifactStore: profile.artifactStore,
      artifactPlace: profile.artifactPlace,
      userPartitions: counts.userPartitions,
      warehouse,
      stream: () => stream.status(),
      ...(profile.trainer ? { trainer: profile.trainer } : {}),
      clock,
      logger,
    }),
    (opened) => opened.stop(),
  );
  const qualityWarehouse = warehouse.connection
    ? openings.add(
        new ClickHouseWarehouse({
          connection: warehouse.connection,
          database: settings.namespace,
        }),
        (opened) => opened.close(),
      )
    : undefined;
  const quality = openings.add(
    watchLiveQuality({
      serving,
      warehouse: qualityWarehouse,
      clock,
      logger,
      perSecond: settings.qualityPerSecond,
    }),
    (opened) => opened.stop(),
  );
  const forgetting = forgettingOf(profile.forgetting?.(qualityWarehouse), serving);
  const ingest = openings.add(
    await openIngest({
      log,
      clock,
      random: systemRandom,
      logger,
      kinds: kindTable(DEFAULT_KINDS),
      configVersion: 1,
      options: ingestOptionsOf(settings),
      currentItem: (itemId) => serving.currentItem(itemId),
      untilItemsShown: (positions) => serving.untilItemsShown(positions),
      covered: (partition) => serving.coveredOffset(partition),
      onAccepted: (event) => quality.observe(event),
      ...(profile.seal ? { seal: profile.seal } : {}),
      ...(forgetting ? { forgetting } : {}),
      crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
      onStorageFailed: options.onFatal,
      onFatal: options.onFatal,
    }),
    (opened) => opened.close(),
  );
  await ingest.seed();
  ingest.forgets?.start();
  const outside = startMovingOutside(options, { profile, ingest, openings });
  const upkeep = openings.add(await profile.startUpkeep(), (started) => started.stop());
  report = createSystemReport({
    clock,
    profile: profile.name,
    roles: settings.roles,
    stream: () => stream.status(),
    servers: async () => (await profile.servers?.()) ?? [],
    serving: () => servingFactsOf(serving),
    ingestProblem: () => ingest.problem(),
    ingestCounters: () => ({ queuedBytes: ingest.queuedBytes(), ...outside?.counters }),
    warehouseProblem: () => warehouse.problem(),
    upkeep,
    training: () => training.desk.status(),
    quality: () => quality.report(),
    alarms: () => [...quality.alarms(), ...registryAlarms(profile)],
  });
  const app = openings.add(
    await createApp(options, { ingest, serving, training, report }),
    (opened) => stopListening(opened, clock),
  );
  const port = await listen(app, { ...settings, mayMoveOn: options.mayMoveOn });
  return {
    port,
    directory: profile.directory,
    log,
    ingest,
    serving,
    stream,
    warehouse,
    training,
    report,
    stop: () => openings.close(),
  };
};

/** Where events are taken in, some are tried against the lists of just before. */
const listsFor = ({ roles, qualityPerSecond }: Settings): 'people' | 'trials' | 'nobody' => {
  if (roles.includes('serving')) return 'people';
  return roles.includes('ingest') && qualityPerSecond > 0 ? 'trials' : 'nobody';
};

/** Where others write to the log and this process takes events in. */
const startMovingOutside = (
  { clock, logger, onFatal }: InstanceOptions,
  { profile, ingest, openings }: { profile: Profile; ingest: Ingest; openings: Openings },
): OutsideMover | undefined => {
  if (!profile.eventsIn) return undefined;
  const { ownership, schemaRegistry } = profile.eventsIn;
  const mover = startOutsideMover({
    log: profile.log,
    stateStore: profile.state,
    events: ingest.events,
    impressions: ingest.impressions,
    ownership,
    ...(schemaRegistry && { schemas: schemaRegistry.schemaOf }),
    clock,
    logger,
    crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
    onFatal,
  });
  return openings.add(mover, (started) => started.stop());
};

const registryAlarms = ({ eventsIn }: Profile): readonly string[] => {
  const problem = eventsIn?.schemaRegistry?.problem();
  return problem === undefined ? [] : [`Events wait for the schema registry: ${problem}`];
};

/** Whose state is settled is in no memory of serving's either. */
const forgettingOf = (
  forgetting: Forgetting | undefined,
  serving: Serving,
): Forgetting | undefined =>
  forgetting && { ...forgetting, letGoOf: (subject) => serving.letGoOf(subject) };

const createApp = async (
  options: InstanceOptions,
  parts: { ingest: Ingest; serving: Serving; training: TrainingHost; report: SystemReport },
): Promise<FastifyInstance> => {
  const { settings, clock, logger } = options;
  const isServing = settings.roles.includes('serving');
  const app = await createHttpServer({ ...settings, logger, monotonicMs: clock.monotonicMs });
  await app.register(
    async (scope) => {
      if (settings.roles.includes('ingest')) registerIngestRoutes(scope, parts.ingest);
      if (isServing) parts.serving.registerRoutes(scope);
      registerModelRoutes(scope, {
        desk: parts.training.desk,
        clock,
        nextAt: () => parts.training.keeper.nextAt(),
      });
      registerOperationsRoutes(scope, parts.report);
      serveDocs(scope);
      if (isServing) serveStaticPage(scope, options.pageDirectory);
    },
    settings.basePath === '' ? {} : { prefix: settings.basePath },
  );
  if (isServing) parts.serving.attachLive(app.server);
  await app.ready();
  return app;
};

const servingFactsOf = (serving: Serving): ServingFacts => {
  const { catalogue, freshnessMs, problems, notices, memory, release, people, foldIn, ...counted } =
    serving.status();
  const { listsMade, subjectReads, cache, live } = counted;
  const inUse = release?.version != null && release.madeAt !== null;
  return {
    release: inUse ? { version: release.version, madeAt: release.madeAt } : null,
    items: catalogue.items,
    visibleItems: catalogue.visible,
    problems,
    notices,
    memoryBytes: {
      items: memory.itemBytes,
      release: release?.memoryBytes ?? 0,
      people: people.bytes,
    },
    counters: {
      listsMade,
      subjectReads,
      ...cache,
      peopleHeld: people.held,
      peoplePassedOver: people.passedOver,
      vectorsFoldedIn: foldIn.done,
      vectorsToFoldIn: foldIn.left,
      releaseSwaps: release?.swaps ?? 0,
      releasesRefused: release?.refusedCount ?? 0,
      liveSockets: live.sockets,
      liveCoalesced: live.coalesced,
      liveEnded: live.ended,
    },
    freshnessMs,
  };
};
