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
import type { DurationMs } from '../../schemas/ids.ts';
import type { StoredPromotion } from '../../schemas/promotion-record.ts';
import { fileOfModel, ITEMS_FILE, readItemIds } from '../../schemas/release.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { PromotionFollower } from '../../storage/event-log/promotion-follower.ts';
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

const RETRY_MS = 5_000 as DurationMs;

/** Resolves once the newest promotion of the time of the call is in use. */
export const followVectorModels = async (options: VectorModelsOptions): Promise<VectorModels> => {
  const { eventLog, artifactStore, clock, logger } = options;
  const engine = inlineEngine();
  let current: VectorModel | undefined;
  let unread: string | null = null;

  const load = async (version: string, signal: AbortSignal): Promise<VectorModel> => {
    const { files } = await artifactStore.read(version);
    const bytes = files.get(fileOfModel('als'));
    const ids = files.get(ITEMS_FILE);
    if (!bytes || !ids) throw new Error(`release ${version} holds no ${fileOfModel('als')}`);
    const numbers = new Map<string, number>();
    const model = readImplicitAls(bytes);
    for (const [item, id] of readItemIds(ids).entries()) {
      if (item < model.itemCount) numbers.set(id, item);
    }
    const foldIn = await inTurns(FoldIn.inPieces(engine, model), signal);
    return { release: version, foldIn, itemOf: (itemId) => numbers.get(itemId) };
  };

  const use = async (version: string | null, signal: AbortSignal): Promise<void> => {
    if (version === (current?.release ?? null)) return;
    const former = current;
    current = version === null ? undefined : await load(version, signal);
    former?.foldIn.release();
  };

  const takeUp = async (
    { version }: StoredPromotion,
    signal: AbortSignal,
  ): Promise<'done' | 'later'> => {
    try {
      await use(version, signal);
      return 'done';
    } catch (error) {
      if (signal.aborted) return 'done';
      // Said once, not at every try.
      if (unread !== version) {
        logger.warn('Vectors go on with the release before', { version, error });
      }
      unread = version;
      return isFreshetError(error) && error.spec.retriable ? 'later' : 'done';
    }
  };

  const promotions = new PromotionFollower({
    eventLog,
    clock,
    retryMs: RETRY_MS,
    takeUp,
    onFailure: (error) => logger.error('Promotions are followed no longer', { error }),
  });
  await promotions.start();
  return {
    get current() {
      return current;
    },
    stop: () => promotions.stop(),
  };
};
