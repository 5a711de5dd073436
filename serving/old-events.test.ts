/** Lists for everyone where all that people did was long ago, as after an import: what is known of it counts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ItemSearchAnswer } from '../schemas/api/items.ts';
import type { ListAnswer } from '../schemas/api/lists.ts';
import { epochMs } from '../schemas/ids.ts';
import {
  FIXTURE_NOW,
  item,
  openTestServing,
  type TestServing,
  World,
} from '../test/serving/serving-fixture.ts';

const DAY_MS = 86_400_000;
/** None, and the newest. */
const NEW = 'a-new';
const IDS = [NEW, 'b-some', 'c-many', 'd-few'];
const LONG_AGO = {
  'b-some': { popularity: 0, interactions: 20 },
  'c-many': { popularity: 0, interactions: 3_000 },
  'd-few': { popularity: 0, interactions: 2 },
};

let world: World;
let under: TestServing;
beforeEach(async () => {
  world = new World();
  await world.putItems(
    ...IDS.map((id, place) =>
      item(id, {
        publishedAt: epochMs(FIXTURE_NOW - (place + 1) * DAY_MS),
        categories: [id === 'd-few' ? 'Quiet' : 'Busy'],
      }),
    ),
  );
  under = await openTestServing(world);
});
afterEach(() => under.close());

const list = async (url: string): Promise<ListAnswer> => (await under.get<ListAnswer>(url)).body;
const ids = ({ items }: Pick<ListAnswer, 'items'>): string[] => items.map(({ itemId }) => itemId);
const scores = ({ items }: ListAnswer): number[] => items.map(({ score }) => score);
const partsIn = ({ items }: ListAnswer): string[] => [
  ...new Set(items.flatMap(({ parts }) => Object.keys(parts))),
];

describe('what is popular', () => {
  it('goes by how much was ever done where nothing was done for years', async () => {
    await world.putItemStates(LONG_AGO);
    const popular = await list('/v1/lists/popular');
    expect(ids(popular)).toEqual(['c-many', 'b-some', 'd-few', NEW]);
    expect(
      scores(popular)
        .slice(0, 3)
        .every((score) => score > 0),
    ).toBe(true);
    expect(popular.items[0]!.reasons[0]!.text).toBe('Popular with everyone');
    const { body } = await under.get<ItemSearchAnswer>('/v1/items?sort=popular');
    expect(body.items.map(({ itemId }) => itemId)).toEqual(ids(popular));
  });

  it('is first of all what is done now: one event counts more than thousands of years ago', async () => {
    await world.putItemStates({ ...LONG_AGO, 'd-few': { popularity: 1, interactions: 3 } });
    const popular = await list('/v1/lists/popular');
    expect(ids(popular)).toEqual(['d-few', 'c-many', 'b-some', NEW]);
    expect(scores(popular)[0]).toBeCloseTo(1, 5);
    expect(scores(popular)[1]).toBeLessThan(0.001);
  });

  it('years ago has no part in anybody’s own list', async () => {
    await world.putItemStates({ ...LONG_AGO, 'd-few': { popularity: 1, interactions: 3 } });
    const { items } = await list('/v1/users/nobody/recommendations');
    const popular = items.filter(({ parts }) => (parts.popular ?? 0) > 0);
    expect(popular.map(({ itemId }) => itemId)).toEqual(['d-few']);
  });
});

describe('what is trending', () => {
  it('is only what trends, however few that are', async () => {
    await world.putItemStates({
      ...LONG_AGO,
      'b-some': { popularity: 2, fast: 1, slow: 1 },
      'd-few': { popularity: 2, fast: 0.0001, slow: 1 },
    });
    const trending = await list('/v1/lists/trending');
    expect(ids(trending)).toEqual(['b-some']);
    expect(trending.nextCursor).toBeNull();
    expect(trending.rung).toBe('trend');
  });

  it('ends with time, and what is popular answers in its place and says so', async () => {
    await world.putItemStates({ ...LONG_AGO, 'b-some': { popularity: 2, fast: 1, slow: 1 } });
    expect(ids(await list('/v1/lists/trending'))).toEqual(['b-some']);
    await world.clock.advance(4 * DAY_MS);
    const instead = await list('/v1/lists/trending?limit=3');
    expect(ids(instead)).toEqual(['b-some', 'c-many', 'd-few']);
    expect(partsIn(instead)).toEqual(['popular']);
    expect(instead.items[0]!.reasons[0]!.text).toBe('Popular with everyone');
  });

  it('is what is new where nobody ever did anything', async () => {
    const trending = await list('/v1/lists/trending');
    expect(trending.rung).toBe('latest');
    expect(ids(trending)).toEqual(IDS);
    expect(partsIn(trending)).toEqual(['latest']);
  });

  it('is never empty for a category or a filter that nothing trends in', async () => {
    await world.putItemStates({ ...LONG_AGO, 'b-some': { popularity: 2, fast: 1, slow: 1 } });
    const busy = await list('/v1/lists/trending?category=Busy');
    expect([ids(busy), busy.rung]).toEqual([['b-some'], 'category-trend']);
    const quiet = await list('/v1/lists/trending?category=Quiet');
    expect([ids(quiet), quiet.rung]).toEqual([['d-few'], 'trend']);
    const filter = encodeURIComponent('category = Quiet');
    expect(ids(await list(`/v1/lists/trending?filter=${filter}`))).toEqual(['d-few']);
  });

  it('pages without repeating in what answers in its place', async () => {
    await world.putItemStates(LONG_AGO);
    const first = await list('/v1/lists/trending?limit=2');
    const second = await list(`/v1/lists/trending?limit=2&cursor=${first.nextCursor}`);
    expect([...ids(first), ...ids(second)]).toEqual(['c-many', 'b-some', 'd-few', NEW]);
  });
});
