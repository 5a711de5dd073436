/** Every benchmark, in the order in which `npm run bench` runs them. */
import { algorithms } from './algorithms/algorithms.ts';
import { dashboards } from './dashboards.ts';
import { idleRoles } from './distributed/idle-roles.ts';
import { distributedFreshness } from './distributed/p2-distributed.ts';
import { distributedReplay } from './distributed/p3-distributed.ts';
import { distributedRecovery } from './distributed/p10-distributed.ts';
import { distributedGrowth } from './distributed/p14-distributed.ts';
import { imports } from './imports.ts';
import { kafkaLog } from './kafka-log.ts';
import { neuralSpeed } from './neural-speed.ts';
import { overload } from './overload.ts';
import { durableIngest } from './p1-durable-ingest.ts';
import { freshness } from './p2-freshness.ts';
import { freshnessBesideTraining } from './p2-training.ts';
import { streamReplay } from './p3-stream-replay.ts';
import { recovery } from './p10-recovery.ts';
import { diskGrowth } from './p11-disk.ts';
import { memory } from './p11-memory.ts';
import { soak } from './p11-soak.ts';
import { firstMinute } from './p12-first-minute.ts';
import { growth } from './p14-growth.ts';
import { redisState } from './redis-state.ts';
import type { Benchmark } from './result.ts';
import { recommendSpeed } from './serving/recommend-speed.ts';
import { siteBackup } from './site-backup.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  durableIngest,
  freshness,
  freshnessBesideTraining,
  streamReplay,
  recommendSpeed,
  recovery,
  memory,
  soak,
  diskGrowth,
  firstMinute,
  imports,
  growth,
  overload,
  dashboards,
  kafkaLog,
  algorithms,
  neuralSpeed,
  trainingSpeed,
  redisState,
  siteBackup,
  distributedFreshness,
  distributedReplay,
  distributedRecovery,
  distributedGrowth,
  idleRoles,
];

import { trainingSpeed } from './training.ts';
