/**
 * What an instance stands on: the five ports with their adapters, and the stream that works on them.
 * A profile is one answer to the question where those are; above it, everything is the same code.
 */
import type { Seal } from '../ingest/edge/append-queue.ts';
import type { SchemaRegistry } from '../ingest/events-in/schema-registry.ts';
import type { Forgetting } from '../ingest/forgetting/forgetting.ts';
import type { SystemAnswer } from '../schemas/api/system.ts';
import type { ArtifactStore } from '../storage/artifact-store/artifact-store.ts';
import type { ClickHouseConnection } from '../storage/clickhouse/clickhouse-connection.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import type { PartitionOwnership } from '../storage/event-log/partition-ownership.ts';
import type { LiveBus } from '../storage/live-bus/live-bus.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import type { Warehouse } from '../storage/warehouse/warehouse.ts';
import type { StreamStatus } from '../stream/stream-status.ts';
import type { DataDirectory } from './data-directory.ts';
import type { DiskUsage } from './disk-usage.ts';
import type { RetentionStatus } from './retention/log-retention.ts';
import type { WarehouseRetentionStatus } from './retention/warehouse-retention.ts';
import type { PartitionCounts } from './topic-plan.ts';
import type { ArtifactPlace } from './training/artifact-place.ts';
import type { TrainerStanding } from './training/training-host.ts';

export interface StreamRole {
  status(): Promise<StreamStatus>;
  /** Resolves once everything logged at the time of the call is covered. */
  caughtUp(): Promise<void>;
}

export interface WarehouseRole {
  /** Absent where there is no warehouse. */
  readonly connection?: ClickHouseConnection;
  /** Why there is none, in one sentence. */
  readonly whyOff?: string;
  /** Why it cannot be used right now; undefined while it can. */
  problem(): string | undefined;
}

/** A server that the profile stands on. */
export interface ServerStatus {
  readonly server: 'log' | 'state' | 'warehouse';
  /** Why it cannot be used right now; null while it can. */
  readonly problem: string | null;
}

/** What keeps the places of a profile within their limits, where that is the program's own task. */
export interface Upkeep {
  readonly limits: Readonly<Record<string, number>>;
  retention(): RetentionStatus | undefined;
  warehouseRetention(): WarehouseRetentionStatus | undefined;
  disk(): DiskUsage;
  stop(): Promise<void>;
}

export interface EventsIn {
  /** Which partitions of it this process moves. */
  readonly ownership: PartitionOwnership;
  /** Where schemas of those producers are; undefined where they have none of their own. */
  readonly schemaRegistry: SchemaRegistry | undefined;
}

export interface Profile {
  readonly name: SystemAnswer['profile'];
  readonly directory: DataDirectory;
  readonly counts: PartitionCounts;
  readonly log: EventLog;
  readonly state: StateStore;
  readonly artifactStore: ArtifactStore;
  /** The same, for a process that has to open it anew. */
  readonly artifactPlace: ArtifactPlace;
  readonly liveBus: LiveBus;
  readonly warehouse: WarehouseRole;
  readonly stream: StreamRole;
  /** How the servers are; absent where there are none. */
  servers?(): Promise<readonly ServerStatus[]>;
  /** Which process is the one that trains; absent where there is only one. */
  readonly trainer?: TrainerStanding;
  /** How its log seals what is about people; absent where it does not. */
  readonly seal?: Seal;
  /** How it forgets people; absent where it cannot. */
  forgetting?(warehouse: Warehouse | undefined): Forgetting;
  /** What producers outside write to the log; absent where nobody can or this process does not move it. */
  readonly eventsIn?: EventsIn;
  /** Called once everything runs. */
  startUpkeep(): Promise<Upkeep>;
  close(): Promise<void>;
}
