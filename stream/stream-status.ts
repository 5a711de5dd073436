/**
 * What the stream says of itself: positions, lag, what became of every record, what halted and why,
 * and how full the bounded things are.
 */
import type { EpochMs, Offset, StatePartition } from '../schemas/ids.ts';
import type {
  ForwarderState,
  ItemPartitionState,
  StageCounters,
  UserPartitionState,
} from '../schemas/state/partition-state.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { InteractionPipeline } from './interaction-pipeline.ts';
import { ItemPipeline } from './item-pipeline.ts';
import type { PartitionRunner, RunnerStatus } from './partition-runner.ts';
import type { Pipeline } from './pipeline.ts';
import type { SinkStatus, WarehouseSink } from './warehouse-sink.ts';

export interface PartitionStatus extends RunnerStatus {
  readonly end: Offset;
  /** Records not yet covered. */
  readonly lag: number;
  /** The partition clock; null where there is none. */
  readonly clock: EpochMs | null;
  readonly counters: Readonly<Record<string, number>>;
  /** How full the bounded things are. */
  readonly sizes: Readonly<Record<string, number>>;
}

export interface StreamStatus {
  /** False as soon as one partition has halted. */
  readonly isHealthy: boolean;
  readonly isCaughtUp: boolean;
  readonly lag: number;
  readonly partitions: readonly PartitionStatus[];
  /** received = accepted + duplicate + refused + deadLettered, over the interactions. */
  readonly interactions: StageCounters;
  readonly halted: readonly StatePartition[];
  /** Copying to the warehouse; its lag is no part of the lag above. */
  readonly sinks: readonly SinkStatus[];
}

export const streamStatusOf = async (
  eventLog: EventLog,
  runners: readonly PartitionRunner[],
  sinks: readonly WarehouseSink[],
): Promise<StreamStatus> => {
  const partitions = await Promise.all(runners.map((runner) => partitionStatus(eventLog, runner)));
  // After the partitions, so that what those say they have covered is counted here.
  const copies = await Promise.all(sinks.map((sink) => sink.status()));
  return statusOf(partitions, copies);
};

export const statusOf = (
  partitions: readonly PartitionStatus[],
  sinks: readonly SinkStatus[],
): StreamStatus => {
  const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0);
  const halted = partitions.filter(({ state }) => state === 'halted');
  return {
    isHealthy: halted.length === 0,
    isCaughtUp: lag === 0 && partitions.every(({ state }) => state === 'running'),
    lag,
    partitions,
    interactions: interactionTotals(partitions),
    halted: halted.map(({ partition }) => partition),
    sinks,
  };
};

/** What several streams say that share the partitions among them. */
export const mergedStatus = (all: readonly StreamStatus[]): StreamStatus => {
  const totals = { ...NO_TOTALS };
  for (const { interactions } of all) addTotals(totals, interactions);
  return {
    isHealthy: all.every(({ isHealthy }) => isHealthy),
    isCaughtUp: all.every(({ isCaughtUp }) => isCaughtUp),
    lag: all.reduce((sum, { lag }) => sum + lag, 0),
    partitions: all.flatMap(({ partitions }) => partitions),
    interactions: totals,
    halted: all.flatMap(({ halted }) => halted),
    sinks: all.flatMap(({ sinks }) => sinks),
  };
};

const partitionStatus = async (
  eventLog: EventLog,
  runner: PartitionRunner,
): Promise<PartitionStatus> => {
  const status = runner.status();
  const { topic, index } = runner.place;
  const end = await endOf(eventLog, topic, index);
  const { pipeline } = runner;
  const state = stateOf(pipeline);
  return {
    ...status,
    end,
    lag: Math.max(0, end - 1 - status.coveredOffset),
    clock: state !== undefined && 'clock' in state ? state.clock : null,
    counters: { ...state?.counters },
    sizes: sizesOf(pipeline),
  };
};

const endOf = async (
  eventLog: EventLog,
  topic: string,
  index: PartitionRunner['place']['index'],
): Promise<Offset> => (await eventLog.watermarks(topic, index)).end;

const stateOf = (
  pipeline: Pipeline | undefined,
): UserPartitionState | ItemPartitionState | ForwarderState | undefined => pipeline?.partition;

const sizesOf = (pipeline: Pipeline | undefined): Record<string, number> => {
  if (pipeline instanceof InteractionPipeline) return { dedupeIds: pipeline.dedupeIds };
  if (pipeline instanceof ItemPipeline) {
    return { items: pipeline.partition.itemCount, categories: pipeline.categoryCount };
  }
  return {};
};

const NO_TOTALS: StageCounters = {
  received: 0,
  accepted: 0,
  duplicate: 0,
  refused: 0,
  deadLettered: 0,
};

const STAGES = Object.keys(NO_TOTALS) as readonly (keyof StageCounters)[];

const interactionTotals = (partitions: readonly PartitionStatus[]): StageCounters => {
  const totals = { ...NO_TOTALS };
  for (const { partition, counters } of partitions) {
    if (!partition.startsWith(`${TOPICS.interactions.name}.`)) continue;
    for (const stage of STAGES) totals[stage] += counters[stage] ?? 0;
  }
  return totals;
};

const addTotals = (totals: StageCounters, more: StageCounters): void => {
  totals.received += more.received;
  totals.accepted += more.accepted;
  totals.duplicate += more.duplicate;
  totals.refused += more.refused;
  totals.deadLettered += more.deadLettered;
};
