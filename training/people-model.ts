/**
 * People alike, for a trial: what lists find among the people who acted last, found among those of the
 * histories. It is fitted to weigh the source in the blend and then thrown away; no release holds it.
 * Whoever is tested is among them and like nobody more than themselves, which takes one neighbour's
 * place and gives nothing: what they did themselves is left out of their list.
 */
import type { Histories, History } from '../algorithms/histories/histories.ts';
import type { ItemModel } from '../algorithms/model/item-model.ts';
import { PeopleIndex, type PersonsChoice } from '../algorithms/neighbourhood/people-index.ts';
import {
  type ChosenItem,
  PeopleNeighbours,
} from '../algorithms/neighbourhood/people-neighbours.ts';
import type { PeopleModelOptions } from './options.ts';

export class PeopleModel implements Pick<ItemModel, 'itemCount' | 'score'> {
  readonly itemCount: number;
  readonly #neighbours: PeopleNeighbours;
  readonly #chosenMax: number;

  constructor(histories: Histories, options: PeopleModelOptions) {
    const index = new PeopleIndex(options);
    for (const [actedAt, user] of byLastEvent(histories).entries()) {
      index.put(String(user), { newestFirst: choicesOf(histories, user, actedAt), actedAt });
    }
    this.itemCount = histories.itemCount;
    this.#neighbours = new PeopleNeighbours(index, options);
    this.#chosenMax = options.chosenMax;
  }

  score(history: History, scores: Float64Array): void {
    scores.fill(0);
    const near = this.#neighbours.near(chosenIn(history, this.#chosenMax), undefined);
    this.#neighbours.score(near, (item, score) => {
      scores[item] = score;
    });
  }
}

/** The newest first; where there are no times, all at once. */
function* choicesOf(
  { starts, items, times }: Histories,
  user: number,
  actedAt: number,
): Generator<PersonsChoice> {
  for (let k = starts[user + 1]! - 1; k >= starts[user]!; k--) {
    yield { item: items[k]!, at: times === null ? actedAt : times[k]! };
  }
}

/** Who acted last comes last, and so is kept. */
const byLastEvent = ({ userCount, starts, times }: Histories): Uint32Array => {
  const users = Uint32Array.from({ length: userCount }, (_, user) => user);
  if (!times) return users;
  const lastOf = (user: number): number => times[starts[user + 1]! - 1] ?? 0;
  return users.sort((one, other) => lastOf(one) - lastOf(other) || one - other);
};

/** The newest items that the history is for, once each, their deeds together. */
export const chosenIn = ({ items, weights }: History, max: number): readonly ChosenItem[] => {
  const chosen = new Map<number, number>();
  for (let place = items.length - 1; place >= 0; place--) {
    const weight = weights ? weights[place]! : 1;
    const item = items[place]!;
    if (weight <= 0) continue;
    if (chosen.has(item)) chosen.set(item, chosen.get(item)! + weight);
    else if (chosen.size < max) chosen.set(item, weight);
  }
  return [...chosen].map(([item, weight]) => ({ item, weight }));
};
