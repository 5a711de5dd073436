/** The sources of a trial that no release holds: people alike, and likeness by content. */
import { describe, expect, it } from 'vitest';
import { historiesOfRows, historyOfItems } from '../algorithms/histories/histories.ts';
import { itemId } from '../schemas/ids.ts';
import { ContentModel } from './content-model.ts';
import { DEFAULT_TRAINING_OPTIONS } from './options.ts';
import { PeopleModel } from './people-model.ts';

const scoresOf = (
  model: Pick<PeopleModel, 'itemCount' | 'score'>,
  history: ReturnType<typeof historyOfItems>,
): number[] => {
  const scores = new Float64Array(model.itemCount).fill(Number.NaN);
  model.score(history, scores);
  return [...scores];
};

describe('people alike in a trial', () => {
  const rows = [
    [0, 1, 4],
    [0, 1, 4],
    [0, 1, 4],
    [2, 3, 5],
  ];
  const { people } = DEFAULT_TRAINING_OPTIONS;

  it('bring what three of them chose, and only that', () => {
    const model = new PeopleModel(historiesOfRows(rows, 6), people);
    const scores = scoresOf(model, historyOfItems([0, 1]));
    expect(scores[4]).toBeGreaterThan(0);
    expect([scores[2], scores[3], scores[5]]).toEqual([0, 0, 0]);
  });

  it('are those who acted last where there is room for no more', () => {
    const times = Float64Array.from([10, 11, 12, 20, 21, 22, 30, 31, 32, 1, 2, 3]);
    const histories = { ...historiesOfRows(rows, 6), times };
    const model = new PeopleModel(histories, { ...people, peopleMax: 3 });
    expect(scoresOf(model, historyOfItems([0, 1]))[4]).toBeGreaterThan(0);
    const fewer = new PeopleModel(histories, { ...people, peopleMax: 2 });
    expect(scoresOf(fewer, historyOfItems([0, 1]))[4]).toBe(0);
  });
});

describe('likeness by content in a trial', () => {
  const film = (id: string, tags: readonly string[]) => ({
    itemId: id,
    title: '',
    categories: [],
    tags,
    people: [],
    attributes: {},
  });
  const catalogue = [
    film('a', ['heist', 'cop']),
    film('b', ['heist', 'cop']),
    film('c', ['robot']),
    film('unchosen', ['heist']),
  ];
  const ids = ['c', 'b', 'a', 'not-in-the-catalogue'].map((id) => itemId(id));

  it('brings what shares words with what was chosen, by the numbers of the history', () => {
    const model = new ContentModel(catalogue, ids);
    const [robots, other, own, unknown] = scoresOf(model, historyOfItems([2]));
    expect(other).toBeGreaterThan(0);
    expect([robots, own, unknown]).toEqual([0, 0, 0]);
    expect(scoresOf(model, historyOfItems([3]))).toEqual([0, 0, 0, 0]);
  });
});
