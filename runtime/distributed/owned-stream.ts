/**
 * The stream of one process among several: it runs the partitions that ownership gives to this process,
 * and others when that changes. The position in the state is where it goes on, and the state's epoch is
 * what keeps a process that slept from writing what is another's by now.
 */
import type { Clock, Logger } from '../../schemas/environment.ts';
import {
  type DurationMs,
  NO_OFFSET,
  type Offset,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { CONTROL_LOG, TOPICS } from '../../schemas/topics.ts';
import { untilAborted } from '../../schemas/until-aborted.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { keepLandmark } from '../../stream/landmark-keeper.ts';
import { LastKnown } from '../../stream/last-known.ts';
import { nextUncovered } from '../../stream/next-uncovered.ts';
import { StoredStatus } from '../../stream/stored-status.ts';
import {
  createStream,
  type OwnedPartitions,
  type StartStep,
  type StreamDependencies,
} from '../../stream/stream.ts';
import { mergedStatus, type StreamStatus } from '../../stream/stream-status.ts';
import type { StreamRole } from '../profile.ts';
import { allPartitionsOf, type PartitionCounts } from '../topic-plan.ts';

export interface OwnedStreamOptions {
  /** Absent where this process does not have the role: then it only tells how the others stand. */
  readonly ownership: PartitionOwnership | undefined;
  readonly counts: PartitionCounts;
  readonly deps: Omit<StreamDependencies, 'partitions' | 'untilAllReach'>;
  readonly onFatal: (error: Error) => void;
}

export interface OwnedStream extends StreamRole {
  stop(): Promise<void>;
}

const CONTROL_UNIT = 'control';
const USERS_UNIT = 'users.';
const ITEMS_UNIT = 'items.';
const POLL_MS = 50 as DurationMs;

/** What is shared out: a user partition, an item partition with its catalogue, the control log. */
export const unitsOf = ({ userPartitions, itemPartitions }: PartitionCounts): readonly string[] => [
  CONTROL_UNIT,
  ...Array.from({ length: userPartitions }, (_, index) => `${USERS_UNIT}${index}`),
  ...Array.from({ length: itemPartitions }, (_, index) => `${ITEMS_UNIT}${index}`),
];

const partitionsOf = (units: readonly string[]): OwnedPartitions => {
  const numbered = (prefix: string) =>
    units
      .filter((unit) => unit.startsWith(prefix))
      .map((unit) => partitionIndex(Number(unit.slice(prefix.length))));
  const items = numbered(ITEMS_UNIT);
  return {
    interactions: numbered(USERS_UNIT),
    itemSignals: items,
    catalogue: items,
    control: units.includes(CONTROL_UNIT) ? [CONTROL_LOG.partition] : [],
  };
};

export const startOwnedStream = ({
  ownership,
  counts,
  deps,
  onFatal,
}: OwnedStreamOptions): OwnedStream => {
  const stopping = new AbortController();
  const all = unitsOf(counts);
  const stored = new StoredStatus(deps);
  let owned: OwnedUnits | undefined;

  const work = async (units: readonly string[], signal: AbortSignal): Promise<void> => {
    const landmark = units.includes(CONTROL_UNIT) ? await keepLandmark(deps) : undefined;
    const stream = createStream({
      ...deps,
      partitions: partitionsOf(units),
      untilAllReach: (step) => untilStoresReach(deps, counts, { step, signal }),
    });
    owned = { units, status: new LastKnown(deps.clock, () => stream.status()) };
    try {
      await stream.start();
      await untilAborted(signal);
    } finally {
      await stream.stop();
      owned = undefined;
      await landmark?.stop();
    }
  };
  const running = ownership?.run(work, stopping.signal).catch((error: Error) => {
    if (!stopping.signal.aborted) onFatal(error);
  });

  return {
    async status() {
      const own = owned;
      const others = partitionsOf(all.filter((unit) => own?.units.includes(unit) !== true));
      const [told, tellOwn] = await Promise.all([stored.of(others), own?.status.tell()]);
      return tellOwn?.answer === undefined ? told : mergedStatus([tellOwn.answer, told]);
    },
    async caughtUp() {
      const places = placesOf(counts);
      await untilCovered(deps, places.sources, stopping.signal);
      await untilCovered(deps, places.items, stopping.signal);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
};

interface OwnedUnits {
  readonly units: readonly string[];
  readonly status: LastKnown<StreamStatus>;
}

interface Place {
  readonly topic: string;
  readonly index: ReturnType<typeof partitionIndex>;
}

const placesOf = (counts: PartitionCounts) => {
  const { interactions, catalogue, control, itemSignals } = allPartitionsOf(counts);
  const places = (topic: string, indexes: OwnedPartitions['control']): readonly Place[] =>
    indexes.map((index) => ({ topic, index }));
  return {
    sources: [
      ...places(TOPICS.control.name, control),
      ...places(TOPICS.catalogue.name, catalogue),
      ...places(TOPICS.interactions.name, interactions),
    ],
    control: places(TOPICS.control.name, control),
    items: places(TOPICS.itemSignals.name, itemSignals),
  };
};

interface Stores {
  readonly eventLog: Pick<EventLog, 'watermarks' | 'read'>;
  readonly stateStore: Pick<StateStore, 'position'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
}

/** Whoever runs them: the state tells how far they are. */
const untilStoresReach = (
  stores: Stores,
  counts: PartitionCounts,
  { step, signal }: { readonly step: StartStep; readonly signal: AbortSignal },
): Promise<void> => untilCovered(stores, placesOf(counts)[step], signal);

const untilCovered = async (
  stores: Stores,
  places: readonly Place[],
  signal: AbortSignal,
): Promise<void> => {
  await Promise.all(places.map((place) => untilPlaceCovered(stores, place, signal)));
};

const untilPlaceCovered = async (
  { eventLog, stateStore, clock, logger }: Stores,
  { topic, index }: Place,
  signal: AbortSignal,
): Promise<void> => {
  const partition = statePartition(topic, index);
  let end: Offset | undefined;
  while (!signal.aborted) {
    try {
      end ??= (await eventLog.watermarks(topic, index)).end;
      const covered = (await stateStore.position(partition))?.coveredOffset ?? NO_OFFSET;
      if ((await nextUncovered(eventLog, { topic, index }, { covered, end })) === undefined) return;
    } catch (error) {
      logger.debug('cannot see how far a partition is', { partition, error });
    }
    await clock.sleep(POLL_MS, signal).catch(() => undefined);
  }
};
