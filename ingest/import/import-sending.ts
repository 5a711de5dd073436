/**
 * The second half of an import: the catalogue, then the events in the order of their times, in
 * batches of which two are under way, with the progress on record.
 */
import { epochMs } from '../../schemas/ids.ts';
import type { BackfillEvent, ImportState } from './backfill-sink.ts';
import type { EventSorter, SortedEvent } from './event-sorter.ts';
import { type ImportDeps, type ImportOptions, meter } from './import-options.ts';
import type { ImportContents } from './import-reading.ts';

export interface ImportSending {
  readonly deps: ImportDeps;
  readonly options: ImportOptions;
  readonly sorter: EventSorter;
  /** In words, for the record. */
  readonly source: string;
}

export interface SentImport {
  readonly outcome: 'imported' | 'resumed' | 'already imported';
  readonly shiftMs: number;
}

export const sendContents = async (
  { importId, items }: ImportContents,
  sending: ImportSending,
): Promise<SentImport> => {
  const { deps, sorter, source } = sending;
  const { sink, clock } = deps;
  const known = await sink.importState(importId);
  if (known?.status === 'done') return { outcome: 'already imported', shiftMs: known.shiftMs };
  const state: ImportState = known ?? {
    status: 'running',
    source,
    items: items.length,
    events: sorter.count,
    eventsSent: 0,
    shiftMs: shiftOf(sending),
    startedAt: clock.now(),
    finishedAt: null,
  };
  if (!known) await sink.recordImport(importId, state);
  await sendItems(items, sending);
  await sendEvents(importId, state, sending);
  await sink.recordImport(importId, {
    ...state,
    status: 'done',
    eventsSent: sorter.count,
    finishedAt: clock.now(),
  });
  return { outcome: known ? 'resumed' : 'imported', shiftMs: state.shiftMs };
};

const shiftOf = ({ options: { shiftTo }, sorter }: ImportSending): number =>
  shiftTo === null || sorter.count === 0 ? 0 : Math.round(shiftTo - sorter.lastTime);

/** Sent again after a kill, too: the last write of an item holds. */
const sendItems = async (
  items: ImportContents['items'],
  { deps, options }: ImportSending,
): Promise<void> => {
  const advance = meter(deps, { phase: 'items', total: items.length, unit: 'items' });
  const updatedAt = deps.clock.now();
  for (let from = 0; from < items.length; from += options.batchItems) {
    deps.signal?.throwIfAborted();
    const batch = items.slice(from, from + options.batchItems);
    await deps.sink.appendItems(batch.map((item) => ({ ...item, updatedAt })));
    advance(batch.length);
  }
};

const sendEvents = async (
  importId: string,
  state: ImportState,
  sending: ImportSending,
): Promise<void> => {
  const { deps, options, sorter } = sending;
  const { sink } = deps;
  const advance = meter(deps, { phase: 'events', total: sorter.count, unit: 'events' });
  let recorded = state.eventsSent;
  let before: Promise<void> = Promise.resolve();
  for await (const events of batchesOf(sorter, state, options.batchEvents)) {
    deps.signal?.throwIfAborted();
    const appended = sink.appendEvents(importId, events);
    // Awaited one round later; until then nobody else hears of its failure.
    appended.catch(() => undefined);
    await before;
    before = appended;
    advance(events.length);
    const end = events[events.length - 1]!.sequence + 1;
    if (end - recorded < options.recordEvery) continue;
    await before;
    await sink.recordImport(importId, { ...state, eventsSent: end });
    recorded = end;
  }
  await before;
};

/** The events from the first that is not known to be durable on, numbered and shifted. */
async function* batchesOf(
  sorter: EventSorter,
  { eventsSent, shiftMs }: ImportState,
  batchEvents: number,
): AsyncGenerator<BackfillEvent[]> {
  let sequence = -1;
  let batch: BackfillEvent[] = [];
  for await (const block of sorter.sorted()) {
    for (const event of block) {
      sequence += 1;
      if (sequence < eventsSent) continue;
      batch.push(backfillEvent(event, sequence, shiftMs));
      if (batch.length < batchEvents) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

const backfillEvent = (
  { subject, itemId, kind, value, time }: SortedEvent,
  sequence: number,
  shiftMs: number,
): BackfillEvent => {
  const isUser = subject.startsWith('u:');
  const id = subject.slice(2);
  return {
    sequence,
    userId: isUser ? id : null,
    sessionId: isUser ? null : id,
    itemId,
    kind,
    value,
    occurredAt: epochMs(time + shiftMs),
  };
};
