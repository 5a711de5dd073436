/**
 * Item–item neighbours from who met what: cosine, Jaccard, or Dunning's log-likelihood ratio
 * (1993; squashed to 1 − 1 ÷ (1 + LLR) as Mahout does). With c common people of n_a and n_b:
 *
 *   cosine          c ÷ (√(n_a · n_b) + shrinkage)
 *   jaccard         c ÷ (n_a + n_b − c + shrinkage)
 *   log-likelihood  (1 − 1 ÷ (1 + LLR)) · c ÷ (c + shrinkage), 0 where they meet less than by chance
 *
 * A person's score for an item is the sum over the distinct items of the history. Shrinkage takes
 * away the neighbours that two people made. Cost: Σ n² over people, no dense matrix.
 */
import { checkHistories, type Histories } from '../histories/histories.ts';
import { type SparseRows, transposeOf, userItemsOf } from '../histories/user-items.ts';
import { WHOLE_HISTORY } from '../linear/history-block.ts';
import { LinearItemModel } from '../linear/linear-item-model.ts';
import { WeightRows } from '../linear/weight-rows.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { checkCount, checkNonNegative, checkOneOf } from '../model/option-checks.ts';

const SIMILARITIES = ['cosine', 'jaccard', 'log-likelihood'] as const;
export type ItemSimilarity = (typeof SIMILARITIES)[number];

export interface ItemItemOptions {
  readonly similarity: ItemSimilarity;
  readonly shrinkage: number;
  readonly neighbours: number;
}

export const DEFAULT_ITEM_ITEM_OPTIONS: ItemItemOptions = {
  similarity: 'cosine',
  shrinkage: 10,
  neighbours: 200,
};

const FORMAT = 'item-item/1';

interface PairCounts {
  readonly common: number;
  readonly a: number;
  readonly b: number;
  readonly people: number;
}

const entropyTerm = (count: number): number => (count > 0 ? count * Math.log(count) : 0);

/** 2 · (row entropy + column entropy − matrix entropy) of the two-by-two table. */
export const logLikelihoodRatio = ({ common, a, b, people }: PairCounts): number => {
  const onlyA = a - common;
  const onlyB = b - common;
  const neither = people - a - b + common;
  const cells =
    entropyTerm(common) + entropyTerm(onlyA) + entropyTerm(onlyB) + entropyTerm(neither);
  const rows = entropyTerm(a) + entropyTerm(people - a);
  const columns = entropyTerm(b) + entropyTerm(people - b);
  return Math.max(2 * (cells - rows - columns + entropyTerm(people)), 0);
};

const similarityOf = (counts: PairCounts, { similarity, shrinkage }: ItemItemOptions): number => {
  const { common, a, b, people } = counts;
  switch (similarity) {
    case 'cosine':
      return common / (Math.sqrt(a * b) + shrinkage);
    case 'jaccard':
      return common / (a + b - common + shrinkage);
    case 'log-likelihood': {
      if (common * people <= a * b) return 0;
      const squashed = 1 - 1 / (1 + logLikelihoodRatio(counts));
      return (squashed * common) / (common + shrinkage);
    }
  }
};

export const fitItemItem = async (
  histories: Histories,
  options: ItemItemOptions,
  context: FitContext,
): Promise<LinearItemModel> => {
  checkOneOf('similarity', options.similarity, SIMILARITIES);
  checkNonNegative('shrinkage', options.shrinkage);
  checkCount('neighbours', options.neighbours);
  checkHistories(histories);
  const userItems = userItemsOf(histories);
  const itemUsers = transposeOf(userItems);
  const itemCount = histories.itemCount;
  const people = histories.userCount;
  const weights = new WeightRows(itemCount, itemCount, options.neighbours);
  const common = new Float64Array(itemCount);
  const sizeOf = (item: number): number => itemUsers.starts[item + 1]! - itemUsers.starts[item]!;
  for (let item = 0; item < itemCount; item++) {
    if (item % 256 === 0) await pause(context, item / itemCount);
    countCommon(item, userItems, itemUsers, common);
    common[item] = 0;
    for (let other = 0; other < itemCount; other++) {
      if (common[other] === 0) continue;
      const counts = { common: common[other]!, a: sizeOf(item), b: sizeOf(other), people };
      common[other] = similarityOf(counts, options);
    }
    weights.setRow(item, common);
  }
  return new LinearItemModel({ format: FORMAT, blocks: [WHOLE_HISTORY], itemCount, weights });
};

/** Writes into `common` how many people met both `item` and each other item. */
const countCommon = (
  item: number,
  userItems: SparseRows,
  itemUsers: SparseRows,
  common: Float64Array,
): void => {
  common.fill(0);
  for (let k = itemUsers.starts[item]!; k < itemUsers.starts[item + 1]!; k++) {
    const user = itemUsers.columns[k]!;
    for (let j = userItems.starts[user]!; j < userItems.starts[user + 1]!; j++) {
      common[userItems.columns[j]!]! += 1;
    }
  }
};

export const readItemItem = (bytes: Uint8Array): LinearItemModel =>
  LinearItemModel.read(bytes, FORMAT);
