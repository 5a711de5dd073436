import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { ListId } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import {
  decodedFrom,
  FIXTURE_NOW,
  openTestIngest,
  type TestIngest,
} from '../../test/ingest/ingest-fixture.ts';

let under: TestIngest;
beforeEach(async () => {
  under = await openTestIngest();
});
afterEach(() => under.close());

const shown = {
  listId: 'l-1',
  placement: 'home',
  userId: 'ada',
  items: [
    { itemId: '__proto__', rank: 1 },
    { itemId: 'heat-1995', rank: 2, propensity: 0.25 },
  ],
  models: { als: 'v1' },
};
const post = (payload: object) =>
  under.app.inject({ method: 'POST', url: '/v1/impressions', payload });
const logged = () => decodedFrom(under.log, TOPICS.impressions.name, 'Impression');

describe('POST /v1/impressions', () => {
  it('keeps what was shown', async () => {
    expect((await post(shown)).json()).toEqual({
      accepted: 1,
      duplicates: 0,
      refused: [],
      positions: [{ partition: expect.any(Number), offset: 0 }],
    });
    expect(await logged()).toEqual([
      {
        ...shown,
        source: 'http',
        sessionId: null,
        items: [
          { itemId: '__proto__', rank: 1, propensity: null },
          { itemId: 'heat-1995', rank: 2, propensity: 0.25 },
        ],
        experiment: null,
        variant: null,
        occurredAt: FIXTURE_NOW,
        receivedAt: FIXTURE_NOW,
      },
    ]);
  });

  it('takes a batch and refuses what says something impossible', async () => {
    const impressions = [
      shown,
      { ...shown, userId: undefined },
      { ...shown, occurredAt: '1970-01-01T00:00:00Z' },
      { ...shown, items: [{ itemId: '', rank: 1 }] },
      { ...shown, items: [{ itemId: 'x', rank: 0 }] },
      { ...shown, userId: undefined, sessionId: 's' },
    ];
    const answer = (await post({ impressions })).json();
    expect(answer.accepted).toBe(2);
    expect(
      answer.refused.map(({ index, code }: { index: number; code: string }) => [index, code]),
    ).toEqual([
      [1, 'bad_value'],
      [2, 'too_old'],
      [3, 'bad_id'],
      [4, 'bad_value'],
    ]);
    expect(await logged()).toHaveLength(2);
    expect(under.ingest.impressions.counters).toMatchObject({
      received: 6,
      accepted: 2,
      refused: 4,
    });
  });

  it('refuses a whole request of the wrong shape, and a wrong one alone by its status', async () => {
    expect((await post({ impressions: [shown, { ...shown, more: 1 }] })).statusCode).toBe(400);
    expect((await post({ ...shown, sessionId: 's' })).json().error.code).toBe('bad_value');
    expect((await post({ impressions: Array.from({ length: 501 }, () => shown) })).statusCode).toBe(
      413,
    );
    expect(await logged()).toEqual([]);
  });

  it('takes Avro', async () => {
    await post(shown);
    const [record] = await logged();
    const response = await under.app.inject({
      method: 'POST',
      url: '/v1/impressions',
      headers: { 'content-type': 'application/avro' },
      payload: Buffer.from(encodeRecord('Impression', { ...record!, listId: 'l-2' as ListId })),
    });
    expect(response.json()).toMatchObject({ accepted: 1 });
    const [first, second] = await logged();
    expect(second).toEqual({ ...first, listId: 'l-2' });
  });

  it('keeps once what is said twice, in a batch, side by side or later', async () => {
    const other = { ...shown, items: [{ itemId: 'heat-1995', rank: 3 }] };
    const answers = await Promise.all([post({ impressions: [shown, shown, other] }), post(shown)]);
    expect(answers.map((answer) => answer.json())).toMatchObject([
      { accepted: 2, duplicates: 1 },
      { accepted: 0, duplicates: 1, positions: [] },
    ]);
    expect((await post(shown)).json()).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(await logged()).toHaveLength(2);
  });

  it('knows them again after a restart', async () => {
    await post(shown);
    await under.close();
    under = await openTestIngest({ log: under.log });
    await under.ingest.seed();
    expect((await post(shown)).json()).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  it('lets nobody count on what the log did not take', async () => {
    const append = under.log.append.bind(under.log);
    under.log.append = () => Promise.reject(new FreshetError('log_unavailable', { problem: 'x' }));
    const answers = await Promise.all([post(shown), post(shown)]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([503, 503]);
    under.log.append = append;
    expect((await post(shown)).json()).toMatchObject({ accepted: 1, duplicates: 0 });
  });
});

describe('GET /v1/kinds', () => {
  it('shows the table, with null for seen for ever', async () => {
    const answer = (await under.app.inject('/v1/kinds')).json();
    expect(answer.configVersion).toBe(1);
    expect(answer.kinds.find(({ name }: { name: string }) => name === 'rating')).toMatchObject({
      value: { min: 0.5, max: 5, required: true },
      seenForMs: null,
      halfLifeMs: 365 * 86_400_000,
    });
  });
});
