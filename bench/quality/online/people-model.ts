/** User-based neighbours, exact after each event, over the people who acted last. */
import { PeopleIndex } from '../../../algorithms/neighbourhood/people-index.ts';
import {
  DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS,
  type PeopleNeighbourOptions,
  PeopleNeighbours,
} from '../../../algorithms/neighbourhood/people-neighbours.ts';
import type { OnlineModel } from './online-model.ts';

/** As lists look at a person. */
const SETTINGS = { peopleMax: 10_000, itemsMax: 50, chosenMax: 24 };

export const onlinePeople = (
  changed: Partial<PeopleNeighbourOptions & typeof SETTINGS> = {},
  name = 'people',
): OnlineModel => {
  const settings = { ...DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS, ...SETTINGS, ...changed };
  const index = new PeopleIndex(settings);
  const neighbours = new PeopleNeighbours(index, settings);
  let events = 0;
  const timesOf = new Map<number, number[]>();
  return {
    name,
    settings,
    score(user, history, scores) {
      scores.fill(0);
      const chosen = history
        .slice(-settings.chosenMax)
        .toReversed()
        .map((item) => ({ item, weight: 1 }));
      neighbours.score(neighbours.near(chosen, String(user)), (item, score) => {
        scores[item] = score;
      });
    },
    learn(user, history, item) {
      const times = timesOf.get(user) ?? [];
      timesOf.set(user, times);
      times.push(events++);
      const newestFirst = [item, ...history.slice(1 - settings.itemsMax).toReversed()].map(
        (chosen, age) => ({ item: chosen, at: times.at(-1 - age) ?? 0 }),
      );
      index.put(String(user), { newestFirst, actedAt: times.at(-1)! });
    },
  };
};
