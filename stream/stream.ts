/**
 * The stream: one runner per owned state partition, from the log's topics to state, `item-signals`
 * and hints. Whoever runs it (a worker thread, a test, the simulation) gives it the ports.
 *
 * A source reads at its start what each item partition has taken in of it, and leaves that out of
 * what it sends: so a rebuild, which first lets item partitions read their whole log again, adds
 * nothing to that log.
 */
import type { Clock, CrashPoint, Logger } from '../schemas/environment.ts';
import { NO_OFFSET, type Offset, type PartitionIndex, statePartition } from '../schemas/ids.ts';
import type { KindTable } from '../schemas/kinds.ts';
import { PARTITION_KEY } from '../schemas/state/item-state.ts';
import { decodeItemPartition, markName } from '../schemas/state/partition-state.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog, TopicInfo } from '../storage/event-log/event-log.ts';
import type { LiveBus } from '../storage/live-bus/live-bus.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import type { Warehouse } from '../storage/warehouse/warehouse.ts';
import type { PaceOptions } from './flush-pace.ts';
import { CataloguePipeline, ControlPipeline } from './forwarding-pipelines.ts';
import { InteractionPipeline } from './interaction-pipeline.ts';
import { ItemPipeline } from './item-pipeline.ts';
import { nextUncovered } from './next-uncovered.ts';
import type { StreamOptions } from './options.ts';
import { PartitionRunner } from './partition-runner.ts';
import type { Pipeline } from './pipeline.ts';
import type { StreamSeams } from './seams.ts';
import type { SourceInputs } from './signal-batch.ts';
import { type StreamStatus, streamStatusOf } from './stream-status.ts';
import type { VectorView } from './vectors/vector-view.ts';
import { type SinkPlan, sinkPlacesOf, WarehouseSink } from './warehouse-sink.ts';

/** Which input partitions this stream owns. All of a deployment's, or a share of them. */
export interface OwnedPartitions {
  readonly interactions: readonly PartitionIndex[];
  readonly itemSignals: readonly PartitionIndex[];
  readonly catalogue: readonly PartitionIndex[];
  readonly control: readonly PartitionIndex[];
}

export interface StreamDependencies {
  readonly eventLog: EventLog;
  readonly stateStore: StateStore;
  readonly liveBus: LiveBus;
  readonly warehouse?: Warehouse;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly crashPoint: CrashPoint;
  readonly options: StreamOptions;
  readonly kinds: KindTable;
  readonly partitions: OwnedPartitions;
  readonly seams?: StreamSeams;
  /** People's vectors, kept beside their state; without it there are none. */
  readonly vectors?: VectorView;
  /**
   * Where the partitions are spread over several streams: resolves once each of them has come so far.
   * Without it, this stream owns all there is.
   */
  readonly untilAllReach?: (step: StartStep) => Promise<void>;
}

/** All item partitions stand where the log ends; so does the control partition. */
export const START_STEPS = ['items', 'control'] as const;
export type StartStep = (typeof START_STEPS)[number];

export interface Stream {
  /** Resolves once every partition has been started; their failures show in the status. */
  start(): Promise<void>;
  /** Lets batches under way finish or be dropped; what is stored is whole either way. */
  stop(): Promise<void>;
  status(): Promise<StreamStatus>;
  /** For whoever knows that the warehouse was set up anew: its sinks ask where it stands. */
  warehouseSetUpAnew(): void;
  /** Resolves once everything logged at the time of the call is covered, items included. */
  caughtUp(): Promise<void>;
}

export const createStream = (deps: StreamDependencies): Stream => {
  const runners = runnersOf(deps);
  const sinks = sinksOf(deps);
  let isStopping = false;
  /** A halted one is not waited for; a log that does not answer is asked again. */
  const untilCovered = async (runner: PartitionRunner): Promise<void> => {
    while (!isStopping && runner.status().state !== 'halted') {
      try {
        await coverAll(deps.eventLog, [runner]);
        return;
      } catch (error) {
        if (isStopping) return;
        const { partition } = runner;
        deps.logger.warn('the stream waits to start its sources', { partition, error });
        await deps.clock.sleep(deps.options.runner.retryMs);
      }
    }
  };
  /**
   * First item partitions, so that sources know what those have; then control, so that counters
   * have their landmark before the first event.
   */
  const startSources = async (): Promise<void> => {
    await Promise.all(runners.items.map(untilCovered));
    await deps.untilAllReach?.('items');
    const isControl = ({ place }: PartitionRunner): boolean => place.topic === TOPICS.control.name;
    const control = runners.sources.filter(isControl);
    if (isStopping) return;
    for (const runner of control) runner.start();
    await Promise.all(control.map(untilCovered));
    await deps.untilAllReach?.('control');
    if (isStopping) return;
    for (const runner of runners.sources) runner.start();
  };
  return {
    start: async () => {
      for (const runner of runners.items) runner.start();
      for (const sink of sinks) sink.start();
      void startSources();
    },
    stop: async () => {
      isStopping = true;
      await Promise.all(sinks.map((sink) => sink.stop()));
      await Promise.all(runners.sources.map((runner) => runner.stop()));
      await Promise.all(runners.items.map((runner) => runner.stop()));
    },
    status: () => streamStatusOf(deps.eventLog, [...runners.sources, ...runners.items], sinks),
    warehouseSetUpAnew: () => {
      for (const sink of sinks) sink.lookAgain();
    },
    caughtUp: async () => {
      await coverAll(deps.eventLog, runners.sources);
      await coverAll(deps.eventLog, runners.items);
    },
  };
};

/** A person waits for the effect of a click: after a flush the next may begin almost at once. */
const USER_REST = 1;
/** Items are touched by many events: the longer their flushes rest, the fewer times each is written. */
const ITEM_REST = 20;

export interface Runners {
  readonly sources: readonly PartitionRunner[];
  readonly items: readonly PartitionRunner[];
}

export const runnersOf = (deps: StreamDependencies): Runners => {
  const { interactions, itemSignals, catalogue, control } = deps.partitions;
  const { userApplyEveryMs, itemApplyEveryMs } = deps.options.runner;
  const runner = (
    topic: string,
    index: PartitionIndex,
    pace: PaceOptions,
    createPipeline: (log: TopicInfo) => Promise<Pipeline>,
  ): PartitionRunner =>
    new PartitionRunner(
      deps,
      { topic, index, pace, isForetold: topic === TOPICS.interactions.name, createPipeline },
      deps.options.runner,
    );
  const userPace = { applyEveryMs: userApplyEveryMs, restPerWork: USER_REST };
  const itemPace = { applyEveryMs: itemApplyEveryMs, restPerWork: ITEM_REST };
  const fromSource =
    (index: PartitionIndex, create: (source: SourceInputs) => Pipeline) => async (log: TopicInfo) =>
      create(await sourceInputsOf(deps, log, index));
  return {
    sources: [
      ...control.map((index) =>
        runner(
          TOPICS.control.name,
          index,
          userPace,
          fromSource(index, (given) => new ControlPipeline(given)),
        ),
      ),
      ...catalogue.map((index) =>
        runner(
          TOPICS.catalogue.name,
          index,
          userPace,
          fromSource(index, (given) => new CataloguePipeline(given)),
        ),
      ),
      ...interactions.map((index) =>
        runner(
          TOPICS.interactions.name,
          index,
          userPace,
          fromSource(
            index,
            (given) =>
              new InteractionPipeline({
                ...given,
                kinds: deps.kinds,
                options: deps.options,
                seams: deps.seams ?? {},
                ...(deps.vectors ? { vectors: deps.vectors } : {}),
              }),
          ),
        ),
      ),
    ],
    items: itemSignals.map((index) =>
      runner(TOPICS.itemSignals.name, index, itemPace, async ({ name }) => {
        const source = { topic: name, partition: index };
        return new ItemPipeline({ source, options: deps.options, seams: deps.seams ?? {} });
      }),
    ),
  };
};

const sourceInputsOf = async (
  deps: StreamDependencies,
  log: TopicInfo,
  partition: PartitionIndex,
): Promise<SourceInputs> => {
  const { eventLog, stateStore } = deps;
  const { partitionCount } = await eventLog.topic(TOPICS.itemSignals.name);
  const name = markName(log.logId, log.name, partition);
  const marks: Offset[] = [];
  for (let index = 0; index < partitionCount; index++) {
    const target = statePartition(TOPICS.itemSignals.name, index as PartitionIndex);
    const [stored] = await stateStore.getMany(target, [PARTITION_KEY]);
    const mark = stored === undefined ? undefined : decodeItemPartition(stored).marks[name];
    marks.push(mark ?? NO_OFFSET);
  }
  return {
    source: { logId: log.logId, topic: log.name, partition },
    marks,
    envelopeItemsMax: envelopeItemsMaxOf(stateStore),
  };
};

/** Items, and the categories that they touch, within one apply of the consumer. */
const envelopeItemsMaxOf = ({ limits }: StateStore): number =>
  Math.max(
    1,
    Math.min(
      Math.floor(limits.keysPerApply / ITEM_KEYS),
      Math.floor(limits.bytesPerApply / ITEM_BYTES),
    ),
  );

const sinksOf = (deps: StreamDependencies): readonly WarehouseSink[] => {
  const { warehouse, eventLog, stateStore, partitions } = deps;
  if (warehouse === undefined) return [];
  // What is stored, not what a runner believes: the verdicts are read from there.
  const coveredBy = (topic: string, index: PartitionIndex) => async (): Promise<Offset> =>
    (await stateStore.position(statePartition(topic, index)))?.coveredOffset ?? NO_OFFSET;
  const endOf = (topic: string, index: PartitionIndex) => async (): Promise<Offset> =>
    ((await eventLog.watermarks(topic, index)).end - 1) as Offset;
  const plans = sinkPlacesOf(partitions).map((place): SinkPlan => {
    const hasVerdicts = place.topic === TOPICS.interactions.name;
    const { topic, partition } = place;
    return {
      ...place,
      limit: hasVerdicts ? coveredBy(topic, partition) : endOf(topic, partition),
      followsVerdicts: hasVerdicts && deps.seams?.copyRejected !== true,
    };
  });
  return plans.map((plan) => new WarehouseSink({ ...deps, warehouse }, plan, deps.options.sink));
};

const ITEM_KEYS = 4;
const ITEM_BYTES = 4_096;

const coverAll = async (eventLog: EventLog, runners: readonly PartitionRunner[]): Promise<void> => {
  const ends = await Promise.all(
    runners.map(async ({ place }) => eventLog.watermarks(place.topic, place.index)),
  );
  const covering = runners.map((runner, index) => coverUpTo(eventLog, runner, ends[index]!.end));
  const failed = (await Promise.allSettled(covering)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
};

const coverUpTo = async (
  eventLog: EventLog,
  runner: PartitionRunner,
  end: Offset,
): Promise<void> => {
  await runner.opened();
  for (;;) {
    const covered = runner.status().coveredOffset;
    const next = await nextUncovered(eventLog, runner.place, { covered, end });
    if (next === undefined) return;
    await runner.covered(next);
  }
};
