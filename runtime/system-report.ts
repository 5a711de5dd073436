/**
 * How the instance is doing, put together from its parts: for people (`/v1/system`), for machines
 * (`/metrics`) and for balancers (`/health/ready`).
 */
import type { HealthReadyAnswer, LiveQualityAnswer, SystemAnswer } from '../schemas/api/system.ts';
import { formatTime } from '../schemas/api/time.ts';
import type { Clock } from '../schemas/environment.ts';
import { type EpochMs, NO_OFFSET, partitionIndex } from '../schemas/ids.ts';
import type { PartitionStatus, StreamStatus } from '../stream/stream-status.ts';
import type { SinkStatus } from '../stream/warehouse-sink.ts';
import { trainingAnswer } from '../training/model-report.ts';
import { trainingAlarms } from '../training/training-alarms.ts';
import type { DeskStatus } from '../training/training-desk.ts';
import type { MetricFamily, MetricSample } from './http/prometheus.ts';
import type { ServerStatus, Upkeep } from './profile.ts';
import type { RetentionStatus } from './retention/log-retention.ts';
import { watchStreamDelay } from './stream-delay.ts';
import { VERSION } from './version.ts';

/** What the serving role says of itself. */
export interface ServingFacts {
  readonly items: number;
  readonly visibleItems: number;
  /** Why lists may be behind; empty when they are not. */
  readonly problems: readonly string[];
  /** What is off although lists are as they should be. */
  readonly notices: readonly string[];
  readonly memoryBytes: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly freshnessMs: SystemAnswer['freshnessMs'];
  /** The release that lists go by; null while there is none. */
  readonly release: { readonly version: string; readonly madeAt: EpochMs } | null;
}

export interface SystemReportParts {
  readonly clock: Clock;
  readonly profile: SystemAnswer['profile'];
  readonly roles: readonly string[];
  readonly stream: () => Promise<StreamStatus>;
  readonly servers: () => Promise<readonly ServerStatus[]>;
  readonly serving: () => ServingFacts;
  /** Why nothing can be taken in; undefined while all is well. */
  readonly ingestProblem: () => string | undefined;
  readonly ingestCounters: () => Readonly<Record<string, number>>;
  /** Why the warehouse is not there; undefined while it is. */
  readonly warehouseProblem: () => string | undefined;
  readonly upkeep: Omit<Upkeep, 'stop'>;
  readonly training: () => DeskStatus;
  readonly quality: () => LiveQualityAnswer;
  readonly alarms: () => readonly string[];
}

export interface SystemReport {
  health(): Promise<HealthReadyAnswer>;
  system(): Promise<SystemAnswer>;
  metrics(): Promise<readonly MetricFamily[]>;
}

export const createSystemReport = (parts: SystemReportParts): SystemReport => {
  const startedAt = parts.clock.now();
  const startedMs = parts.clock.monotonicMs();
  const streamDelay = watchStreamDelay(parts.clock);

  const healthOf = (stream: StreamStatus, servers: readonly ServerStatus[]): HealthReadyAnswer => {
    const delay = streamDelay.look(stream);
    const reasons = [
      // Without the warehouse lists are as they should be.
      ...awaySentences(servers.filter(({ server }) => server !== 'warehouse')),
      ...haltedSentences(stream),
      delay.problem,
      ...parts.serving().problems,
      parts.ingestProblem(),
    ].filter((reason) => reason !== undefined);
    return {
      status: reasons.length === 0 ? 'ready' : 'not-ready',
      reasons,
      progress: delay.progress,
    };
  };

  const system = async (): Promise<SystemAnswer> => {
    const [stream, servers] = await Promise.all([parts.stream(), parts.servers()]);
    const serving = parts.serving();
    const training = parts.training();
    const { clock } = parts;
    const retention = parts.upkeep.retention();
    const notices = [
      ...awaySentences(servers),
      parts.warehouseProblem(),
      sentence('The log is not being cleaned', retention?.problem),
      sentence('The warehouse is not being shortened', parts.upkeep.warehouseRetention()?.problem),
      lostNotice(stream.sinks),
      ...serving.notices,
    ];
    return {
      version: VERSION,
      startedAt: formatTime(startedAt),
      uptimeMs: Math.round(parts.clock.monotonicMs() - startedMs),
      profile: parts.profile,
      roles: parts.roles,
      configVersion: 1,
      health: healthOf(stream, servers),
      notices: notices.filter((notice) => notice !== undefined),
      partitions: stream.partitions.map(partitionAnswer),
      sinks: stream.sinks.map(sinkAnswer),
      servers: [...servers],
      freshnessMs: serving.freshnessMs,
      counters: {
        interactions: { ...stream.interactions },
        ingest: parts.ingestCounters(),
        serving: serving.counters,
        warehouse: sinkTotals(stream.sinks),
        ...(retention ? { retention: countersOf(retention) } : {}),
      },
      catalogue: { items: serving.items, visible: serving.visibleItems },
      models: modelsOf(training, serving, clock),
      quality: parts.quality(),
      alarms: [...trainingAlarms(training), ...parts.alarms()],
      training: training.running ? trainingAnswer(training.running, clock) : null,
      disk: diskAnswer(parts.upkeep),
      memory: { ...serving.memoryBytes, process: process.memoryUsage.rss() },
    };
  };

  return {
    health: async () => healthOf(...(await Promise.all([parts.stream(), parts.servers()]))),
    system,
    metrics: async () => familiesOf(await system()),
  };
};

const NAMES: Readonly<Record<ServerStatus['server'], string>> = {
  log: 'The log (Kafka)',
  state: 'The state (Redis)',
  warehouse: 'The warehouse (ClickHouse)',
};

const awaySentences = (servers: readonly ServerStatus[]): readonly string[] =>
  servers.flatMap(({ server, problem }) =>
    problem === null ? [] : [`${NAMES[server]} cannot be used: ${problem}`],
  );

const haltedSentences = ({ partitions }: StreamStatus): readonly string[] =>
  partitions
    .filter(({ state }) => state === 'halted')
    .map(({ partition, problem }) => `${partition} has stopped: ${problem?.message ?? 'unknown'}`);

const countersOf = ({
  problem: _,
  ...counters
}: RetentionStatus): Readonly<Record<string, number>> => counters;

const sentence = (what: string, problem: string | null | undefined): string | undefined =>
  problem === null || problem === undefined ? undefined : `${what}: ${problem}`;

/** Files of LMDB never shrink: what is alive in them is what counts against a limit. */
const diskAnswer = (upkeep: SystemReportParts['upkeep']): SystemAnswer['disk'] => {
  const live: Readonly<Record<string, number | undefined>> = {
    log: upkeep.retention()?.liveBytes,
    warehouse: upkeep.warehouseRetention()?.liveBytes,
  };
  const { owners, ...rest } = upkeep.disk();
  return {
    ...rest,
    owners: owners.map(({ owner, bytes }) => ({
      owner,
      bytes,
      liveBytes: live[owner] ?? null,
      limitBytes: upkeep.limits[owner] ?? null,
    })),
  };
};

const lostNotice = (sinks: StreamStatus['sinks']): string | undefined => {
  const lost = sinks.reduce((sum, sink) => sum + sink.lost, 0);
  return lost === 0
    ? undefined
    : `The log let go of ${lost} records before the warehouse had copied them.`;
};

/** Of a release that was promoted and is not served yet it is not known when it was made. */
const modelsOf = (
  { promotion }: DeskStatus,
  { release }: ServingFacts,
  clock: Clock,
): SystemAnswer['models'] => {
  if (!promotion?.version) return [];
  const { version } = promotion;
  const madeAt = release?.version === version ? release.madeAt : promotion.at;
  const ageMs = clock.now() - madeAt;
  return [{ kind: 'release', version, trainedAt: formatTime(madeAt), ageMs }];
};

/** What was copied to the warehouse; lag in records. Empty where there is none. */
const sinkTotals = (sinks: StreamStatus['sinks']): Record<string, number> => {
  const totals: Record<string, number> = {};
  for (const sink of sinks) {
    for (const name of ['rows', 'rejected', 'lost', 'lag'] as const) {
      totals[name] = (totals[name] ?? 0) + sink[name];
    }
  }
  return totals;
};

const partitionAnswer = (status: PartitionStatus): SystemAnswer['partitions'][number] => ({
  statePartition: status.partition,
  partition: partitionIndex(Number(status.partition.slice(status.partition.lastIndexOf('.') + 1))),
  covered: status.coveredOffset === NO_OFFSET ? null : status.coveredOffset,
  end: status.end,
  lag: status.lag,
  clock: status.clock === null || status.clock === 0 ? null : formatTime(status.clock),
});

const sinkAnswer = (sink: SinkStatus): SystemAnswer['sinks'][number] => ({
  table: sink.table,
  partition: sink.partition,
  covered: sink.coveredOffset === NO_OFFSET ? null : sink.coveredOffset,
  lag: sink.lag,
  problem: sink.problem,
});

const familiesOf = (system: SystemAnswer): readonly MetricFamily[] => [
  gauge('uptime_seconds', 'Since the process started.', system.uptimeMs / 1000),
  gauge('ready', '1 while lists are up to date.', system.health.status === 'ready' ? 1 : 0),
  {
    name: 'server_away',
    help: '1 while this process cannot use it: log is Kafka, state Redis, warehouse ClickHouse.',
    type: 'gauge',
    samples: system.servers.map(({ server, problem }) => ({
      labels: { server },
      value: problem === null ? 0 : 1,
    })),
  },
  {
    name: 'stream_lag_records',
    help: 'Records of the log not yet taken in, per state partition.',
    type: 'gauge',
    samples: system.partitions.map(({ statePartition, lag }) => ({
      labels: { partition: statePartition },
      value: lag,
    })),
  },
  {
    name: 'warehouse_lag_records',
    help: 'Records not yet copied into the warehouse.',
    type: 'gauge',
    samples: system.sinks.map(({ table, partition, lag }) => ({
      labels: { table, partition },
      value: lag,
    })),
  },
  {
    name: 'freshness_milliseconds',
    help: 'From the arrival of an event until its effect could be read, of late.',
    type: 'gauge',
    samples: (['p50', 'p90', 'p99'] as const).flatMap((quantile) => {
      const value = system.freshnessMs[quantile];
      return value === null ? [] : [{ labels: { quantile }, value }];
    }),
  },
  {
    name: 'records_total',
    help: 'received = accepted + duplicate + refused + deadLettered, per stage.',
    type: 'counter',
    samples: Object.entries(system.counters).flatMap(([stage, counters]) =>
      samplesOf(counters, (verdict) => ({ stage, verdict })),
    ),
  },
  {
    name: 'live_quality',
    help: 'Of the lists just before people chose: the last tried events, by source.',
    type: 'gauge',
    samples: system.quality.sources.flatMap(({ source, hitRate, ndcg, mrr, coverage }) =>
      samplesOf({ hitRate, ndcg, mrr, coverage }, (metric) => ({ source, metric })),
    ),
  },
  gauge('alarms', 'How many need a person.', system.alarms.length),
  gauge('catalogue_items', 'Items that lists may show.', system.catalogue.visible),
  {
    name: 'disk_bytes',
    help: 'Bytes on the disk, by owner.',
    type: 'gauge',
    samples: system.disk.owners.map(({ owner, bytes }) => ({ labels: { owner }, value: bytes })),
  },
  {
    name: 'memory_bytes',
    help: 'Bytes in memory, by owner.',
    type: 'gauge',
    samples: samplesOf(system.memory, (owner) => ({ owner })),
  },
];

const gauge = (name: string, help: string, value: number): MetricFamily => ({
  name,
  help,
  type: 'gauge',
  samples: [{ value }],
});

const samplesOf = (
  values: Readonly<Record<string, number>>,
  labelsOf: (name: string) => Readonly<Record<string, string>>,
): readonly MetricSample[] =>
  Object.entries(values).map(([name, value]) => ({ labels: labelsOf(name), value }));
