/**
 * Who may train, and what comes of it: one run at a time, its outcome and, where it passed, its
 * promotion written into the control log together, and releases that nobody needs removed. The
 * promotion record is the pointer to the release in use (I6): serving follows it by itself.
 *
 * It owns no thread or process: the runner does the work, wherever that is.
 */

import { formatTime } from '../schemas/api/time.ts';
import type { Clock, CrashPoint, Logger, RandomSource } from '../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../schemas/errors.ts';
import type { DurationMs, EpochMs, Offset } from '../schemas/ids.ts';
import type { StoredPromotion } from '../schemas/promotion-record.ts';
import {
  MODEL_KINDS,
  type ModelKind,
  type Promotion,
  type TrainingOutcome,
  type TrainingRunRecord,
} from '../schemas/release.ts';
import type { ArtifactStore, StoredManifest } from '../storage/artifact-store/artifact-store.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { ControlView } from './control-view.ts';
import type { PROMOTION_CRASH_POINTS } from './crash-points.ts';
import type { TrainingOrder, TrainingProgress, TrainingResult } from './training-run.ts';
import { unclaimedAmong } from './unclaimed-releases.ts';

export interface TrainingRunner {
  /** Undefined where there can be trainings. */
  readonly whyOff: string | undefined;
  run(
    order: TrainingOrder,
    given: {
      readonly signal: AbortSignal;
      readonly onProgress: (progress: TrainingProgress) => void;
    },
  ): Promise<TrainingResult>;
}

export interface TrainingDeskDependencies {
  readonly log: EventLog;
  readonly artifactStore: ArtifactStore;
  readonly runner: TrainingRunner;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly configVersion: number;
  readonly releasesKept: number;
  /**
   * How long a release is left whose training is not on record: another process may be about to put it
   * there. 0 where there is no other.
   */
  readonly unrecordedKeptMs: DurationMs;
  /** For the fault harness; does nothing where left out. */
  readonly crashPoint?: CrashPoint;
}

export interface RunningTraining {
  readonly runId: string;
  readonly kinds: readonly ModelKind[];
  readonly startedAt: EpochMs;
  readonly startedMs: number;
  readonly progress: TrainingProgress;
}

export interface DeskStatus {
  readonly promotion: StoredPromotion | undefined;
  readonly running: RunningTraining | undefined;
  readonly runs: readonly TrainingRunRecord[];
  readonly whyOff: string | undefined;
}

/** What a training came to; its number is for the log to say. */
type RunOutcome = Omit<TrainingRunRecord, 'number'>;

interface Current {
  readonly order: TrainingOrder;
  readonly startedAt: EpochMs;
  readonly startedMs: number;
  readonly stop: AbortController;
  progress: TrainingProgress;
  ended: Promise<RunOutcome>;
}

const AT_THE_START: TrainingProgress = { stage: 'reading', model: null, share: 0, eventsRead: 0 };
const RUN_ID_SPACE = 36 ** 6;
const SEED_SPACE = 2 ** 31;

export class TrainingDesk {
  readonly #given: TrainingDeskDependencies;
  readonly #control: ControlView;
  #current: Current | undefined;

  private constructor(given: TrainingDeskDependencies, control: ControlView) {
    this.#given = given;
    this.#control = control;
  }

  static async open(given: TrainingDeskDependencies): Promise<TrainingDesk> {
    const desk = new TrainingDesk(given, await ControlView.open(given));
    // Where others may train, the next training clears up: a start waits for no store of theirs.
    if (given.unrecordedKeptMs === 0) await desk.#prune({ keep: Number.POSITIVE_INFINITY });
    return desk;
  }

  status(): DeskStatus {
    return {
      promotion: this.#control.promotion,
      running: this.#running(),
      runs: this.#control.runs,
      whyOff: this.#given.runner.whyOff,
    };
  }

  releases(): Promise<readonly StoredManifest[]> {
    return this.#given.artifactStore.list();
  }

  #running(): RunningTraining | undefined {
    if (!this.#current) return undefined;
    const { order, startedAt, startedMs, progress } = this.#current;
    return { runId: order.runId, kinds: order.kinds, startedAt, startedMs, progress };
  }

  /** Starts a training of these kinds; `ended` resolves once its outcome is on record. */
  train(kinds: readonly ModelKind[] = MODEL_KINDS): {
    readonly runId: string;
    readonly ended: Promise<RunOutcome>;
  } {
    const { clock, random, runner, configVersion } = this.#given;
    if (runner.whyOff !== undefined) {
      throw new FreshetError('training_impossible', { why: runner.whyOff });
    }
    if (this.#current) {
      const { order, startedAt } = this.#current;
      const details = { runId: order.runId, startedAt: formatTime(startedAt) };
      throw new FreshetError('training_runs', details);
    }
    const order: TrainingOrder = {
      runId: Math.floor(random() * RUN_ID_SPACE).toString(36),
      kinds,
      formerVersion: this.#control.promotion?.version ?? null,
      seed: Math.floor(random() * SEED_SPACE),
      configVersion,
    };
    const current: Current = {
      order,
      startedAt: clock.now(),
      startedMs: clock.monotonicMs(),
      stop: new AbortController(),
      progress: AT_THE_START,
      ended: Promise.resolve(undefined as never),
    };
    this.#current = current;
    current.ended = this.#carryOut(current);
    return { runId: order.runId, ended: current.ended };
  }

  /** Ends the running training, if there is one; resolves once it has ended. */
  async cancel(): Promise<string | null> {
    const current = this.#current;
    if (!current) return null;
    current.stop.abort(new Error('cancelled'));
    await current.ended;
    return current.order.runId;
  }

  /** Puts a stored release to use; it is read whole first, so that a damaged one never is. */
  async promote(version: string, by: Promotion['by'] = 'person'): Promise<Offset> {
    await this.#given.artifactStore.read(version);
    await this.#control.catchUp();
    return this.#record({ promotion: this.#promotionOf(version, by) });
  }

  async rollback(): Promise<Offset> {
    await this.#control.catchUp();
    const former = this.#control.promotion?.formerVersion;
    if (!former) throw new FreshetError('not_found', { what: 'a release before the one in use' });
    return this.promote(former, 'rollback');
  }

  async stop(): Promise<void> {
    await this.cancel();
    await this.#control.stop();
  }

  #promotionOf(version: string, by: Promotion['by']): Promotion {
    return { version, formerVersion: this.#control.promotion?.version ?? null, by };
  }

  async #carryOut(current: Current): Promise<RunOutcome> {
    const outcome = await this.#outcomeOf(current);
    try {
      // Others may have trained and promoted meanwhile.
      await this.#control.catchUp();
      const { version } = outcome;
      const isPromoted = outcome.outcome === 'promoted' && version !== null;
      await this.#record({
        run: { ...outcome, number: this.#control.nextNumber },
        ...(isPromoted ? { promotion: this.#promotionOf(version, 'training') } : {}),
      });
      await this.#prune({ keep: this.#given.releasesKept });
    } catch (error) {
      this.#given.logger.error('The outcome of a training could not be recorded', { error });
    } finally {
      this.#current = undefined;
    }
    return outcome;
  }

  async #outcomeOf(current: Current): Promise<RunOutcome> {
    const { clock, logger, runner } = this.#given;
    const { order, startedAt, startedMs, stop } = current;
    const recordOf = (
      outcome: TrainingOutcome,
      found: Partial<Pick<TrainingRunRecord, 'version' | 'reasons' | 'remarks' | 'holdOut'>>,
    ): RunOutcome => ({
      runId: order.runId,
      outcome,
      version: null,
      reasons: [],
      remarks: [],
      holdOut: null,
      ...found,
      seconds: (clock.monotonicMs() - startedMs) / 1000,
      startedAt,
    });
    try {
      const { version, faults, remarks, facts } = await runner.run(order, {
        signal: stop.signal,
        onProgress: (progress) => {
          current.progress = progress;
        },
      });
      const { holdOut } = facts;
      const outcome = version === null ? 'refused' : 'promoted';
      if (version === null) logger.warn('A trained release was refused', { faults });
      return recordOf(outcome, { version, reasons: faults, remarks, holdOut });
    } catch (error) {
      if (stop.signal.aborted) return recordOf('cancelled', {});
      logger.error('A training failed', { error });
      return recordOf('failed', { reasons: [problemOf(error)] });
    }
  }

  async #record(bodies: {
    readonly promotion?: Promotion;
    readonly run?: TrainingRunRecord;
  }): Promise<Offset> {
    if (bodies.promotion) this.#crash('promotion.before-append');
    const offset = await this.#control.record(this.#given.clock.now(), bodies);
    if (bodies.promotion) this.#crash('promotion.after-append');
    return offset;
  }

  #crash(name: (typeof PROMOTION_CRASH_POINTS)[number]): void {
    this.#given.crashPoint?.(name);
  }

  /** Of releases what nobody needs; where that fails, the next training does it. */
  async #prune({ keep }: { readonly keep: number }): Promise<void> {
    const { artifactStore, unrecordedKeptMs, clock, logger } = this.#given;
    const publishedBefore = (clock.now() - unrecordedKeptMs) as EpochMs;
    try {
      const releases = await artifactStore.list();
      const { promotion, runs } = this.#control;
      await artifactStore.prune({
        keep,
        inUse: promotion?.version ?? null,
        unclaimed: unclaimedAmong(releases, { promotion, runs, publishedBefore }),
      });
    } catch (error) {
      logger.warn('Releases that nobody needs could not be removed', { error });
    }
  }
}

const problemOf = (error: unknown): string =>
  isFreshetError(error) ? error.message : error instanceof Error ? error.message : String(error);
