/**
 * The producers: each makes batches and sends every one until it is answered, to whichever edge is
 * there, with the same ids. The network between is never perfect. An importer hands a file's events
 * to the sink of an edge, with two batches under way, and begins again when that fails.
 */

import type {
  BackfillEvent,
  BackfillSink,
  ImportState,
} from '../../ingest/import/backfill-sink.ts';
import type { EventInput, EventsAnswer } from '../../schemas/api/events.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { integerBelow, type Random } from '../faults/seeded-random.ts';
import type { Book } from './book.ts';
import type { Load } from './load.ts';
import type { Network } from './network.ts';
import type { SimProcess } from './sim-process.ts';
import type { Watch } from './watch.ts';

export interface ClientSurroundings {
  readonly process: SimProcess;
  readonly network: Network;
  readonly random: Random;
  readonly book: Book;
  readonly watch: Watch;
  /** Hands the events to some edge; never resolves if that dies meanwhile. */
  readonly take: (events: readonly EventInput[]) => Promise<EventsAnswer>;
  readonly topic: string;
}

const RETRY_MS = 120;

/** Sends events until so many were made, pausing in between. */
export const produce = async (
  given: ClientSurroundings,
  load: Load,
  plan: { readonly events: number; readonly pauseMs: number },
): Promise<void> => {
  const { process, book, random } = given;
  while (load.made < plan.events) {
    const batch = load.batch(process.clock.monotonicMs());
    book.intend(batch);
    await sendUntilAnswered(given, batch);
    await process.clock.sleep((random() * 2 * plan.pauseMs) as DurationMs);
  }
};

const sendUntilAnswered = async (
  given: ClientSurroundings,
  batch: readonly EventInput[],
): Promise<void> => {
  const { process, network, book, watch, take } = given;
  for (;;) {
    let copies = 0;
    const execute = (): Promise<EventsAnswer> => {
      copies += 1;
      return take(batch);
    };
    try {
      const answer = await network.call(process, `POST ×${batch.length}`, execute);
      if (copies > 1) book.lost(batch);
      const problem = book.settle(batch, answer) ?? notDurable(given, answer);
      if (problem !== undefined) watch.report(problem);
      return;
    } catch {
      book.lost(batch);
      await process.clock.sleep(RETRY_MS as DurationMs);
    }
  }
};

/** An answer names positions: the log must reach there at that very moment. */
const notDurable = (
  { watch, topic }: ClientSurroundings,
  answer: EventsAnswer,
): string | undefined => {
  for (const { partition, offset } of answer.positions) {
    const end = watch.endOf(topic, partition);
    if (offset >= end) return `${topic}.${partition} was answered at ${offset} and ends at ${end}`;
  }
  return undefined;
};

export interface ImportPlan {
  readonly importId: string;
  readonly events: readonly BackfillEvent[];
  /** Also says who it is, so that what one edge promised dies with it. */
  readonly sink: () => { readonly sink: BackfillSink; readonly process: SimProcess } | undefined;
}

export const runImport = async (given: ClientSurroundings, plan: ImportPlan): Promise<void> => {
  const { process, random } = given;
  for (;;) {
    const edge = plan.sink();
    if (edge !== undefined) {
      const outcome = await Promise.race([
        attempt(edge.sink, plan, random).then(
          () => 'done',
          () => 'failed',
        ),
        edge.process.death,
      ]);
      if (outcome === 'done') return;
    }
    await process.clock.sleep((RETRY_MS * 4) as DurationMs);
  }
};

const attempt = async (
  sink: BackfillSink,
  { importId, events }: ImportPlan,
  random: Random,
): Promise<void> => {
  const known = await sink.importState(importId);
  if (known?.status === 'done') return;
  const state: ImportState = known ?? {
    status: 'running',
    source: 'a file',
    items: 0,
    events: events.length,
    eventsSent: 0,
    shiftMs: 0,
    startedAt: 0 as never,
    finishedAt: null,
  };
  if (known === undefined) await sink.recordImport(importId, state);
  let before: Promise<void> = Promise.resolve();
  for (let from = state.eventsSent; from < events.length; ) {
    const to = from + 1 + integerBelow(random, 9);
    const appended = sink.appendEvents(importId, events.slice(from, to));
    appended.catch(() => undefined);
    await before;
    before = appended;
    from = to;
    if (random() > 0.3) continue;
    await before;
    await sink.recordImport(importId, { ...state, eventsSent: Math.min(to, events.length) });
  }
  await before;
  await sink.recordImport(importId, { ...state, status: 'done', eventsSent: events.length });
};
