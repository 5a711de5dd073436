import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { EpochMs, EventId, ItemId, UserId } from '../../schemas/ids.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import {
  FIXTURE_NOW,
  interactionsIn,
  openTestIngest,
  type TestIngest,
} from '../../test/ingest/ingest-fixture.ts';

let under: TestIngest;
beforeEach(async () => {
  under = await openTestIngest();
});
afterEach(() => under.close());

const rating = { userId: 'ada', itemId: 'heat-1995', kind: 'rating', value: 4.5 };
const click = (changes: object = {}) => ({ userId: 'ada', itemId: 'x', kind: 'click', ...changes });
const DAY_MS = 86_400_000;
const at = (ms: number): string => new Date(FIXTURE_NOW + ms).toISOString();

const post = (payload: unknown, headers: Record<string, string> = {}) =>
  under.app.inject({
    method: 'POST',
    url: '/v1/events',
    headers: { 'content-type': 'application/json', ...headers },
    payload:
      typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
  });

const logged = () => interactionsIn(under.log);

describe('POST /v1/events takes', () => {
  it('one event, and answers where it is', async () => {
    const response = await post({ ...rating, eventId: 'e1' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      accepted: 1,
      duplicates: 0,
      refused: [],
      eventIds: ['e1'],
      positions: [{ partition: expect.any(Number), offset: 0 }],
    });
    expect(await logged()).toEqual([
      {
        ...rating,
        eventId: 'e1',
        source: 'http',
        sessionId: null,
        occurredAt: FIXTURE_NOW,
        receivedAt: FIXTURE_NOW,
        backfill: null,
        sequence: null,
        context: null,
      },
    ]);
  });

  it('a batch, each person in their own partition, in order', async () => {
    const events = Array.from({ length: 500 }, (_, n) =>
      click({ userId: `u${n % 20}`, itemId: `i${n}` }),
    );
    const answer = (await post({ events })).json();
    expect(answer).toMatchObject({ accepted: 500, duplicates: 0, refused: [] });
    expect(answer.positions).toHaveLength(4);
    const offsets = answer.positions.map(({ offset }: { offset: number }) => offset + 1);
    expect(offsets.reduce((sum: number, count: number) => sum + count)).toBe(500);
    const ofOne = (await logged()).filter(({ userId }) => userId === 'u7');
    expect(ofOne.map(({ itemId }) => itemId)).toEqual(
      events.filter(({ userId }) => userId === 'u7').map(({ itemId }) => itemId),
    );
  });

  it('NDJSON, one event a line', async () => {
    const body = `${JSON.stringify(click())}\n\n${JSON.stringify(rating)}\r\n`;
    const response = await post(body, { 'content-type': 'application/x-ndjson' });
    expect(response.json()).toMatchObject({ accepted: 2 });
  });

  it('an Avro record with its header, and stamps it anew', async () => {
    const record: InteractionRecord = {
      source: 'shop',
      eventId: 'e1' as EventId,
      userId: 'ada' as UserId,
      sessionId: null,
      itemId: 'x' as ItemId,
      kind: 'click',
      value: null,
      occurredAt: (FIXTURE_NOW - 5) as EpochMs,
      receivedAt: 1 as EpochMs,
      backfill: null,
      sequence: null,
      context: null,
    };
    const avro = { 'content-type': 'application/avro' };
    const send = (changes: Partial<InteractionRecord>) =>
      post(Buffer.from(encodeRecord('Interaction', { ...record, ...changes })), avro);
    expect((await send({})).json()).toMatchObject({ accepted: 1, eventIds: ['e1'] });
    expect(await logged()).toEqual([{ ...record, receivedAt: FIXTURE_NOW }]);
    expect((await send({ backfill: 'forged', sequence: 1 })).json().error.code).toBe('bad_request');
    expect((await post(Buffer.from([0, 0, 0, 0, 99, 1]), avro)).json().error.code).toBe(
      'unknown_schema',
    );
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('a body compressed with %s', async (encoding, compress) => {
    const body = compress(Buffer.from(JSON.stringify(rating)));
    const response = await post(body, { 'content-encoding': encoding });
    expect(response.json()).toMatchObject({ accepted: 1 });
  });

  it('ids of any characters but control characters', async () => {
    const ids = [
      '__proto__',
      'constructor',
      '../../etc',
      '🎬👩‍👩‍👧',
      'a b',
      '"\\\'',
      '🎬'.repeat(128),
    ];
    const events = ids.map((id) => ({
      userId: id,
      itemId: id,
      eventId: id,
      source: id,
      kind: 'click',
      context: { listId: id, placement: 'home', rank: 1 },
    }));
    expect((await post({ events })).json()).toMatchObject({ accepted: ids.length, refused: [] });
    const found = (await logged()).map(({ userId, itemId, eventId, context }) => [
      userId,
      itemId,
      eventId,
      context?.listId,
    ]);
    expect(found.sort()).toEqual(ids.map((id) => [id, id, id, id]).sort());
  });
});

describe('POST /v1/events knows what it has taken', () => {
  it('the same event again is a duplicate and not written', async () => {
    const event = { ...rating, eventId: 'e1' };
    const first = (await post(event)).json();
    under.clock.time += 1000;
    const again = (await post({ events: [event, event, { ...event, eventId: 'e2' }] })).json();
    expect(again).toMatchObject({ accepted: 1, duplicates: 2, eventIds: ['e1', 'e1', 'e2'] });
    expect(again.positions).toEqual([{ ...first.positions[0], offset: 1 }]);
    expect(await logged()).toHaveLength(2);
  });

  it('the same id with another payload is refused, by another person it is another event', async () => {
    const event = { ...rating, eventId: 'e1' };
    await post(event);
    const changed = await post({ ...event, value: 1 });
    expect(changed.statusCode).toBe(409);
    expect(changed.json().error.code).toBe('id_conflict');
    const batch = {
      events: [
        { ...event, itemId: 'other' },
        { ...event, userId: 'bob' },
      ],
    };
    expect((await post(batch)).json()).toMatchObject({
      accepted: 1,
      refused: [{ index: 0, eventId: 'e1', code: 'id_conflict' }],
    });
    expect((await post({ ...event, source: 'shop', value: 1 })).json().accepted).toBe(1);
  });

  it('an event without an id gets one, by which it is known from then on', async () => {
    const [eventId] = (await post(rating)).json().eventIds;
    expect((await post({ ...rating, eventId })).json()).toMatchObject({ duplicates: 1 });
  });

  it('remembers what the log holds after a restart', async () => {
    await post({ ...rating, eventId: 'e1' });
    const restarted = await openTestIngest({ log: under.log });
    expect(await restarted.ingest.seed()).toBe(1);
    const response = await restarted.app.inject({
      method: 'POST',
      url: '/v1/events',
      payload: { ...rating, eventId: 'e1' },
    });
    expect(response.json()).toMatchObject({
      accepted: 0,
      duplicates: 1,
      positions: [{ offset: 0 }],
    });
    await restarted.app.close();
  });
});

describe('POST /v1/events refuses one event and takes the others', () => {
  it.each([
    ['an unknown kind', click({ kind: 'sneeze' }), 'unknown_kind'],
    ['a kind named like a property', click({ kind: 'constructor' }), 'unknown_kind'],
    ['a value out of range', { ...rating, value: 5.5 }, 'bad_value'],
    ['a missing value', { ...rating, value: undefined }, 'bad_value'],
    ['a value where there is none', click({ value: 1 }), 'bad_value'],
    ['nobody', click({ userId: undefined }), 'bad_value'],
    ['a person and a session', click({ sessionId: 's' }), 'bad_value'],
    ['an empty id', click({ itemId: '' }), 'bad_id'],
    ['an id of 129 characters', click({ itemId: 'x'.repeat(129) }), 'bad_id'],
    ['an id with a control character', click({ userId: 'a\u0007b' }), 'bad_id'],
    ['an id with half a character', click({ userId: 'a\ud83c' }), 'bad_id'],
    ['an event from 1970', click({ occurredAt: '1970-01-01T00:00:00Z' }), 'too_old'],
    ['an event older than a week', click({ occurredAt: at(-7 * DAY_MS - 1) }), 'too_old'],
    ['an event of next year', click({ occurredAt: '2027-01-31T12:00:00Z' }), 'in_future'],
    ['an event 5 minutes ahead', click({ occurredAt: at(300_001) }), 'in_future'],
    ['a day that is none', click({ occurredAt: '2026-02-30T00:00:00Z' }), 'bad_value'],
    ['a time that is none', click({ occurredAt: 'yesterday' }), 'bad_value'],
    ['an undo of nothing', click({ kind: 'undo' }), 'bad_value'],
    ['a click that undoes', click({ context: { undoes: 'e' } }), 'bad_value'],
    ['a rank of 0', click({ context: { rank: 0 } }), 'bad_value'],
  ])('%s', async (_, bad, code) => {
    const response = await post({ events: [click(), { ...bad, eventId: 'bad' }, click()] });
    expect(response.statusCode).toBe(200);
    const answer = response.json();
    expect(answer).toMatchObject({ accepted: 2, refused: [{ index: 1, eventId: 'bad', code }] });
    expect(answer.refused[0].message).toMatch(/^Expected .*(got|`freshet import`)/);
    expect(answer.eventIds[1]).toBeNull();
    expect(await logged()).toHaveLength(2);

    const alone = await post(bad);
    expect(alone.statusCode).toBe(400);
    expect(alone.json().error).toMatchObject({
      code,
      message: answer.refused[0].message.replace('events[1].', ''),
    });
    expect(under.ingest.events.counters).toEqual({
      received: 4,
      accepted: 2,
      refused: 2,
      duplicates: 0,
      failed: 0,
    });
  });

  it('no body and no type of one is an empty body', async () => {
    const response = await under.app.inject({ method: 'POST', url: '/v1/events' });
    expect(response.statusCode).toBe(400);
    expect(response.json().error.message).toBe('Expected a JSON body, got an empty body.');
  });

  it('the edges of what is allowed go in', async () => {
    const events = [
      click({ occurredAt: at(-7 * DAY_MS) }),
      click({ occurredAt: at(300_000) }),
      click({ occurredAt: '2026-01-31T13:00:00.123456+01:00' }),
      click({ itemId: 'x'.repeat(128) }),
      { ...rating, value: 0.5 },
      { ...rating, value: 5 },
      click({ kind: 'undo', context: { undoes: 'e' } }),
      click({ userId: undefined, sessionId: 's' }),
    ];
    expect((await post({ events })).json()).toMatchObject({ accepted: events.length, refused: [] });
  });
});

describe('POST /v1/events refuses a whole request', () => {
  const MIB = 1_048_576;
  const many = (count: number) => ({ events: Array.from({ length: count }, () => click()) });

  it.each([
    ['JSON cut off', '{"userId": "a', 400, 'bad_json'],
    ['an empty body', '', 400, 'bad_json'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'bad_json'],
    ['no object', '[]', 400, 'bad_request'],
    ['null', 'null', 400, 'bad_request'],
    ['an unknown field', click({ color: 'red' }), 400, 'bad_request'],
    [
      'a field named __proto__',
      '{"userId":"a","itemId":"b","kind":"click","__proto__":{}}',
      400,
      'bad_request',
    ],
    [
      'an unknown field in one of the batch',
      { events: [click(), click({ color: 1 })] },
      400,
      'bad_request',
    ],
    ['a wrong type', click({ itemId: 7 }), 400, 'bad_request'],
    ['a value in words', { ...rating, value: 'five' }, 400, 'bad_request'],
    [
      'a number too large for one',
      '{"userId":"a","itemId":"b","kind":"rating","value":1e999}',
      400,
      'bad_request',
    ],
    ['no item', { userId: 'a', kind: 'click' }, 400, 'bad_request'],
    ['a field beside the list', { events: [click()], more: 1 }, 400, 'bad_request'],
    ['an empty batch', many(0), 400, 'bad_request'],
    ['a list that is none', { events: {} }, 400, 'bad_request'],
    ['501 events', many(501), 413, 'too_many_events'],
    [
      'a body of 2 MiB',
      JSON.stringify({ events: [click({ userId: 'x'.repeat(2 * MIB) })] }),
      413,
      'too_large',
    ],
    [
      'very deep JSON',
      `{"events":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      400,
      'bad_request',
    ],
  ])('%s', async (_, body, status, code) => {
    const response = await post(body);
    expect(response.json().error).toMatchObject({
      code,
      message: expect.stringMatching(/^Expected /),
    });
    expect(response.statusCode).toBe(status);
    expect(await logged()).toEqual([]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'of type %s',
    async (type) => {
      const response = await post(JSON.stringify(rating), { 'content-type': type });
      expect(response.statusCode).toBe(415);
      expect(response.json().error.code).toBe('bad_media_type');
    },
  );

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('that unpacks to more than a mebibyte (%s)', async (encoding, compress) => {
    const bomb = compress(Buffer.alloc(64 * MIB, 0x20));
    expect(bomb.length).toBeLessThan(MIB);
    const response = await post(bomb, { 'content-encoding': encoding });
    expect(response.statusCode).toBe(413);
    expect(response.json().error.code).toBe('too_large');
  });

  it('that says it is compressed and is not, or how nobody knows', async () => {
    expect((await post(rating, { 'content-encoding': 'gzip' })).json().error.code).toBe('bad_json');
    const unknown = await post(rating, { 'content-encoding': 'zstd, gzip' });
    expect(unknown.statusCode).toBe(415);
  });

  it('one bad line of NDJSON', async () => {
    const response = await post(`${JSON.stringify(click())}\n{"userId"\n`, {
      'content-type': 'application/x-ndjson',
    });
    expect(response.json().error).toMatchObject({ code: 'bad_json', message: /line 2/ });
  });
});
