/** How an embedded instance forgets: who of it does what, for the desk that sees to the order. */
import { existsSync, readdirSync } from 'node:fs';
import { evidenceOf, missedTakingsBack } from '../../ingest/forgetting/forget-evidence.ts';
import type { Forgetting, ForgottenEvent } from '../../ingest/forgetting/forgetting.ts';
import { deleteRows } from '../../ingest/forgetting/warehouse-forgetting.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type PartitionIndex, statePartition } from '../../schemas/ids.ts';
import { subjectKey } from '../../schemas/state/subject-state.ts';
import { vectorKey } from '../../schemas/state/vector-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { firstRecord } from '../../storage/event-log/partition-slices.ts';
import { addressOfText } from '../../storage/event-log/sealing/person-address.ts';
import type { PersonKeys } from '../../storage/event-log/sealing/person-keys.ts';
import type { EmbeddedStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import type { Warehouse } from '../../storage/warehouse/warehouse.ts';
import type { DataDirectory } from '../data-directory.ts';
import { sealerOf } from '../person-keys.ts';
import type { StreamHost } from './stream-host.ts';

export interface ForgettingParts {
  readonly directory: DataDirectory;
  readonly keys: PersonKeys;
  readonly log: EventLog;
  readonly state: EmbeddedStateStore;
  readonly stream: Pick<StreamHost, 'caughtUp' | 'erase' | 'keyDestroyed'>;
  /** Absent where the instance runs without. */
  readonly warehouse: Warehouse | undefined;
  readonly clock: Clock;
}

export const forgettingOf = (parts: ForgettingParts): Forgetting => {
  const { state: stateStore, stream, directory, clock, keys } = parts;
  const evidence = { stateStore, ...directory.facts };
  const rows = deletionOf(parts);
  return {
    keeper: {
      ...sealerOf(keys),
      async destroy(addresses) {
        for (const address of addresses) {
          keys.destroy(addressOfText(address));
          await stream.keyDestroyed(address);
        }
      },
    },
    evidenceOf: (subject) => evidenceOf(subject, evidence),
    missedTakingsBack: () => missedTakingsBack(evidence),
    untilTakenIn: () => stream.caughtUp(),
    settleState: (events) => settle(parts, events),
    hasUnsealedRecords: (partition) => hasUnsealed(parts, partition),
    ...(rows === undefined
      ? {}
      : { deleteRows: (places, signal) => rows(places, { clock, signal }) }),
  };
};

/** A power cut brings back the newest snapshot of the state: it must be one of after the events. */
const settle = async (
  { state, stream }: ForgettingParts,
  events: readonly ForgottenEvent[],
): Promise<void> => {
  const named = events.map(({ subject, partition, offset }) => ({
    name: statePartition(TOPICS.interactions.name, partition),
    offset,
    keys: [subjectKey(subject), vectorKey(subject)],
  }));
  const removed = [...Map.groupBy(named, ({ name }) => name)].map(([name, own]) => ({
    name,
    keys: own.flatMap(({ keys }) => keys),
  }));
  await stream.erase(removed);
  for (const { name, offset } of named) {
    if ((await state.recoverableFrom(name)) > offset) continue;
    throw new FreshetError('unavailable', { why: `the state ${name} could not be copied` });
  }
};

type Deletion = (
  places: Parameters<typeof deleteRows>[0],
  given: { readonly clock: Clock; readonly signal: AbortSignal },
) => Promise<number[]>;

/** An instance that runs without its warehouse today has to wait for it, if there ever was one. */
const deletionOf = ({ warehouse, directory }: ForgettingParts): Deletion | undefined => {
  if (warehouse !== undefined)
    return (places, given) => deleteRows(places, { ...given, warehouse });
  const path = directory.paths.warehouse;
  if (!existsSync(path) || readdirSync(path).length === 0) return undefined;
  const why = 'the warehouse is turned off, but its directory may hold rows of the person';
  return async () => {
    throw new FreshetError('unavailable', { why });
  };
};

const hasUnsealed = async (
  { log, directory }: ForgettingParts,
  partition: PartitionIndex,
): Promise<boolean> => {
  const { unsealedUntil } = directory.facts;
  if (unsealedUntil === undefined) return false;
  const { name } = TOPICS.interactions;
  const { low } = await log.watermarks(name, partition);
  const first = await firstRecord(log, name, partition, low);
  return first !== undefined && first.timestamp < unsealedUntil;
};
