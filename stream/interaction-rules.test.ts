import { afterEach, describe, expect, it } from 'vitest';
import { decodeRecordAs, encodeRecord } from '../schemas/avro/record-codec.ts';
import { catalogueItem } from '../schemas/catalogue-item.fixture.ts';
import { itemHashHex } from '../schemas/hash.ts';
import type { EpochMs, PartitionIndex, UserId } from '../schemas/ids.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import type { UserCounters } from '../schemas/state/partition-state.ts';
import {
  createStreamFixture,
  DAY_MS,
  interaction,
  type StreamFixture,
  T0,
} from '../test/stream/stream-fixture.ts';
import { rebaseRecord } from './rebase.ts';
import { createStream, type Stream } from './stream.ts';

const DAY_MINUTES = 24 * 60;
const started: Stream[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((stream) => stream.stop()));
});

interface Play extends StreamFixture {
  readonly stream: Stream;
  counters(): Promise<UserCounters>;
  deadLetters(): Promise<readonly string[]>;
}

const play = async (...records: readonly InteractionRecord[]): Promise<Play> => {
  const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
  const stream = createStream(fixture.deps);
  started.push(stream);
  await stream.start();
  await fixture.interact(...records);
  await stream.caughtUp();
  const limits = { recordsMax: 1_000, bytesMax: 10_000_000 };
  return {
    ...fixture,
    stream,
    counters: async () => {
      const { partitions } = await stream.status();
      const own = partitions.find(({ partition }) => partition === 'interactions.0')!;
      return own.counters as unknown as UserCounters;
    },
    deadLetters: async () => {
      const records = await fixture.deps.eventLog.read(
        'dead-letters',
        0 as PartitionIndex,
        0 as never,
        limits,
      );
      return records.map(({ value }) => decodeRecordAs('DeadLetter', value!).reason);
    },
  };
};

const itemsOf = async (fixture: StreamFixture, subject = 'u:ada'): Promise<readonly string[]> =>
  (await fixture.subject(subject))?.history.map(({ itemId }) => itemId) ?? [];

describe('event time', () => {
  it('is cut to five minutes after the event was received', async () => {
    const fixture = await play(interaction({ item: 'a', minute: 60, receivedMinute: 0 }));
    const ada = await fixture.subject('u:ada');
    expect(ada?.lastEventAt).toBe(T0 + 5 * 60_000);
  });

  it('counts up to seven days late; what is later goes to the warehouse alone, and is counted', async () => {
    const fixture = await play(
      interaction({ item: 'now', minute: 7 * DAY_MINUTES }),
      interaction({ item: 'just', minute: 0, receivedMinute: 7 * DAY_MINUTES }),
      interaction({ item: 'late', minute: -1, receivedMinute: 7 * DAY_MINUTES }),
    );
    expect(await itemsOf(fixture)).toEqual(['just', 'now']);
    expect(await fixture.item('late')).toBeUndefined();
    expect(await fixture.counters()).toMatchObject({ received: 3, accepted: 3, tooLate: 1 });
  });

  it('changes sessions up to an hour late, histories after that, too', async () => {
    const fixture = await play(
      interaction({ item: 'a', minute: 200 }),
      interaction({ item: 'b', minute: 140, receivedMinute: 200 }),
      interaction({ item: 'c', minute: 139, receivedMinute: 200 }),
    );
    const ada = await fixture.subject('u:ada');
    expect(ada?.sessions.map(({ firstAt }) => (firstAt - T0) / 60_000)).toEqual([140, 200]);
    expect(await itemsOf(fixture)).toEqual(['c', 'b', 'a']);
    expect(await fixture.counters()).toMatchObject({ tooLateForSessions: 1 });
  });

  it('of an import never moves the clock of live traffic, and is never late', async () => {
    const fixture = await play(
      interaction({
        item: 'old',
        minute: -900_000,
        receivedMinute: 900_000,
        backfill: 'x',
        sequence: 1,
      }),
      interaction({ item: 'new', minute: 0 }),
      interaction({
        item: 'older',
        minute: -990_000,
        receivedMinute: 900_000,
        backfill: 'x',
        sequence: 2,
      }),
    );
    expect(await itemsOf(fixture)).toEqual(['older', 'old', 'new']);
    const { partitions } = await fixture.stream.status();
    expect(partitions.find(({ partition }) => partition === 'interactions.0')?.clock).toBe(T0);
    expect(await fixture.counters()).toMatchObject({ accepted: 3, backfilled: 2, tooLate: 0 });
  });
});

describe('an import', () => {
  it('that is repeated after eight days changes nothing', async () => {
    const rows = ['a', 'b', 'c'].map((item, index) =>
      interaction({ id: `row-${index}`, item, minute: index, backfill: 'hash', sequence: index }),
    );
    const fixture = await play(...rows);
    const later = 8 * DAY_MINUTES;
    await fixture.interact(interaction({ item: 'live', minute: later }));
    await fixture.stream.caughtUp();
    const before = await fixture.item('a');
    const again = rows.map((row) => ({ ...row, receivedAt: (T0 + later * 60_000) as EpochMs }));
    await fixture.interact(...again);
    await fixture.stream.caughtUp();
    expect(await fixture.item('a')).toEqual(before);
    expect(await itemsOf(fixture)).toEqual(['a', 'b', 'c', 'live']);
    expect(await fixture.counters()).toMatchObject({ accepted: 4, duplicate: 3 });
  });

  it('that goes on where it was cut takes in the rest alone', async () => {
    const rows = ['a', 'b', 'c', 'd'].map((item, index) =>
      interaction({ id: `row-${index}`, item, minute: index, backfill: 'hash', sequence: index }),
    );
    const fixture = await play(...rows.slice(0, 3), ...rows.slice(1));
    expect(await itemsOf(fixture)).toEqual(['a', 'b', 'c', 'd']);
    expect(await fixture.counters()).toMatchObject({ accepted: 4, duplicate: 2 });
  });
});

describe('what cannot be taken in', () => {
  it('goes to the dead letters with its reason, and the rest goes on', async () => {
    const fixture = await play(
      interaction({ id: 'one', item: 'a' }),
      interaction({ id: 'one', item: 'b' }),
      interaction({ item: 'a', kind: 'unheard-of' }),
      interaction({ item: 'a', kind: 'rating' }),
      interaction({ item: 'a', kind: 'rating', value: 6 }),
      interaction({ item: 'a', kind: 'click', value: 1 }),
      interaction({ item: 'a', kind: 'undo' }),
    );
    const poison = [
      new Uint8Array(0),
      new Uint8Array([0]),
      new Uint8Array([7, 0, 0, 0, 1]),
      new Uint8Array([0, 0, 0, 255, 255, 1]),
      encodeRecord('Control', { kind: 'x', subject: 'y', at: T0, body: '{}' }),
      null,
    ];
    for (const value of poison) {
      const key = new TextEncoder().encode('u:ada');
      const records = [{ key, value, timestamp: T0 }];
      const isTombstone = value === null;
      if (isTombstone) continue;
      await fixture.deps.eventLog.append('interactions', 0 as PartitionIndex, records);
    }
    await fixture.interact(interaction({ id: 'after', item: 'c', minute: 1 }));
    await fixture.stream.caughtUp();
    expect(await itemsOf(fixture)).toEqual(['a', 'c']);
    expect(await fixture.deadLetters()).toEqual([
      'id_conflict',
      'unknown_kind',
      'bad_value',
      'bad_value',
      'bad_value',
      'bad_record',
      'bad_record',
      'bad_record',
      'bad_record',
      'unknown_schema',
      'bad_record',
    ]);
    const counters = await fixture.counters();
    expect(counters).toMatchObject({ received: 13, accepted: 2, deadLettered: 11 });
  });
});

describe('an undo', () => {
  it('takes back counts, ratings and pairs, and lets the older rating stand again', async () => {
    const fixture = await play(
      interaction({ id: 'first', item: 'a', kind: 'rating', value: 4 }),
      interaction({ id: 'b', item: 'b', kind: 'like', minute: 1 }),
      interaction({ id: 'second', item: 'a', kind: 'rating', value: 5, minute: 2 }),
    );
    expect(await fixture.item('a')).toMatchObject({ ratingCount: 1, ratingSumTenths: 50 });
    await fixture.interact(
      interaction({ item: 'a', kind: 'undo', undoes: 'second', minute: 3 }),
      interaction({ item: 'b', kind: 'undo', undoes: 'b', minute: 4 }),
    );
    await fixture.stream.caughtUp();
    expect(await fixture.item('a')).toMatchObject({
      ratingCount: 1,
      ratingSumTenths: 40,
      interactionCount: 1,
      neighbours: [],
    });
    expect(await fixture.item('b')).toMatchObject({
      interactionCount: 0,
      popularity: 0n,
      neighbours: [],
    });
    expect(await fixture.counters()).toMatchObject({ undone: 2, accepted: 5 });
  });

  it('of an event beyond the history is refused and counted', async () => {
    const many = Array.from({ length: 60 }, (_, index) =>
      interaction({ id: `event-${index}`, item: `item-${index}`, minute: index }),
    );
    const fixture = await play(
      ...many,
      interaction({ item: 'item-0', kind: 'undo', undoes: 'event-0', minute: 61 }),
    );
    expect(await fixture.counters()).toMatchObject({ received: 61, accepted: 60, refused: 1 });
    expect((await fixture.item('item-0'))?.interactionCount).toBe(1);
  });
});

describe('the same person', () => {
  it('counts once a day for an item and kind, and at most 200 times a day', async () => {
    const fixture = await play(
      ...Array.from({ length: 30 }, (_, index) =>
        interaction({ item: 'again', kind: 'click', minute: index / 10 }),
      ),
      ...Array.from({ length: 260 }, (_, index) =>
        interaction({ item: `other-${index}`, kind: 'click', minute: 10 + index / 10 }),
      ),
    );
    expect((await fixture.item('again'))?.interactionCount).toBe(1);
    expect((await fixture.item('other-198'))?.interactionCount).toBe(1);
    expect(await fixture.item('other-199')).toBeUndefined();
  });

  it('is forgotten with what they added', async () => {
    const fixture = await play(
      interaction({ item: 'a', kind: 'like' }),
      interaction({ item: 'b', kind: 'rating', value: 5, minute: 1 }),
      interaction({ user: 'bob', item: 'a', kind: 'like', minute: 2 }),
    );
    const forget = { userId: 'ada' as UserId, requestId: 'request', receivedAt: T0 };
    await fixture.append('interactions', 'Forget', [{ key: 'u:ada', record: forget }]);
    await fixture.stream.caughtUp();
    expect(await fixture.subject('u:ada')).toBeUndefined();
    expect(await fixture.item('a')).toMatchObject({ interactionCount: 1, neighbours: [] });
    expect(await fixture.item('b')).toMatchObject({ interactionCount: 0, ratingCount: 0 });
    expect(await fixture.counters()).toMatchObject({ forgotten: 1 });
  });
});

describe('pairs', () => {
  it('count distinct people up to three', async () => {
    const fixture = await play();
    const seen: (number | undefined)[] = [];
    for (const user of ['ada', 'ada', 'bob', 'eve', 'dan']) {
      await fixture.interact(
        interaction({ user, item: 'a', kind: 'like', minute: 0 }),
        interaction({ user, item: 'b', kind: 'like', minute: 1 }),
      );
      await fixture.stream.caughtUp();
      seen.push((await fixture.item('a'))?.neighbours[0]?.people);
    }
    expect(seen).toEqual([1, 1, 2, 3, 3]);
    expect((await fixture.item('b'))?.neighbours[0]?.itemHash).toBe(itemHashHex('a'));
  });
});

describe('a rebase', () => {
  it('moves the counters to a later landmark without changing what they mean', async () => {
    const fixture = await play();
    await fixture.append('control', 'Control', [{ key: 'rebase', record: rebaseRecord(T0, T0) }]);
    await fixture.stream.caughtUp();
    await fixture.interact(
      interaction({ item: 'a', kind: 'like', minute: 10 }),
      interaction({ item: 'b', kind: 'like', minute: 20 }),
    );
    await fixture.stream.caughtUp();
    const before = await fixture.item('b');
    const day = (T0 + 180 * DAY_MS) as EpochMs;
    await fixture.append('control', 'Control', [{ key: 'rebase', record: rebaseRecord(day, T0) }]);
    await fixture.stream.caughtUp();
    await fixture.append('catalogue', 'CatalogueItem', [{ key: 'b', record: drama('b') }]);
    await fixture.stream.caughtUp();
    const after = await fixture.item('b');
    expect(after?.landmark).toBe(day);
    // 180 days are six half-lives of popularity, one or so of co-visitation.
    expect(Number(after?.popularity) / Number(before?.popularity)).toBeCloseTo(1 / 64, 6);
    expect(
      Number(after?.neighbours[0]?.backward) / Number(before?.neighbours[0]?.backward),
    ).toBeCloseTo(1 / 2, 6);
  });

  it('to an earlier landmark is not followed', async () => {
    const fixture = await play(interaction({ item: 'a', kind: 'like' }));
    const before = await fixture.item('a');
    await fixture.append('control', 'Control', [
      { key: 'rebase', record: rebaseRecord((T0 - 90 * DAY_MS) as EpochMs, T0) },
    ]);
    await fixture.stream.caughtUp();
    expect((await fixture.item('a'))?.landmark).toBe(before?.landmark);
  });
});

const drama = (id: string) => catalogueItem(id, { categories: ['drama'], updatedAt: T0 });
