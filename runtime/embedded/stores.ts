/** Opens the embedded log and state for one thread, with the topics that this thread writes. */
import type { Clock, Logger } from '../../schemas/environment.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';
import {
  type EmbeddedStateStore,
  openLmdbStateStore,
} from '../../storage/state-store/lmdb-state-store.ts';
import { systemRandom } from '../random.ts';
import { type PartitionCounts, planTopics } from '../topic-plan.ts';

export const openEmbeddedLog = (options: {
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
