/** The training role of an embedded instance: who may train, when, and in which process. */
import type { Clock, Logger } from '../../schemas/environment.ts';
import { type DurationMs, NO_OFFSET } from '../../schemas/ids.ts';
import { WAREHOUSE_TABLES } from '../../schemas/tables.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import type { StreamStatus } from '../../stream/stream-status.ts';
import { TrainingDesk } from '../../training/training-desk.ts';
import { keepTraining, type TrainingKeeper } from '../../training/training-keeper.ts';
import { createCrashPoint } from '../crash-point.ts';
import { environment } from '../environment.ts';
import type { WarehouseRole } from '../profile.ts';
import { systemRandom } from '../random.ts';
import type { Settings } from '../settings.ts';
import type { ArtifactPlace } from './artifact-place.ts';
import { trainingProcessRunner } from './training-process-runner.ts';

export interface TrainingHostOptions {
  readonly settings: Settings;
  readonly log: EventLog;
  readonly artifactStore: ArtifactStore;
  readonly artifactPlace: ArtifactPlace;
  readonly userPartitions: number;
  readonly warehouse: WarehouseRole;
  /** How the stream and its copies stand; absent where none runs here. */
  readonly stream?: () => Promise<StreamStatus>;
  /** Absent where there is nobody else. */
  readonly trainer?: TrainerStanding;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Of several processes with the role one trains. */
export interface TrainerStanding {
  /** Whether it is this one. */
  isElected(): boolean;
  /** Whether it is known to be another. */
  isAnother(): boolean;
}

export interface TrainingHost {
  readonly desk: TrainingDesk;
  readonly keeper: TrainingKeeper;
  stop(): Promise<void>;
}

/** The copy may be this share of what there is behind: a training reads what is there. */
const LAG_SHARE_MAX = 0.01;
const LAG_MAX = 1_000;
/** Far longer than any process takes from a release to the record of it. */
const UNRECORDED_KEPT_MS = 3_600_000 as DurationMs;
/** Where events never cease, the stream is never quite at the end: being near it for so long is enough. */
const NEAR_MS = 30_000;

export const startTrainingHost = async (options: TrainingHostOptions): Promise<TrainingHost> => {
  const { settings, log, artifactStore, clock, logger, warehouse } = options;
  const { connection } = warehouse;
  const client =
    connection && new ClickHouseWarehouse({ connection, database: settings.namespace });
  const desk = await TrainingDesk.open({
    log,
    artifactStore,
    runner: trainingProcessRunner({
      whyOff: () => whyNoTraining(options),
      clock,
      task: () => ({
        connection: warehouse.connection!,
        database: settings.namespace,
        artifactPlace: options.artifactPlace,
        userPartitions: options.userPartitions,
        threads: settings.trainingThreads,
        memoryBytesMax: settings.trainingMemoryBytes,
        eventsMax: settings.trainingEventsMax,
        peopleMax: settings.peopleMax,
        logLevel: settings.logLevel,
      }),
    }),
    clock,
    random: systemRandom,
    logger,
    configVersion: 1,
    releasesKept: settings.releasesKept,
    unrecordedKeptMs: options.trainer ? UNRECORDED_KEPT_MS : (0 as DurationMs),
    crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
  });
  const keeper = keepTraining({
    desk,
    clock,
    logger,
    at: options.stream ? settings.trainingAt : '',
    isTrainable: client === undefined ? async () => false : trainability(client, options),
    ...(options.trainer ? { isElected: options.trainer.isElected } : {}),
  });
  return {
    desk,
    keeper,
    async stop() {
      await keeper.stop();
      await desk.stop();
      await client?.close();
    },
  };
};

const whyNoTraining = ({
  settings,
  warehouse,
  trainer,
}: TrainingHostOptions): string | undefined => {
  if (!settings.roles.includes('training'))
    return 'this process does not have the role `training`.';
  if (!warehouse.connection) return warehouse.whyOff;
  return trainer?.isAnother() ? 'another process of this site is the one that trains.' : undefined;
};

const TABLE = WAREHOUSE_TABLES.interactions.name;
const COUNT = {
  name: 'count events',
  sql: `SELECT count() AS events FROM ${TABLE}`,
};

const trainability = (
  warehouse: ClickHouseWarehouse,
  { settings, stream, clock }: TrainingHostOptions,
): (() => Promise<boolean>) => {
  const isTakenIn = takenInWatch(clock);
  return async () => {
    const status = await stream?.();
    if (!status || !isTakenIn(status)) return false;
    // Before the first copy there need not be a table yet.
    const hasCopied = status.sinks.some(
      ({ table, coveredOffset }) => table === TABLE && coveredOffset !== NO_OFFSET,
    );
    if (!hasCopied) return false;
    const lag = status.sinks.reduce((sum, sink) => sum + sink.lag, 0);
    const [row] = await warehouse.query(COUNT);
    const events = Number(row?.events ?? 0);
    return events >= settings.trainingEventsMin && lag <= Math.max(LAG_MAX, events * LAG_SHARE_MAX);
  };
};

/** Whether the stream has taken in what there is, by how it stood at this look and the ones before. */
export const takenInWatch = (clock: Clock): ((status: StreamStatus) => boolean) => {
  let nearSinceMs: number | undefined;
  return ({ isCaughtUp, isHealthy, lag }) => {
    const now = clock.monotonicMs();
    if (!isHealthy || lag > LAG_MAX) nearSinceMs = undefined;
    else nearSinceMs ??= now;
    return isCaughtUp || (nearSinceMs !== undefined && now - nearSinceMs >= NEAR_MS);
  };
};
