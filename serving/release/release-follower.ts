/**
 * Puts the release to use that the newest promotion of the control log names: at the start, and
 * whenever another promotion comes. A release is read whole, verified and laid out beside the one in
 * use; then lists go by it from one turn of the event loop to the next. One that is missing, damaged
 * or not fit is refused with its reason, and the one in use stays. Where none is in use yet, as after
 * a restart, the one that the promotion took the place of is tried. A store that cannot be reached says
 * nothing about a release: it is asked again until it answers or another one is promoted.
 */
import type { KernelEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { inTurns } from '../../algorithms/model/pieces.ts';
import type { Clock, CrashPoint, IdleTime, Logger } from '../../schemas/environment.ts';
import { isFreshetError } from '../../schemas/errors.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { StoredPromotion } from '../../schemas/promotion-record.ts';
import type { ModelKind } from '../../schemas/release.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { PromotionFollower } from '../../storage/event-log/promotion-follower.ts';
import type { ItemSlots } from '../item-slots.ts';
import type { LadderOptions, ReleaseOptions } from '../options.ts';
import { leisurely } from './leisure.ts';
import type { NewItemCounts, NewItemGround } from './new-item-vectors.ts';
import type { ReleaseHolder } from './release-holder.ts';
import { loadedRelease } from './release-loader.ts';
import type { ServingRelease } from './serving-release.ts';

const NO_NEW_ITEMS: NewItemCounts = { withVector: 0, waiting: 0, beyond: 0 };

/** Step boundaries of a swap at which the fault harness may kill the process. */
export const SWAP_CRASH_POINTS = ['swap.before-switch', 'swap.after-switch'] as const;

export interface RefusedRelease {
  readonly version: string;
  readonly reason: string;
  readonly at: EpochMs;
}

export interface ReleaseStatus {
  /** null while none is in use. */
  readonly version: string | null;
  readonly promotedAt: EpochMs | null;
  /** When its training was published. */
  readonly madeAt: EpochMs | null;
  readonly kinds: readonly ModelKind[];
  readonly items: number;
  readonly swaps: number;
  /** How long the one in use took from its promotion being read until lists went by it. */
  readonly loadMs: number | null;
  /** The newest last. */
  readonly refused: readonly RefusedRelease[];
  readonly refusedCount: number;
  /** Items that came after it. */
  readonly newItems: NewItemCounts;
  /** People whose vectors are kept. */
  readonly vectorsKept: number;
  /** Of the kernels: two releases' worth, the one in use and the former or the next. */
  readonly memoryBytes: number;
}

export interface ReleaseFollowerOptions {
  readonly eventLog: EventLog;
  readonly artifactStore: ArtifactStore;
  readonly holder: ReleaseHolder;
  readonly engine: KernelEngine;
  readonly slots: ItemSlots;
  readonly ladder: LadderOptions;
  readonly ground: NewItemGround;
  readonly options: ReleaseOptions;
  readonly clock: Clock;
  readonly idleMs?: IdleTime | undefined;
  readonly logger: Logger;
  /** For the fault harness; does nothing where left out. */
  readonly crashPoint?: CrashPoint;
  /** Promotions can be followed no longer. */
  readonly onFailure: (error: unknown) => void;
}

export class ReleaseFollower {
  readonly #given: ReleaseFollowerOptions;
  readonly #promotions: PromotionFollower;
  #promotedAt: EpochMs | null = null;
  #loadMs: number | null = null;
  #refused: RefusedRelease[] = [];
  #refusedCount = 0;
  /** What the newest promotion names and the store could not be asked for. */
  #waiting: RefusedRelease | undefined;

  constructor(given: ReleaseFollowerOptions) {
    this.#given = given;
    this.#promotions = new PromotionFollower({
      eventLog: given.eventLog,
      clock: given.clock,
      retryMs: given.options.retryMs,
      takeUp: (promotion, signal) => this.#takeUp(promotion, signal),
      onFailure: given.onFailure,
    });
  }

  /** Resolves once lists go by the promotion that was the newest at the call. */
  start(): Promise<void> {
    return this.#promotions.start();
  }

  stop(): Promise<void> {
    return this.#promotions.stop();
  }

  status(): ReleaseStatus {
    const { holder, engine } = this.#given;
    const release = holder.current;
    return {
      version: release?.version ?? null,
      promotedAt: release === undefined ? null : this.#promotedAt,
      madeAt: release?.createdAt ?? null,
      kinds: [...(release?.kinds ?? [])],
      items: release?.itemCount ?? 0,
      swaps: holder.epoch,
      loadMs: this.#loadMs,
      refused: this.#refused,
      refusedCount: this.#refusedCount,
      newItems: release?.taste?.newItems ?? NO_NEW_ITEMS,
      vectorsKept: release?.taste?.vectorsKept ?? 0,
      memoryBytes: engine.memory.sizeBytes,
    };
  }

  /** What a person should know: the newest promotion's release, where it was refused. */
  notices(): readonly string[] {
    const newest = this.#refused.at(-1);
    const wanted = this.#promotions.newest?.version;
    const waiting = this.#waiting;
    if (waiting !== undefined && waiting.version === wanted) {
      return [
        `Release ${wanted} cannot be read now and is tried again: ${waiting.reason} In use is ${this.#inUse}.`,
      ];
    }
    if (newest === undefined || newest.version !== wanted) return [];
    if (this.#inUse === wanted) return [];
    return [`Release ${newest.version} was refused: ${newest.reason} In use is ${this.#inUse}.`];
  }

  get #inUse(): string {
    return this.#given.holder.current?.version ?? 'none';
  }

  async #takeUp(promotion: StoredPromotion, signal: AbortSignal): Promise<'done' | 'later'> {
    const { holder, clock } = this.#given;
    const { version, formerVersion, at } = promotion;
    const startedMs = clock.monotonicMs();
    if (version === null) holder.switchTo(undefined);
    if (version === null || (await this.#switchTo(version, signal))) {
      this.#promotedAt = at;
      this.#loadMs = clock.monotonicMs() - startedMs;
      return 'done';
    }
    if (signal.aborted) return 'done';
    const isWaiting = this.#waiting?.version === version;
    // After a restart there is no release in memory that could go on serving.
    if (holder.current === undefined && typeof formerVersion === 'string') {
      await this.#switchTo(formerVersion, signal);
    }
    return isWaiting ? 'later' : 'done';
  }

  /** Whether lists go by it now. */
  async #switchTo(version: string, signal: AbortSignal): Promise<boolean> {
    const { holder, logger } = this.#given;
    if (holder.current?.version === version) return true;
    if (holder.former?.version === version) {
      holder.switchTo(holder.former);
      return true;
    }
    holder.letGoOfFormer();
    try {
      const release = await this.#load(version, signal);
      this.#crash('swap.before-switch');
      holder.switchTo(release);
      this.#crash('swap.after-switch');
      // The former one, in its place, does not end the waiting.
      if (this.#waiting?.version === version) this.#waiting = undefined;
      logger.info('A release is in use', { version });
      return true;
    } catch (error) {
      if (!signal.aborted) this.#failed(version, error);
      return false;
    }
  }

  #crash(name: (typeof SWAP_CRASH_POINTS)[number]): void {
    this.#given.crashPoint?.(name);
  }

  async #load(version: string, signal: AbortSignal): Promise<ServingRelease> {
    const { artifactStore, engine, slots, ladder, ground, options, clock, idleMs } = this.#given;
    const stored = await artifactStore.read(version);
    const { current: before } = this.#given.holder;
    const loading = loadedRelease(stored, { engine, slots, ladder, ground, options, before });
    return inTurns(loading, signal, leisurely({ clock, idleMs, signal }));
  }

  #failed(version: string, error: unknown): void {
    const { logger, clock, options } = this.#given;
    const reason = error instanceof Error ? error.message : String(error);
    const failed = { version, reason, at: clock.now() };
    if (isFreshetError(error) && error.spec.retriable) {
      // The former one, tried in its place, is not what is waited for.
      if (version !== this.#promotions.newest?.version) return;
      // Said once, not at every try.
      if (this.#waiting?.version !== version) {
        logger.warn('A release cannot be read now', { version, error });
      }
      this.#waiting = failed;
      return;
    }
    this.#waiting = undefined;
    this.#refused = [...this.#refused, failed].slice(-options.refusedKept);
    this.#refusedCount++;
    logger.error('A release was refused', { version, error });
  }
}
