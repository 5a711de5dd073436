/**
 * What the control log says of releases and trainings, kept up with it: which release is in use (the
 * newest promotion), and how the last trainings ended, whoever wrote it. On servers several processes
 * train and promote by turns, and each of them has to know what the others did.
 */
import type { Clock, Logger } from '../schemas/environment.ts';
import { type DurationMs, type EpochMs, NO_OFFSET, type Offset, offset } from '../schemas/ids.ts';
import { controlIn, promotionIn, type StoredPromotion } from '../schemas/promotion-record.ts';
import { type Promotion, TRAINING_RUN, type TrainingRunRecord } from '../schemas/release.ts';
import { CONTROL_LOG } from '../schemas/topics.ts';
import type { EventLog, LogRecord } from '../storage/event-log/event-log.ts';
import { partitionSlices, SLICE_LIMITS } from '../storage/event-log/partition-slices.ts';
import { appendControlRecords, bodyOf, RUNS_KEPT } from './control-records.ts';

export interface ControlViewDependencies {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

const { topic: CONTROL, partition: PARTITION } = CONTROL_LOG;
const AGAIN_MS = 5_000 as DurationMs;

export class ControlView {
  readonly #given: ControlViewDependencies;
  readonly #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #next: Offset = offset(0);
  #promotion: StoredPromotion | undefined;
  #promotionAt: Offset = NO_OFFSET;
  #runs: readonly TrainingRunRecord[] = [];

  private constructor(given: ControlViewDependencies) {
    this.#given = given;
  }

  /** Knows all that the log holds at the call, and from then on what comes. */
  static async open(given: ControlViewDependencies): Promise<ControlView> {
    const view = new ControlView(given);
    await view.catchUp();
    view.#following = view.#follow();
    return view;
  }

  get promotion(): StoredPromotion | undefined {
    return this.#promotion;
  }

  /** Newest first. */
  get runs(): readonly TrainingRunRecord[] {
    return this.#runs;
  }

  /** Of the next training's record: they take turns on a fixed number of keys. */
  get nextNumber(): number {
    return (this.#runs[0]?.number ?? -1) + 1;
  }

  /** Before something is decided by it: what others wrote may not have come by itself yet. */
  async catchUp(): Promise<void> {
    const { log } = this.#given;
    const { end } = await log.watermarks(CONTROL, PARTITION);
    const range = { from: this.#next, to: end };
    for await (const slice of partitionSlices(log, CONTROL, PARTITION, range)) {
      this.#noteAll(slice);
    }
    this.#goOnFrom(end);
  }

  /** Appended together, or not at all, and known from then on. */
  async record(
    at: EpochMs,
    bodies: { readonly promotion?: Promotion; readonly run?: TrainingRunRecord },
  ): Promise<Offset> {
    const last = await appendControlRecords(this.#given.log, at, bodies);
    if (bodies.run) this.#noteRun(bodies.run);
    // The last of what is appended together.
    if (bodies.promotion) this.#notePromotion({ ...bodies.promotion, at }, last);
    return last;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { log, clock, logger } = this.#given;
    const { signal } = this.#stop;
    for (;;) {
      try {
        const limits = { ...SLICE_LIMITS, signal };
        for await (const slice of log.tail(CONTROL, PARTITION, this.#next, limits)) {
          this.#noteAll(slice);
        }
      } catch (error) {
        if (!signal.aborted) logger.warn('What other processes train is not known', { error });
      }
      if (signal.aborted) return;
      await clock.sleep(AGAIN_MS, signal).catch(() => undefined);
    }
  }

  #noteAll(slice: readonly LogRecord[]): void {
    for (const record of slice) {
      const promotion = promotionIn(record.value);
      if (promotion) this.#notePromotion(promotion, record.offset);
      const control = controlIn(record.value);
      if (control?.kind === TRAINING_RUN) this.#noteRun(bodyOf<TrainingRunRecord>(control));
      this.#goOnFrom(offset(record.offset + 1));
    }
  }

  #goOnFrom(next: Offset): void {
    if (next > this.#next) this.#next = next;
  }

  #notePromotion(promotion: StoredPromotion, at: Offset): void {
    if (at <= this.#promotionAt) return;
    this.#promotion = promotion;
    this.#promotionAt = at;
  }

  /** Once, however often it is seen. */
  #noteRun(run: TrainingRunRecord): void {
    this.#runs = [run, ...this.#runs.filter(({ runId }) => runId !== run.runId)]
      .sort((one, other) => other.number - one.number)
      .slice(0, RUNS_KEPT);
  }
}
