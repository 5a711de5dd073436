/** A process that has just read the state makes the lists of one that saw it come about. */
import { expect, it } from 'vitest';
import type { ListAnswer } from '../schemas/api/lists.ts';
import { item, openTestServing, type TestServing, World } from '../test/serving/serving-fixture.ts';
import { DEFAULT_SERVING_OPTIONS } from './options.ts';

const { ladder } = DEFAULT_SERVING_OPTIONS;
const FEW = { ladder: { ...ladder, neighboursMax: 2 } };
/** Both partitions, and names before and after the one that is asked about. */
const ASKED = ['b', 'm', 'y'];
/** Chosen with everything, since everybody chooses it. */
const EVERYWHERE = ['c', 'n', 'z'];
const ALIKE = ['d', 'o', 'x', 'e', 'p', 'w'];
const STATES = {
  ...Object.fromEntries(
    ASKED.map((id, at) => [
      id,
      {
        interactions: 50,
        pairs: [
          ...EVERYWHERE.map((to) => ({ to, forward: 5, backward: 5 })),
          ...ALIKE.slice(2 * at, 2 * at + 2).map((to) => ({ to })),
        ],
      },
    ]),
  ),
  ...Object.fromEntries(EVERYWHERE.map((id) => [id, { interactions: 1_000_000 }])),
  ...Object.fromEntries(ALIKE.map((id) => [id, { interactions: 10 }])),
};

const similarTo = async (under: TestServing, id: string): Promise<readonly string[]> => {
  const { body } = await under.get<ListAnswer>(`/v1/items/${id}/similar?by=together&limit=2`);
  return body.items.map(({ itemId }) => itemId).sort();
};

it('a start chooses the neighbours of an item by what it knows of all items', async () => {
  const world = new World();
  await world.putItems(...[...ASKED, ...EVERYWHERE, ...ALIKE].map((id) => item(id)));
  await world.putItemStates(STATES);
  const started = await openTestServing(world, FEW);
  const lists = await Promise.all(ASKED.map((id) => similarTo(started, id)));
  expect(lists).toEqual(ASKED.map((_, at) => ALIKE.slice(2 * at, 2 * at + 2).sort()));
  await started.close();
});
