import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemHashHex } from '../schemas/hash.ts';
import type { EpochMs } from '../schemas/ids.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import { partitionOf } from '../storage/event-log/partitioner.ts';
import { runNaiveTwin, type Twin } from '../test/stream/naive-twin.ts';
import {
  createStreamFixture,
  interaction,
  type StreamFixture,
  T0,
} from '../test/stream/stream-fixture.ts';
import { DEFAULT_STREAM_OPTIONS, type StreamOptions } from './options.ts';
import { createStream } from './stream.ts';

const USERS = ['ada', 'bob', '__proto__', 'eve'];
const ITEMS = ['a', 'b', 'constructor', 'd', 'e', '🎬'];
const USER_PARTITIONS = 2;

/** Wide caps: below them the order of arrival leaves no trace. */
const WIDE: StreamOptions = {
  ...DEFAULT_STREAM_OPTIONS,
  history: {
    ...DEFAULT_STREAM_OPTIONS.history,
    historyMax: 200,
    sessionsMax: 200,
    pendingUndosMax: 200,
  },
};

const MINUTES = 6 * 24 * 60;
const anyEvent = fc.record({
  user: fc.constantFrom(...USERS),
  item: fc.constantFrom(...ITEMS),
  kind: fc.constantFrom('click', 'view', 'watch', 'like', 'rating', 'rating', 'dislike', 'hide'),
  stars: fc.integer({ min: 1, max: 10 }),
  // Often at the same minute as others, so that ties are broken by id.
  minute: fc.oneof(
    fc.nat({ max: MINUTES }),
    fc.nat({ max: 5 }).map((at) => at * 20),
  ),
  undone: fc.boolean(),
  rank: fc.integer(),
  twice: fc.boolean(),
});
type AnyEvent = typeof anyEvent extends fc.Arbitrary<infer Event> ? Event : never;

const recordOf = (event: AnyEvent, index: number): InteractionRecord =>
  interaction({
    id: `event-${index}`,
    user: event.user,
    item: event.item,
    kind: event.kind,
    minute: event.minute,
    ...(event.kind === 'rating' ? { value: event.stars / 2 } : {}),
    ...(event.kind === 'watch' ? { value: event.stars / 10 } : {}),
  });

const undoOf = (event: AnyEvent, index: number): InteractionRecord =>
  interaction({
    id: `undo-${index}`,
    user: event.user,
    item: event.item,
    kind: 'undo',
    minute: event.minute + 1,
    undoes: `event-${index}`,
  });

/** Shuffled arrival: received after all that happened, one second apart. */
const received = (records: readonly InteractionRecord[]): InteractionRecord[] =>
  records.map((record, index) => ({
    ...record,
    receivedAt: (T0 + MINUTES * 60_000 + index * 1_000) as EpochMs,
  }));

const arrivalsOf = (events: readonly AnyEvent[], every: number): InteractionRecord[] => {
  const ranked = events.flatMap((event, index) => {
    const arrivals = [{ rank: event.rank, record: recordOf(event, index) }];
    if (event.twice) arrivals.push({ rank: event.rank ^ 0x5555, record: recordOf(event, index) });
    // An undo may come before its event: then it waits.
    if (event.undone && index % every === 0) {
      arrivals.push({ rank: ~event.rank, record: undoOf(event, index) });
    }
    return arrivals;
  });
  return received(
    ranked.toSorted((left, right) => left.rank - right.rank).map(({ record }) => record),
  );
};

const play = async (
  records: readonly InteractionRecord[],
  options: StreamOptions,
): Promise<StreamFixture> => {
  const fixture = createStreamFixture({ userPartitions: USER_PARTITIONS, options });
  const stream = createStream(fixture.deps);
  await stream.start();
  await fixture.interact(...records);
  await stream.caughtUp();
  const status = await stream.status();
  await stream.stop();
  expect(status.isHealthy).toBe(true);
  const { received: all, accepted, duplicate, refused, deadLettered } = status.interactions;
  expect(all).toBe(records.length);
  expect(accepted + duplicate + refused + deadLettered).toBe(all);
  return fixture;
};

const twinOf = async (
  records: readonly InteractionRecord[],
  fixture: StreamFixture,
): Promise<Twin> => {
  const landmarks = await Promise.all(ITEMS.map(async (id) => (await fixture.item(id))?.landmark));
  return runNaiveTwin({
    arrivals: records,
    partitionOf: (subject) => partitionOf(subject, USER_PARTITIONS),
    kinds: fixture.deps.kinds,
    options: fixture.deps.options,
    landmark: landmarks.find((landmark) => landmark !== undefined) ?? T0,
  });
};

const expectEqual = async (
  fixture: StreamFixture,
  twin: Twin,
  isPeopleExact: boolean,
): Promise<void> => {
  for (const user of USERS) {
    const subject = await fixture.subject(`u:${user}`);
    const wanted = twin.subjects.get(`u:${user}`);
    expect(
      subject && {
        history: subject.history.map(({ eventId, itemId, kind, value, occurredAt }) => ({
          eventId,
          itemId,
          kind,
          value,
          at: occurredAt,
        })),
        eventCount: subject.eventCount,
        sessions: subject.sessions,
      },
    ).toEqual(wanted);
  }
  for (const id of ITEMS) await expectItemEqual(fixture, id, twin, isPeopleExact);
};

const expectItemEqual = async (
  fixture: StreamFixture,
  id: string,
  twin: Twin,
  isPeopleExact: boolean,
): Promise<void> => {
  const item = await fixture.item(id);
  const wanted = twin.items.get(id);
  if (wanted === undefined) {
    // It may be there with nothing in it: everything about it was taken back.
    expect(item?.interactionCount ?? 0).toBe(0);
    expect(item?.neighbours ?? []).toEqual([]);
    return;
  }
  expect(item).toMatchObject({
    interactionCount: wanted.interactionCount,
    popularity: wanted.popularity,
    trendFast: wanted.trendFast,
    trendSlow: wanted.trendSlow,
    ratingCount: wanted.ratingCount,
    ratingSumTenths: wanted.ratingSumTenths,
    ratingHistogram: wanted.histogram,
  });
  const neighbours = [...wanted.neighbours]
    .map(([name, { forward, backward, people }]) => ({
      itemHash: itemHashHex(name),
      forward,
      backward,
      people: Math.min(people.size, 3),
    }))
    .sort((left, right) => (left.itemHash < right.itemHash ? -1 : 1));
  const got = item!.neighbours.map(({ itemHash, forward, backward, people }) => ({
    itemHash,
    forward,
    backward,
    people: people as number,
  }));
  if (isPeopleExact) {
    expect(got).toEqual(neighbours);
    return;
  }
  // Once three people were seen, the count stays at three although one may take back theirs.
  expect(got.map(({ people: _, ...rest }) => rest)).toEqual(
    neighbours.map(({ people: _, ...rest }) => rest),
  );
  for (const [index, { people }] of got.entries()) {
    if (people < 3) expect(people).toBe(neighbours[index]!.people);
  }
};

describe('the stream and its naive twin agree', () => {
  it('exactly, whatever the order of arrival, with duplicates and undos', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { maxLength: 40 }), async (events) => {
        const arrivals = arrivalsOf(events, 3);
        const fixture = await play(arrivals, WIDE);
        await expectEqual(fixture, await twinOf(arrivals, fixture), false);
      }),
      { numRuns: 60 },
    );
  });

  it('exactly at the default caps when events arrive in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { minLength: 150, maxLength: 220 }), async (events) => {
        const ordered = events
          .map((event, index) => ({ ...recordOf(event, index), userId: 'ada' as never }))
          .sort(
            (left, right) =>
              left.occurredAt - right.occurredAt || (left.eventId < right.eventId ? -1 : 1),
          )
          .map((record) => ({ ...record, receivedAt: record.occurredAt }));
        const fixture = await play(ordered, {
          ...DEFAULT_STREAM_OPTIONS,
          history: { ...DEFAULT_STREAM_OPTIONS.history, sessionsMax: 500 },
        });
        await expectEqual(fixture, await twinOf(ordered, fixture), true);
      }),
      { numRuns: 10 },
    );
  });

  it('whether an import comes before, during or after live traffic', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEvent, { minLength: 1, maxLength: 25 }),
        fc.array(anyEvent, { minLength: 1, maxLength: 25 }),
        fc.nat(),
        async (live, old, where) => {
          const liveRecords = arrivalsOf(live, 4);
          const imported = old
            .map((event, index) => ({
              ...recordOf(event, index),
              eventId: `import-${index}` as never,
              occurredAt: (T0 - 20 * 86_400_000 + event.minute * 240_000) as EpochMs,
              receivedAt: (T0 + MINUTES * 60_000) as EpochMs,
              backfill: 'contents',
            }))
            .sort((left, right) => left.occurredAt - right.occurredAt)
            .map((record, sequence) => ({ ...record, sequence }));
          const cut = where % (liveRecords.length + 1);
          const orders = [
            [...imported, ...liveRecords],
            [...liveRecords.slice(0, cut), ...imported, ...liveRecords.slice(cut)],
            [...liveRecords, ...imported, ...imported],
          ];
          for (const arrivals of orders) {
            const fixture = await play(arrivals, WIDE);
            await expectEqual(fixture, await twinOf(arrivals, fixture), false);
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});
