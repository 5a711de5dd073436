import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListAnswer } from '../schemas/api/lists.ts';
import { item, openTestServing, type TestServing, World } from '../test/serving/serving-fixture.ts';

const FILMS = [
  item('matrix', {
    title: 'The Matrix',
    categories: ['Action', 'Sci-Fi'],
    tags: ['hacker'],
    people: ['Keanu Reeves'],
  }),
  item('matrix-2', {
    title: 'The Matrix Reloaded',
    categories: ['Action', 'Sci-Fi'],
    tags: ['hacker'],
    people: ['Keanu Reeves'],
  }),
  item('heat', { title: 'Heat', categories: ['Crime'], people: ['Michael Mann'] }),
  item('ronin', { title: 'Ronin', categories: ['Crime', 'Action'] }),
  item('amelie', { title: 'Amélie', categories: ['Comedy', 'Romance'] }),
  item('toy', { title: 'Toy Story', categories: ['Animation', 'Comedy'] }),
];

/** What stands around the films of a test, so that its shares are those of a catalogue. */
const CROWD = Array.from({ length: 80 }, (_, index) =>
  item(`crowd-${index}`, { categories: [`Genre ${index % 8}`] }),
);

let under: TestServing;
beforeEach(async () => {
  const world = new World();
  await world.putItems(...FILMS, ...CROWD);
  await world.putItemStates({
    ...Object.fromEntries(
      CROWD.map(({ itemId }, index) => [
        itemId,
        { popularity: 100 - index, fast: index % 9, slow: 60 },
      ]),
    ),
    heat: {
      popularity: 50,
      fast: 4,
      slow: 20,
      ratings: [5, 4, 4.5],
      pairs: [{ to: 'ronin', forward: 9 }],
    },
    ronin: { popularity: 20, fast: 1, slow: 8, pairs: [{ to: 'heat', backward: 9 }] },
    toy: { popularity: 80, fast: 6, slow: 60 },
    matrix: { popularity: 10, fast: 1, slow: 5, pairs: [{ to: 'toy', people: 1 }] },
  });
  under = await openTestServing(world);
});
afterEach(() => under.close());

const idsOf = (list: ListAnswer): string[] => list.items.map(({ itemId }) => itemId);

describe('the list of a person', () => {
  it('is there for somebody of whom nothing is known', async () => {
    const { status, body } = await under.get<ListAnswer>('/v1/users/new/recommendations');
    expect(status).toBe(200);
    expect(idsOf(body)).toHaveLength(10);
    expect(body.rung).toBe('trend');
  });

  it('changes with one rating of five stars, and names that film', async () => {
    const before = await under.get<ListAnswer>('/v1/users/ada/recommendations');
    await under.world.act('u:ada', { item: 'matrix', kind: 'rating', value: 5 });
    const { body } = await under.get<ListAnswer>('/v1/users/ada/recommendations');
    expect(idsOf(body)).not.toEqual(idsOf(before.body));
    expect(body.items[0]?.itemId).toBe('matrix-2');
    expect(body.items[0]?.reasons[0]?.because[0]).toMatchObject({
      itemId: 'matrix',
      kind: 'rating',
    });
    expect(body.items[0]?.reasons[0]?.text).toContain('rated The Matrix ★5');
    expect(body.rung).toBe('content');
    expect(body.held).toContainEqual({ part: 'together', why: 'pairs need 3 people, have 1' });
  });
});
