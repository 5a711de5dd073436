/**
 * How well a vector made from content and company stands in for a trained one: every fifth film with
 * enough friends is taken out of the training data, as if it were new. For each of them, which share
 * of pairs (one who liked it, one who did not) does a score put in the right order (AUC)? The first
 * k people who liked a film are its company and are left out of the question, for all rows alike.
 */
import { itemTokens } from '../../../algorithms/content/item-tokens.ts';
import {
  DEFAULT_NEW_ITEM_OPTIONS,
  type KnownNeighbour,
  newItemVector,
} from '../../../algorithms/content/new-item-vectors.ts';
import { fitTfIdf } from '../../../algorithms/content/tf-idf.ts';
import { fitImplicitAls, type ImplicitAls } from '../../../algorithms/factors/implicit-als.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS } from '../../../algorithms/factors/implicit-als-options.ts';
import { historiesOf } from '../../../algorithms/histories/histories.ts';
import { bootstrapMean } from '../../../algorithms/metrics/confidence.ts';
import { seededRandom } from '../../../algorithms/random/seeded-random.ts';
import { seconds } from '../contender.ts';
import {
  ML_SMALL_FILE,
  type Rating,
  readMovieLensSmall,
  readMovieLensSmallItems,
} from '../datasets/movielens.ts';
import type { ResultRow } from '../report.ts';
import type { Part, Protocol } from './protocol.ts';

const SEED = 1;
const LIKED = 3.5;
const FRIENDS_MIN = 20;
const SHARE = 0.2;
const ALIKE_MAX = 100;
const COMPANY = [0, 3, 10];
/** So many of a friend's newest films before the new one make pairs with it. */
const REACH = 5;
const ALS = { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions: 32, regularisation: 0.02 };

interface World {
  readonly userCount: number;
  readonly itemCount: number;
  readonly liked: readonly Rating[];
  readonly friends: readonly (readonly Rating[])[];
}

interface Scorer {
  readonly name: string;
  /** One score a person, for the new item with its first friends as company. */
  score(item: number, company: readonly Rating[]): Float64Array;
}

const readWorld = async (): Promise<World> => {
  const { userCount, itemCount, ratings } = await readMovieLensSmall();
  const liked = ratings.filter(({ value }) => value >= LIKED).sort((a, b) => a.time - b.time);
  const friends: Rating[][] = Array.from({ length: itemCount }, () => []);
  for (const rating of liked) friends[rating.item]!.push(rating);
  return { userCount, itemCount, liked, friends };
};

/** New on the one part are known on the other: settings are chosen on other films. */
const newItemsOf = ({ friends }: World, part: Part): ReadonlySet<number> => {
  const random = seededRandom(SEED);
  const from = part === 'test' ? 0 : SHARE;
  return new Set(
    friends.flatMap((all, item) => {
      const draw = random.next();
      return all.length >= FRIENDS_MIN && draw >= from && draw < from + SHARE ? [item] : [];
    }),
  );
};

const rowsOf = (model: ImplicitAls, world: World, known: readonly Rating[]): Float32Array[] => {
  const histories = historiesOf(known, world);
  return Array.from({ length: world.userCount }, (_, user) => {
    const items = histories.items.subarray(histories.starts[user], histories.starts[user + 1]);
    return model.vectorOf({ items, weights: null, times: null });
  });
};

const products = (users: readonly Float32Array[], vector: ArrayLike<number>): Float64Array =>
  Float64Array.from(users, (user) => {
    let sum = 0;
    for (let at = 0; at < user.length; at++) sum += user[at]! * vector[at]!;
    return sum;
  });

const trained = async (world: World, ratings: readonly Rating[]) => {
  const events = ratings.map(({ user, item, time }) => ({ user, item, time }));
  const model = await fitImplicitAls(historiesOf(events, world), ALS, { seed: SEED });
  return { model, users: rowsOf(model, world, ratings) };
};

/** How often each known film is among the newest that a friend liked before the new one. */
const companyOf = (
  company: readonly Rating[],
  likedBy: readonly (readonly Rating[])[],
): readonly KnownNeighbour[] => {
  const counts = new Map<number, number>();
  for (const { user, time } of company) {
    const before = likedBy[user]!.filter((rating) => rating.time <= time).slice(-REACH);
    for (const { item } of before) counts.set(item, (counts.get(item) ?? 0) + 1);
  }
  return [...counts].map(([item, weight]) => ({ item, weight }));
};

const scorersOf = async (world: World, isNew: ReadonlySet<number>): Promise<Scorer[]> => {
  const known = world.liked.filter(({ item }) => !isNew.has(item));
  const likedBy: Rating[][] = Array.from({ length: world.userCount }, () => []);
  for (const rating of known) likedBy[rating.user]!.push(rating);
  const documents = (await readMovieLensSmallItems()).map((item) => itemTokens(item));
  const content = fitTfIdf(documents.map((tokens, item) => (isNew.has(item) ? [] : tokens)));
  const without = await trained(world, known);
  const whole = await trained(world, world.liked);
  const random = seededRandom(SEED + 1);
  const alike = (item: number): readonly KnownNeighbour[] =>
    content
      .similarTo(documents[item]!, ALIKE_MAX)
      .map(({ index, score }) => ({ item: index, weight: score }));
  const { dimensions } = ALS;
  return [
    { name: 'random', score: () => Float64Array.from(likedBy, () => random.next()) },
    {
      name: 'how much a person likes at all',
      score: () => Float64Array.from(likedBy, (l) => l.length),
    },
    {
      name: 'content, likeness to what was liked',
      score: (item) => {
        const likeness = new Map(alike(item).map((each) => [each.item, each.weight]));
        return Float64Array.from(likedBy, (liked) =>
          liked.reduce((sum, rating) => sum + (likeness.get(rating.item) ?? 0), 0),
        );
      },
    },
    {
      name: 'vector from content and company',
      score: (item, company) => {
        const evidence = { alike: alike(item), together: companyOf(company, likedBy) };
        const vector = newItemVector(without.model, evidence);
        return products(without.users, vector ?? new Float64Array(dimensions));
      },
    },
    {
      name: 'trained vector (knows the answers)',
      score: (item) => {
        const { factors } = whole.model;
        return products(whole.users, factors.subarray(item * dimensions, (item + 1) * dimensions));
      },
    },
  ];
};

/** Of all pairs of one inside and one outside, the share in order; ties count half. */
const aucOf = (scores: Float64Array, isInside: Uint8Array, isAsked: Uint8Array): number => {
  const people = Array.from(scores.keys()).filter((user) => isAsked[user] === 1);
  const inside = people.filter((user) => isInside[user] === 1);
  const outside = people.filter((user) => isInside[user] === 0);
  let inOrder = 0;
  for (const one of inside) {
    for (const other of outside) {
      const difference = scores[one]! - scores[other]!;
      if (difference > 0) inOrder += 1;
      else if (difference === 0) inOrder += 0.5;
    }
  }
  return inOrder / (inside.length * outside.length);
};

const auc = (scorer: Scorer, world: World, item: number, companySize: number): number => {
  const friends = world.friends[item]!;
  const isInside = new Uint8Array(world.userCount);
  const isAsked = new Uint8Array(world.userCount).fill(1);
  for (const { user } of friends) isInside[user] = 1;
  for (const { user } of friends.slice(0, Math.max(...COMPANY))) isAsked[user] = 0;
  return aucOf(scorer.score(item, friends.slice(0, companySize)), isInside, isAsked);
};

export const newItems: Protocol = {
  id: 'NEW-ITEMS',
  title: 'latest-small, films that training did not know, AUC of who likes them',
  file: ML_SMALL_FILE,
  async run(part) {
    const world = await readWorld();
    const isNew = newItemsOf(world, part);
    const start = seconds();
    const scorers = await scorersOf(world, isNew);
    const fitSeconds = seconds() - start;
    const rows = scorers.flatMap((scorer) => {
      const sizes = scorer.name.startsWith('vector') ? COMPANY : [0];
      return sizes.map((size): ResultRow => {
        const begun = seconds();
        const sums = Float64Array.from(isNew, (item) => auc(scorer, world, item, size));
        return {
          model: sizes.length > 1 ? `${scorer.name}, ${size} friends` : scorer.name,
          settings: { ...DEFAULT_NEW_ITEM_OPTIONS, als: ALS },
          metrics: { AUC: bootstrapMean({ sums, counts: null })! },
          seed: SEED,
          fitSeconds,
          scoreSeconds: seconds() - begun,
          modelBytes: 0,
        };
      });
    });
    return { remarks: [`${isNew.size} new films; intervals over films`], rows };
  },
};
