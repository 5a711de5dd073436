/**
 * How a site on servers forgets: who of it does what, for the desk that sees to the order. One process at
 * a time does all of it; the others follow what is on record.
 */
import { evidenceOf, missedTakingsBack } from '../../ingest/forgetting/forget-evidence.ts';
import type { Forgetting, ForgottenEvent } from '../../ingest/forgetting/forgetting.ts';
import { deleteRows } from '../../ingest/forgetting/warehouse-forgetting.ts';
import { readableRecord } from '../../ingest/readable-record.ts';
import type { Clock } from '../../schemas/environment.ts';
import {
  NO_OFFSET,
  type Offset,
  type PartitionIndex,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import { firstRecord, partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { addressOfText, addressText } from '../../storage/event-log/sealing/person-address.ts';
import { addressOfRecord } from '../../storage/event-log/sealing/sealed-record.ts';
import type { SharedKeys } from '../../storage/event-log/sealing/shared-keys.ts';
import type { RedisServers } from '../../storage/redis/redis-link.ts';
import { eraseRemoved } from '../../storage/state-store/redis-erasure.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import type { Warehouse } from '../../storage/warehouse/warehouse.ts';
import { sealerOf } from '../person-keys.ts';
import type { StreamRole } from '../profile.ts';
import type { PartitionCounts } from '../topic-plan.ts';

export interface ForgettingParts {
  readonly keys: SharedKeys;
  /** What is appended to it is sealed, as by whoever takes events in. */
  readonly log: EventLog;
  /** As it is stored. */
  readonly storedLog: EventLog;
  readonly state: StateStore;
  readonly redis: RedisServers;
  readonly namespace: string;
  readonly counts: PartitionCounts;
  readonly stream: Pick<StreamRole, 'caughtUp'>;
  readonly warehouse: Warehouse | undefined;
  /** Absent where this process leaves the work to others. */
  readonly ownership: PartitionOwnership | undefined;
  readonly clock: Clock;
}

export const forgettingOf = (parts: ForgettingParts): Forgetting => {
  const { keys, state, redis, namespace, counts, stream, warehouse, ownership, clock } = parts;
  const evidence = { stateStore: state, ...counts };
  return {
    keeper: {
      ...sealerOf(keys.edge),
      destroy: (addresses, signal) => keys.destroy(addresses.map(addressOfText), signal),
    },
    evidenceOf: (subject) => evidenceOf(subject, evidence),
    missedTakingsBack: () => missedTakingsBack(evidence),
    untilTakenIn: () => stream.caughtUp(),
    settleState: (events, signal) =>
      eraseRemoved(
        events.map(({ partition, offset }) => ({
          partition: statePartition(TOPICS.interactions.name, partition),
          offset,
        })),
        { servers: redis, namespace, clock },
        signal,
      ),
    ...(warehouse && {
      deleteRows: (places, signal) => deleteRows(places, { warehouse, clock, signal }),
    }),
    hasUnsealedRecords: (partition) => hasUnsealed(parts, partition),
    shared: {
      ...(ownership && { ownership }),
      untilKeysKnown: () => keys.know(),
      announce: (events) => keys.announceRetired(events.map(addressOf)),
      settleSeals: (events, signal) => settleSeals(parts, events, signal),
    },
  };
};

const addressOf = ({ address }: ForgottenEvent) => addressOfText(address);

/**
 * What other processes sealed until they heard of it belongs to whoever the person is now, and is sealed
 * anew under that key: the stream knows it by its id and counts it once, whichever of both is readable.
 */
const settleSeals = async (
  parts: ForgettingParts,
  events: readonly ForgottenEvent[],
  signal: AbortSignal,
): Promise<void> => {
  await parts.keys.untilNobodySeals(events.map(addressOf), signal);
  for (const event of events) await sealLateAnew(parts, event);
  await parts.stream.caughtUp();
};

const sealLateAnew = async (
  { keys, log, storedLog }: ForgettingParts,
  { partition, offset, address }: ForgottenEvent,
): Promise<void> => {
  const { name } = TOPICS.interactions;
  for await (const slice of partitionSlices(storedLog, name, partition, { from: offset + 1 })) {
    const late = slice.flatMap((record): AppendRecord[] => {
      const found = addressOfRecord(record);
      if (found === undefined || addressText(found) !== address) return [];
      const opened = keys.edge.open(record);
      return readableRecord(opened.value)?.name === 'Interaction' ? [opened] : [];
    });
    if (late.length > 0) await log.append(name, partition, late);
  }
};

/** Records of before the log was sealed are the oldest there are, and producers outside seal nothing. */
const hasUnsealed = async (parts: ForgettingParts, partition: PartitionIndex): Promise<boolean> => {
  const { storedLog } = parts;
  for (const { name } of [TOPICS.interactions, TOPICS.impressions]) {
    const { low } = await storedLog.watermarks(name, partition);
    const oldest = await firstRecord(storedLog, name, partition, low);
    if (oldest !== undefined && addressOfRecord(oldest) === undefined) return true;
  }
  return hasOutsideRecords(parts);
};

/** What was moved from producers outside is let go of; the rest waits to be moved, and can be read. */
const hasOutsideRecords = async ({
  storedLog,
  state,
  clock,
  counts,
}: ForgettingParts): Promise<boolean> => {
  const { name } = TOPICS.eventsIn;
  const partitions = Array.from({ length: counts.userPartitions }, (_, at) => partitionIndex(at));
  const keepFrom = await Promise.all(
    partitions.map(async (index) => {
      const position = await state.position(statePartition(name, index));
      return ((position?.coveredOffset ?? NO_OFFSET) + 1) as Offset;
    }),
  );
  await storedLog.clean(name, { ageMs: 0, keepFrom }, clock.now());
  for (const index of partitions) {
    const { low, end } = await storedLog.watermarks(name, index);
    if (low < end) return true;
  }
  return false;
};
