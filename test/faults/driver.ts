/**
 * Sends seeded events to a server that may die at any moment. What was not answered is sent again
 * with the same id until it is; what was answered is now and then sent again too, since producers
 * do that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ledger, type LedgerEvent, openLedger } from './ledger.ts';
import { integerBelow, pick, type Random } from './seeded-random.ts';

export interface DriverOptions {
  readonly random: Random;
  readonly runName: string;
  readonly events: number;
  /** After so many events other people come: nobody's history outgrows its cap. */
  readonly eventsPerCohort: number;
  readonly usersPerCohort: number;
  readonly items: number;
  readonly concurrency: number;
  readonly batchEventsMax: number;
  readonly ledger: Ledger;
  /** Where to send: changes when the server is restarted elsewhere. */
  readonly url: () => string;
  readonly nowMs: () => number;
  /** Resolves when the event of this number may be made: spreads the events over many lives. */
  readonly admit?: (eventNumber: number) => Promise<void>;
}

interface EventsAnswer {
  readonly accepted: number;
  readonly duplicates: number;
  readonly refused: readonly { readonly eventId: string; readonly code: string }[];
}

const RETRY_MS = 25;
const RESEND_SHARE = 0.03;
const KINDS = ['click', 'view', 'like', 'rating', 'rating', 'dislike'] as const;
const DAY_MS = 86_400_000;

/** Writes what it intends and what is settled into a file, which is whole however the driving ends. */
export const driveIntoLedger = async (
  path: string,
  options: Omit<DriverOptions, 'ledger'>,
): Promise<void> => {
  const ledger = openLedger(path);
  await drive({ ...options, ledger }).finally(() => ledger.close());
};

const drive = async (options: DriverOptions): Promise<void> => {
  let made = 0;
  const sent: LedgerEvent[] = [];
  const nextBatch = (): LedgerEvent[] => {
    const size = Math.min(
      1 + integerBelow(options.random, options.batchEventsMax),
      options.events - made,
    );
    const batch = Array.from({ length: size }, () => {
      made += 1;
      return makeEvent(options, made);
    });
    return batch;
  };
  const work = async (): Promise<void> => {
    while (made < options.events) {
      await options.admit?.(made + 1);
      if (made >= options.events) return;
      const batch = nextBatch();
      options.ledger.intend(batch);
      const repeated = options.random() < RESEND_SHARE && sent.length > 0;
      const events = repeated ? [...batch, pick(options.random, sent)] : batch;
      const refused = await sendUntilAnswered(events, options);
      const accepted = batch.filter(({ eventId }) => !refused.has(eventId));
      options.ledger.settle(
        accepted.map(({ eventId }) => eventId),
        'acknowledged',
      );
      if (refused.size > 0) options.ledger.settle([...refused], 'refused');
      sent.push(...accepted.slice(0, 2));
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, work));
};

const makeEvent = (options: DriverOptions, index: number): LedgerEvent => {
  const { random } = options;
  const kind = pick(random, KINDS);
  // Squaring a uniform number gives a few busy users and items and many quiet ones.
  const skewed = (bound: number): number => Math.floor(random() ** 2 * bound);
  const cohort = Math.floor(index / options.eventsPerCohort);
  return {
    source: 'fault-driver',
    eventId: `${options.runName}-${index}`,
    userId: `user-${cohort}-${skewed(options.usersPerCohort)}`,
    itemId: `item-${skewed(options.items)}`,
    kind,
    value: kind === 'rating' ? (1 + integerBelow(random, 10)) / 2 : null,
    occurredAtMs: Math.floor(options.nowMs() - random() ** 4 * 5 * DAY_MS),
  };
};

const sendUntilAnswered = async (
  events: readonly LedgerEvent[],
  options: DriverOptions,
): Promise<ReadonlySet<string>> => {
  const body = JSON.stringify({ events: events.map(requestOf) });
  for (;;) {
    try {
      const response = await fetch(`${options.url()}/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      if (response.ok) {
        const answer = (await response.json()) as EventsAnswer;
        return new Set(answer.refused.map(({ eventId }) => eventId));
      }
      const text = await response.text();
      if (response.status < 500 && response.status !== 429) {
        throw new TypeError(`Expected the events to be taken, got ${response.status}: ${text}`);
      }
    } catch (error) {
      if (error instanceof TypeError && error.message.startsWith('Expected')) throw error;
    }
    await sleep(RETRY_MS);
  }
};

const requestOf = (event: LedgerEvent): Record<string, unknown> => ({
  source: event.source,
  eventId: event.eventId,
  userId: event.userId,
  itemId: event.itemId,
  kind: event.kind,
  ...(event.value === null ? {} : { value: event.value }),
  occurredAt: new Date(event.occurredAtMs).toISOString(),
});
