import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catalogueItem } from '../../schemas/catalogue-item.fixture.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import {
  FIXTURE_NOW,
  itemsIn,
  openTestIngest,
  readTopic,
  type TestIngest,
} from '../../test/ingest/ingest-fixture.ts';

let under: TestIngest;
/** What serving shows: nothing, unless a test puts something in. */
const shown = new Map<string, CatalogueItemRecord>();
beforeEach(async () => {
  shown.clear();
  under = await openTestIngest({ currentItem: (itemId) => shown.get(itemId) });
});
afterEach(() => under.close());

const send = (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, payload?: object) =>
  under.app.inject({
    method,
    url: `/v1/items${path}`,
    ...(payload ? { payload } : {}),
  });

const heat = { itemId: 'heat-1995', title: 'Heat' };
const whole = {
  ...heat,
  categories: ['crime'],
  tags: ['heist'],
  people: ['Michael Mann'],
  attributes: { year: 1995, remake: false, rated: 'R' },
  publishedAt: '1995-12-15T00:00:00Z',
  availableFrom: null,
  expiresAt: '2030-01-01T00:00:00Z',
  available: true,
  price: 3.99,
  hidden: false,
  image: 'https://films.example/heat.jpg',
};
const record: CatalogueItemRecord = {
  ...whole,
  itemId: whole.itemId as CatalogueItemRecord['itemId'],
  publishedAt: Date.UTC(1995, 11, 15) as CatalogueItemRecord['publishedAt'],
  availableFrom: null,
  expiresAt: Date.UTC(2030, 0, 1) as CatalogueItemRecord['expiresAt'],
  updatedAt: FIXTURE_NOW,
};

describe('the calls that write the catalogue', () => {
  it('POST writes one item whole, with defaults for what is not said', async () => {
    expect((await send('POST', '', whole)).json()).toMatchObject({
      accepted: 1,
      refused: [],
      positions: [{ offset: 0 }],
    });
    expect(await itemsIn(under.log)).toEqual([record]);
    await send('POST', '', { itemId: 'bare', title: 'Bare' });
    expect((await itemsIn(under.log)).find(({ itemId }) => itemId === 'bare')).toEqual(
      catalogueItem('bare', { title: 'Bare', updatedAt: FIXTURE_NOW }),
    );
  });

  it('POST of a batch refuses what says something impossible and takes the rest', async () => {
    const items = [
      heat,
      { ...heat, itemId: '' },
      { ...heat, itemId: 'p', price: -1 },
      { ...heat, itemId: 't', title: 'x'.repeat(513) },
      { ...heat, itemId: 'd', publishedAt: '2026-02-30T00:00:00Z' },
      {
        ...heat,
        itemId: 's',
        availableFrom: '2026-01-02T00:00:00Z',
        expiresAt: '2026-01-01T00:00:00Z',
      },
      { ...heat, itemId: 'j', image: 'javascript:alert(1)' },
      { ...heat, itemId: 'o', image: '//evil.example/x.png' },
      { ...heat, itemId: '__proto__' },
    ];
    const answer = (await send('POST', '', { items })).json();
    expect(answer.accepted).toBe(2);
    expect(
      answer.refused.map(({ index, code }: { index: number; code: string }) => [index, code]),
    ).toEqual([[1, 'bad_id'], ...[2, 3, 4, 5, 6, 7].map((index) => [index, 'bad_value'])]);
    expect((await itemsIn(under.log)).map(({ itemId }) => itemId).sort()).toEqual([
      '__proto__',
      'heat-1995',
    ]);
  });

  it('POST refuses 501 items, unknown fields and wrong types whole', async () => {
    const many = Array.from({ length: 501 }, (_, n) => ({ ...heat, itemId: `i${n}` }));
    expect((await send('POST', '', { items: many })).statusCode).toBe(413);
    for (const bad of [
      { ...heat, colour: 1 },
      { ...heat, tags: 'x' },
      { itemId: 'x' },
      { ...heat, attributes: { a: {} } },
    ]) {
      const response = await send('POST', '', { items: [heat, bad] });
      expect(response.json().error.code).toBe('bad_request');
    }
    expect(await itemsIn(under.log)).toEqual([]);
  });

  it('an attribute may have any name', async () => {
    const response = await under.app.inject({
      method: 'POST',
      url: '/v1/items',
      headers: { 'content-type': 'application/json' },
      payload: '{"itemId":"x","title":"X","attributes":{"__proto__":"a","constructor":1}}',
    });
    expect(response.json().accepted).toBe(1);
    const { attributes } = (await itemsIn(under.log))[0]!;
    expect(Object.entries(attributes).sort()).toEqual([
      ['__proto__', 'a'],
      ['constructor', 1],
    ]);
  });

  it('PUT writes the item that the path names, whatever characters it has', async () => {
    for (const itemId of ['__proto__', '../x', '🎬', 'a b/c?d=e']) {
      const response = await send('PUT', `/${encodeURIComponent(itemId)}`, { title: itemId });
      expect(response.json()).toMatchObject({ accepted: 1 });
      expect((await itemsIn(under.log)).some((item) => item.itemId === itemId)).toBe(true);
    }
  });

  it('PATCH changes what it names and keeps the rest, also of a write that serving does not show yet', async () => {
    await send('POST', '', whole);
    expect((await send('PATCH', '/heat-1995', { price: null, tags: [] })).json().accepted).toBe(1);
    expect((await send('PATCH', '/heat-1995', { hidden: true })).json().accepted).toBe(1);
    const written = await itemsIn(under.log);
    expect(written.at(-1)).toEqual({
      ...record,
      price: null,
      tags: [],
      hidden: true,
      updatedAt: FIXTURE_NOW + 2,
    });
  });

  it('PATCH goes by what serving shows where that is newer', async () => {
    await send('POST', '', whole);
    shown.set(heat.itemId, {
      ...record,
      title: 'Heat (from elsewhere)',
      updatedAt: (FIXTURE_NOW + 9) as typeof FIXTURE_NOW,
    });
    await send('PATCH', '/heat-1995', { hidden: true });
    expect((await itemsIn(under.log)).at(-1)).toMatchObject({
      title: 'Heat (from elsewhere)',
      updatedAt: FIXTURE_NOW + 10,
    });
  });

  it('concurrent PATCHes of one item lose nothing of each other', async () => {
    await send('POST', '', whole);
    await Promise.all([
      send('PATCH', '/heat-1995', { price: 1 }),
      send('PATCH', '/heat-1995', { title: 'HEAT' }),
      send('PATCH', '/heat-1995', { hidden: true }),
    ]);
    expect((await itemsIn(under.log)).at(-1)).toMatchObject({
      price: 1,
      title: 'HEAT',
      hidden: true,
    });
  });

  it('DELETE leaves a tombstone, after which there is nothing to change', async () => {
    await send('POST', '', whole);
    expect((await send('DELETE', '/heat-1995')).json()).toMatchObject({ accepted: 1 });
    expect((await readTopic(under.log, TOPICS.catalogue.name)).at(-1)?.value).toBeNull();
    shown.set(heat.itemId, record);
    expect((await send('PATCH', '/heat-1995', { hidden: true })).statusCode).toBe(404);
    expect((await send('DELETE', '/heat-1995')).json().error).toMatchObject({
      code: 'not_found',
      message: 'Expected item "heat-1995" to exist, found none.',
    });
  });

  it('answers once serving shows what was written', async () => {
    const waits: unknown[] = [];
    const waiting = await openTestIngest({
      untilItemsShown: async (positions) => {
        waits.push(positions);
      },
    });
    const response = await waiting.app.inject({ method: 'POST', url: '/v1/items', payload: heat });
    expect(waits).toEqual([response.json().positions]);
    await waiting.close();
  });
});
