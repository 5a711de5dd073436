import fc from 'fast-check';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { catalogueItem } from '../../schemas/catalogue-item.fixture.ts';
import type {
  EpochMs,
  EventId,
  ItemId,
  LogId,
  Offset,
  PartitionIndex,
  UserId,
} from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { InteractionRecord, ItemSignalsRecord } from '../../schemas/records.ts';
import type { LogRecord } from '../../storage/event-log/event-log.ts';
import { loadPipeline } from '../../test/stream/pipeline-machine.ts';
import { interaction, T0 } from '../../test/stream/stream-fixture.ts';
import { CataloguePipeline, ControlPipeline } from '../forwarding-pipelines.ts';
import { InteractionPipeline } from '../interaction-pipeline.ts';
import { ItemPipeline } from '../item-pipeline.ts';
import { DEFAULT_STREAM_OPTIONS, type StreamOptions } from '../options.ts';
import { rebaseRecord } from '../rebase.ts';
import type { SourceInputs } from '../signal-batch.ts';
import { DedupeOperator } from './dedupe.ts';
import { describeOperator, type StoredValues } from './operator.contract.ts';
import { clockAfter, NO_TIME } from './partition-clock.ts';
import { SequenceMarks } from './sequence-marks.ts';
import { type SessionList, sessionsAfter } from './sessions.ts';

/** Caps so low that every one of them is reached. */
const TIGHT: StreamOptions = {
  ...DEFAULT_STREAM_OPTIONS,
  history: {
    ...DEFAULT_STREAM_OPTIONS.history,
    historyMax: 6,
    evictedSeenMax: 3,
    evictedCountsMax: 5,
    sessionsMax: 2,
    pendingUndosMax: 2,
    countsPerDayMax: 7,
    pairReach: 3,
  },
  dedupe: { ...DEFAULT_STREAM_OPTIONS.dedupe, idsMax: 20 },
  item: {
    ...DEFAULT_STREAM_OPTIONS.item,
    neighboursMax: 4,
    neighboursKept: 2,
    categoriesMax: 3,
  },
};

const inputs = (topic: string): SourceInputs => ({
  source: { logId: 'log' as LogId, topic, partition: 0 as PartitionIndex },
  marks: [-1, -1] as Offset[],
  envelopeItemsMax: 100,
});
const kinds = kindTable(DEFAULT_KINDS);
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const parsed = <Value>(values: StoredValues, empty: Value): Value => {
  const stored = values.get('state');
  return stored === undefined ? empty : JSON.parse(new TextDecoder().decode(stored));
};

const anyRecord: fc.Arbitrary<InteractionRecord> = fc
  .record({
    id: fc.nat({ max: 60 }),
    user: fc.constantFrom('ada', 'bob'),
    item: fc.constantFrom('a', 'b', 'c', '__proto__', 'e', 'f', 'g'),
    kind: fc.constantFrom('click', 'view', 'watch', 'rating', 'like', 'hide', 'undo', 'unheard'),
    stars: fc.integer({ min: 0, max: 11 }),
    minute: fc.oneof(fc.nat({ max: 90 }), fc.nat({ max: 20_000 })),
    age: fc.oneof(fc.constant(0), fc.nat({ max: 12_000 })),
    numbered: fc.boolean(),
  })
  .map(({ id, user, item, kind, stars, minute, age, numbered }) =>
    interaction({
      id: `event-${id}`,
      user,
      item,
      kind,
      minute: minute - age,
      receivedMinute: minute,
      ...(kind === 'rating' ? { value: stars / 2 } : {}),
      ...(kind === 'undo' ? { undoes: `event-${stars}` } : {}),
      ...(numbered && id > 50 ? { backfill: 'import', sequence: id } : {}),
    }),
  );

const logOf = (values: readonly (Uint8Array | null)[]): LogRecord[] =>
  values.map((value, index) => ({
    // Every hundredth offset, so that a few records cross several dedupe chunks.
    offset: (index * 100) as Offset,
    key: json('key'),
    value,
    timestamp: (T0 + index) as EpochMs,
  }));

const poison = fc.uint8Array({ maxLength: 12 });

describeOperator({
  name: 'partition clock',
  events: fc.array(anyRecord, { maxLength: 30 }),
  load: async (values) => {
    let clock = parsed(values, NO_TIME);
    return {
      take: ({ receivedAt, backfill }) => {
        clock = clockAfter(clock, receivedAt, backfill !== null);
        return clock;
      },
      save: (target) => void target.set('state', json(clock)),
    };
  },
});

describeOperator({
  name: 'sessions',
  events: fc.array(fc.nat({ max: 500 }), { maxLength: 30 }),
  load: async (values) => {
    let sessions = parsed<SessionList>(values, []);
    return {
      take: (minute) => {
        sessions = sessionsAfter(sessions, T0 + minute * 60_000, {
          sessionGapMs: 1_800_000,
          sessionsMax: 3,
        });
        // What is compared later must not change: the list goes on in place.
        return [...sessions];
      },
      save: (target) => void target.set('state', json(sessions)),
    };
  },
});

describeOperator({
  name: 'dedupe',
  events: fc.array(anyRecord, { maxLength: 60 }),
  load: async (values) => {
    const dedupe = new DedupeOperator(TIGHT.dedupe);
    const { taken, clock: loadedClock } = parsed(values, { taken: 0, clock: NO_TIME });
    let offset = taken;
    let clock = loadedClock;
    const chunks = [...values].filter(([key]) => key !== 'state');
    for (const [key, value] of chunks.sort(([left], [right]) => (left < right ? -1 : 1))) {
      dedupe.load(key, value);
    }
    return {
      take: (record) => {
        clock = clockAfter(clock, record.receivedAt, false);
        const at = (offset * 100) as Offset;
        offset++;
        const verdict = dedupe.judge(record, `u:${record.userId}`, at);
        if (verdict !== 'new') dedupe.reject(at, record.receivedAt);
        dedupe.expire(clock);
        return [verdict, dedupe.idCount];
      },
      save: (target) => {
        for (const { key, value } of dedupe.changes()) {
          if (value === undefined) target.delete(key);
          else target.set(key, value);
        }
        target.set('state', json({ taken: offset, clock }));
      },
    };
  },
});

describeOperator({
  name: 'sequence marks',
  events: fc.array(anyRecord, { maxLength: 30 }),
  load: async (values) => {
    const marks = new SequenceMarks();
    for (const [key, value] of values) marks.load(key, value);
    return {
      take: (record) => marks.judge({ ...record, sequence: Number(record.eventId.slice(6)) }),
      save: (target) => {
        for (const { key, value } of marks.changes()) target.set(key, value!);
      },
    };
  },
});

describeOperator({
  name: 'interactions: clock, dedupe, history, sessions, contributions',
  events: fc
    .array(
      fc.oneof(
        { weight: 20, arbitrary: anyRecord.map((record) => encodeRecord('Interaction', record)) },
        { weight: 1, arbitrary: poison },
        {
          weight: 1,
          arbitrary: fc.constant(
            encodeRecord('Forget', {
              userId: 'ada' as UserId,
              requestId: 'request',
              receivedAt: T0,
            }),
          ),
        },
      ),
      { maxLength: 80 },
    )
    .map(logOf),
  load: (values) =>
    loadPipeline(
      new InteractionPipeline({ ...inputs('interactions'), kinds, options: TIGHT }),
      values,
    ),
});

const anySignal = fc.record({
  item: fc.nat({ max: 6 }),
  neighbour: fc.nat({ max: 6 }),
  subjectHash: fc.nat({ max: 4 }),
  sign: fc.constantFrom(1 as const, 1 as const, -1 as const),
  weight: fc.double({ min: 0, max: 1, noNaN: true }),
  day: fc.nat({ max: 40 }),
  sort: fc.constantFrom('count', 'rating', 'pair', 'pair', 'catalogue'),
  categories: fc.subarray(['drama', 'crime', 'war', 'noir']),
  deleted: fc.boolean(),
});
type AnySignal = typeof anySignal extends fc.Arbitrary<infer Signal> ? Signal : never;

const envelopeOf = (signals: readonly AnySignal[], first: number, landmark: number | null) => {
  const record: ItemSignalsRecord = {
    sourceLogId: 'log' as LogId,
    sourceTopic: 'interactions',
    sourcePartition: (first % 2) as PartitionIndex,
    firstOffset: first as Offset,
    lastOffset: (first + 10) as Offset,
    clock: (T0 + first) as EpochMs,
    landmark: landmark === null ? null : ((T0 + landmark * 86_400_000) as EpochMs),
    itemIds: ['a', 'b', 'c', 'd', 'e', 'f', '__proto__'] as ItemId[],
    signals: signals.map((signal, index) => {
      const { item, subjectHash, neighbour, sign, weight, sort } = signal;
      const at = (T0 + signal.day * 86_400_000) as EpochMs;
      return {
        sourceOffset: (first + index) as Offset,
        item,
        subjectHash,
        counts: sort === 'count' ? [{ weight, sign, at }] : [],
        ratings: sort === 'rating' ? [{ value: 0.5 + (item % 10) / 2, sign, at }] : [],
        pairs: sort === 'pair' ? [{ neighbour, forward: item < 3, weight, sign, at }] : [],
        catalogue:
          sort === 'catalogue' ? { categories: signal.categories, deleted: signal.deleted } : null,
      };
    }),
  };
  return encodeRecord('ItemSignals', record);
};

describeOperator({
  name: 'items: marks, counters, categories, ratings, co-visitation, rebase',
  events: fc
    .array(
      fc.record({
        signals: fc.array(anySignal, { maxLength: 10 }),
        first: fc.nat({ max: 300 }),
        landmark: fc.option(fc.nat({ max: 30 }), { freq: 8 }),
      }),
      { maxLength: 15 },
    )
    .map((envelopes) =>
      logOf(envelopes.map(({ signals, first, landmark }) => envelopeOf(signals, first, landmark))),
    ),
  load: (values) =>
    loadPipeline(
      new ItemPipeline({
        source: { topic: 'item-signals', partition: 0 as PartitionIndex },
        options: TIGHT,
      }),
      values,
    ),
});

describeOperator({
  name: 'catalogue forwarding',
  events: fc
    .array(
      fc.oneof(
        poison,
        fc.constant(null),
        fc
          .subarray(['drama', 'crime', 'war'])
          .map((categories) =>
            encodeRecord(
              'CatalogueItem',
              catalogueItem('heat-1995', { title: 'Heat', categories, updatedAt: T0 }),
            ),
          ),
      ),
      { maxLength: 10 },
    )
    .map(logOf),
  load: (values) => loadPipeline(new CataloguePipeline(inputs('catalogue')), values),
});

describeOperator({
  name: 'control forwarding',
  events: fc
    .array(
      fc.oneof(
        poison,
        fc.constant(null),
        fc.nat().map((days) => encodeRecord('Control', rebaseRecord((T0 + days) as EpochMs, T0))),
        fc.constant(
          encodeRecord('Control', { kind: 'promotion', subject: 'x', at: T0, body: '{}' }),
        ),
      ),
      { maxLength: 10 },
    )
    .map(logOf),
  load: (values) => loadPipeline(new ControlPipeline(inputs('control')), values),
});

export type { EventId };
