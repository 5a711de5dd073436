/**
 * The model that the stream solves people's vectors with: that of the newest promotion of the control
 * log, laid out beside the one before and switched in one step. A release that cannot be read, or holds
 * no such model, leaves the former in use; vectors name their release, so nobody takes one for another.
 * A store that does not answer is asked again until it does, or another one is promoted.
 */
import { FoldIn } from '../../algorithms/factors/fold-in.ts';
import { readImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { inTurns } from '../../algorithms/model/pieces.ts';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { isFreshetError } from '../../schemas/errors.ts';
import type { DurationMs, Offset, PartitionIndex } from '../../schemas/ids.ts';
import { promotionIn } from '../../schemas/promotion-record.ts';
import { fileOfModel, ITEMS_FILE, readItemIds } from '../../schemas/release.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import type { VectorModel } from './vector-view.ts';

export interface VectorModelsOptions {
  readonly eventLog: EventLog;
  readonly artifactStore: ArtifactStore;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
}

export interface VectorModels {
  readonly current: VectorModel | undefined;
  stop(): Promise<void>;
}

const CONTROL = TOPICS.control.name;
const PARTITION = 0 as PartitionIndex;
const READ = { recordsMax: 1_000, bytesMax: 1_048_576 } as const;
const NOT_YET = Symbol('no promotion');
const RETRY_MS = 5_000 as DurationMs;

/** Resolves once the newest promotion of the time of the call is in use. */
export const followVectorModels = async (options: VectorModelsOptions): Promise<VectorModels> => {
  const { eventLog, clock, logger } = options;
  const engine = inlineEngine();
  const stopping = new AbortController();
  let current: VectorModel | undefined;
  let wanted: string | null = null;
  let unread: string | null = null;
  let working = Promise.resolve();
  let pause = Promise.resolve();

  const use = async (version: string | null): Promise<void> => {
    if (version === (current?.release ?? null)) return;
    const former = current;
    current = version === null ? undefined : await load(version);
    former?.foldIn.release();
  };

  const load = async (version: string): Promise<VectorModel> => {
    const { files } = await options.artifactStore.read(version);
    const bytes = files.get(fileOfModel('als'));
    const ids = files.get(ITEMS_FILE);
    if (!bytes || !ids) throw new Error(`release ${version} holds no ${fileOfModel('als')}`);
    const numbers = new Map<string, number>();
    const model = readImplicitAls(bytes);
    for (const [item, id] of readItemIds(ids).entries()) {
      if (item < model.itemCount) numbers.set(id, item);
    }
    const foldIn = await inTurns(FoldIn.inPieces(engine, model), stopping.signal);
    return { release: version, foldIn, itemOf: (itemId) => numbers.get(itemId) };
  };

  /** One at a time; what is promoted meanwhile comes next. */
  const takeUpNewest = (): Promise<void> => {
    working = working.then(async () => {
      const version = wanted;
      try {
        await use(version);
      } catch (error) {
        if (stopping.signal.aborted) return;
        // Said once, not at every try.
        if (unread !== version) {
          logger.warn('Vectors go on with the release before', { version, error });
        }
        unread = version;
        if (isFreshetError(error) && error.spec.retriable) pause = tryLater(version);
      }
    });
    return working;
  };

  const tryLater = async (version: string | null): Promise<void> => {
    await clock.sleep(RETRY_MS, stopping.signal).catch(() => undefined);
    if (!stopping.signal.aborted && wanted === version) void takeUpNewest();
  };

  const take = async (records: readonly LogRecord[]): Promise<void> => {
    const version = newestVersion(records);
    if (version === NOT_YET) return;
    wanted = version;
    await takeUpNewest();
  };

  const follow = async (from: Offset): Promise<void> => {
    const tail = eventLog.tail(CONTROL, PARTITION, from, { ...READ, signal: stopping.signal });
    for await (const records of tail) await take(records);
  };

  const { end } = await eventLog.watermarks(CONTROL, PARTITION);
  const earlier: LogRecord[] = [];
  for await (const slice of partitionSlices(eventLog, CONTROL, PARTITION, { to: end })) {
    earlier.push(...slice);
  }
  await take(earlier);
  const following = follow(end).catch((error) => {
    if (!stopping.signal.aborted) logger.error('Promotions are followed no longer', { error });
  });
  return {
    get current() {
      return current;
    },
    async stop() {
      stopping.abort();
      await following;
      await pause;
      await working;
    },
  };
};

const newestVersion = (records: readonly LogRecord[]): string | null | typeof NOT_YET => {
  for (const { value } of records.toReversed()) {
    const promotion = promotionIn(value);
    if (promotion !== undefined) return promotion.version;
  }
  return NOT_YET;
};
