/**
 * Follows which release the newest promotion of the control log names, for whoever puts releases to use:
 * the newest of the time of a start, then each that comes. They are taken up one at a time. One that comes
 * while another is being taken up ends that, since the newest counts and a rollback waits for nobody; one
 * that cannot be taken up now is tried again until it can or another one comes.
 */
import type { Clock } from '../../schemas/environment.ts';
import type { DurationMs, Offset } from '../../schemas/ids.ts';
import { promotionIn, type StoredPromotion } from '../../schemas/promotion-record.ts';
import { CONTROL_LOG } from '../../schemas/topics.ts';
import type { EventLog, LogRecord } from './event-log.ts';
import { partitionSlices } from './partition-slices.ts';

const { topic: CONTROL, partition: PARTITION } = CONTROL_LOG;
const READ = { recordsMax: 1_000, bytesMax: 1_048_576 } as const;

export interface PromotionFollowerOptions {
  readonly eventLog: Pick<EventLog, 'read' | 'tail' | 'watermarks'>;
  readonly clock: Pick<Clock, 'sleep'>;
  /** How long to wait before one that could not be taken up is tried again. */
  readonly retryMs: DurationMs;
  /** Takes it up, or sees that it never can; `later` where it may be possible another time. */
  readonly takeUp: (promotion: StoredPromotion, signal: AbortSignal) => Promise<'done' | 'later'>;
  /** Promotions can be followed no longer. */
  readonly onFailure: (error: unknown) => void;
}

export class PromotionFollower {
  readonly #given: PromotionFollowerOptions;
  readonly #stopping = new AbortController();
  #newest: StoredPromotion | undefined;
  /** Of the newest: aborted once it is that no longer. */
  #current = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #pause: Promise<void> = Promise.resolve();
  #following: Promise<void> = Promise.resolve();

  constructor(given: PromotionFollowerOptions) {
    this.#given = given;
  }

  /** The newest that was read of; it need not be taken up yet. */
  get newest(): StoredPromotion | undefined {
    return this.#newest;
  }

  /** Resolves once the newest promotion of the time of the call was taken up, or tried once. */
  async start(): Promise<void> {
    const { eventLog } = this.#given;
    const { end } = await eventLog.watermarks(CONTROL, PARTITION);
    let found: StoredPromotion | undefined;
    for await (const records of partitionSlices(eventLog, CONTROL, PARTITION, { to: end })) {
      found = newestIn(records) ?? found;
    }
    if (found !== undefined) await this.#takeUp(found);
    this.#following = this.#follow(end);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#current.abort();
    await this.#following;
    await this.#pause;
    await this.#work;
  }

  async #follow(from: Offset): Promise<void> {
    const { signal } = this.#stopping;
    try {
      const slices = this.#given.eventLog.tail(CONTROL, PARTITION, from, { ...READ, signal });
      for await (const records of slices) {
        const found = newestIn(records);
        if (found !== undefined) void this.#takeUp(found);
      }
    } catch (error) {
      if (!signal.aborted) this.#given.onFailure(error);
    }
  }

  #takeUp(promotion: StoredPromotion): Promise<void> {
    this.#current.abort();
    this.#newest = promotion;
    this.#current = new AbortController();
    return this.#inTurn(promotion, this.#current.signal);
  }

  #inTurn(promotion: StoredPromotion, signal: AbortSignal): Promise<void> {
    this.#work = this.#work.then(async () => {
      if (signal.aborted) return;
      const outcome = await this.#given.takeUp(promotion, signal);
      if (outcome === 'later') this.#pause = this.#later(promotion, signal);
    });
    return this.#work;
  }

  async #later(promotion: StoredPromotion, signal: AbortSignal): Promise<void> {
    const { clock, retryMs } = this.#given;
    await clock.sleep(retryMs, signal).catch(() => undefined);
    if (!signal.aborted) void this.#inTurn(promotion, signal);
  }
}

const newestIn = (records: readonly LogRecord[]): StoredPromotion | undefined => {
  for (const { value } of records.toReversed()) {
    const promotion = promotionIn(value);
    if (promotion !== undefined) return promotion;
  }
  return undefined;
};
