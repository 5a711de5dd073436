/** Opens the embedded log and state for one thread, with the topics that this thread writes. */
import type { Clock, Logger } from '../../schemas/environment.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';
import type { PersonKeys } from '../../storage/event-log/sealing/person-keys.ts';
import { SealedEventLog } from '../../storage/event-log/sealing/sealed-event-log.ts';
import {
  type EmbeddedStateStore,
  openLmdbStateStore,
} from '../../storage/state-store/lmdb-state-store.ts';
import type { DataPaths } from '../data-directory.ts';
import { hasPersonKeys, openPersonKeys } from '../person-keys.ts';
import { systemRandom } from '../random.ts';
import { type PartitionCounts, planTopics } from '../topic-plan.ts';

export const openEmbeddedLog = async (options: {
  readonly directory: string;
  readonly keys: PersonKeys;
  readonly counts: PartitionCounts;
  readonly writableTopics: readonly string[];
  readonly clock: Clock;
}): Promise<SealedEventLog> =>
  new SealedEventLog({ log: await openUnsealedLog(options), keys: options.keys });

/** For whoever only reads; what a program of before there were keys wrote is not sealed. */
export const openLogToRead = async (
  paths: DataPaths,
  counts: PartitionCounts,
  clock: Clock,
): Promise<EventLog> => {
  const options = { directory: paths.log, counts, writableTopics: [], clock };
  return hasPersonKeys(paths)
    ? openEmbeddedLog({ ...options, keys: openPersonKeys(paths) })
    : openUnsealedLog(options);
};

/** As it lies on the disk. */
export const openUnsealedLog = (options: {
  readonly directory: string;
  readonly counts: PartitionCounts;
  readonly writableTopics: readonly string[];
  readonly clock: Clock;
}): Promise<EventLog> =>
  openLmdbEventLog({
    directory: options.directory,
    topics: planTopics(options.counts),
    writableTopics: options.writableTopics,
    clock: options.clock,
    random: systemRandom,
  });

export const openEmbeddedState = (options: {
  readonly directory: string;
  readonly readOnly: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<EmbeddedStateStore> => openLmdbStateStore(options);
