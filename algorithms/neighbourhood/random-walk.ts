/**
 * RP3β (Paudel, Christoffel, Newell and Bernstein, 2017): three steps of a random walk over the
 * graph of people and items — item, person, item — with transition probabilities raised to α and
 * the arrival divided by popularityᵝ, so that the walk does not always end at the hits:
 *
 *   s(a → b) = Σ_u (1 ÷ n_a)^α · (1 ÷ n_u)^α ÷ n_b^β
 *
 * A person's score is the sum over the distinct items of the history. Cost: Σ n² over people.
 */
import { checkHistories, type Histories } from '../histories/histories.ts';
import { transposeOf, userItemsOf } from '../histories/user-items.ts';
import { WHOLE_HISTORY } from '../linear/history-block.ts';
import { LinearItemModel } from '../linear/linear-item-model.ts';
import { WeightRows } from '../linear/weight-rows.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { checkCount, checkNonNegative } from '../model/option-checks.ts';

export interface RandomWalkOptions {
  readonly alpha: number;
  readonly beta: number;
  readonly neighbours: number;
}

/** Middle values of those that the paper reports; not tuned further. */
export const DEFAULT_RANDOM_WALK_OPTIONS: RandomWalkOptions = {
  alpha: 0.8,
  beta: 0.5,
  neighbours: 500,
};

const FORMAT = 'random-walk/1';

export const fitRandomWalk = async (
  histories: Histories,
  options: RandomWalkOptions,
  context: FitContext,
): Promise<LinearItemModel> => {
  checkNonNegative('alpha', options.alpha);
  checkNonNegative('beta', options.beta);
  checkCount('neighbours', options.neighbours);
  checkHistories(histories);
  const { alpha, beta, neighbours } = options;
  const userItems = userItemsOf(histories);
  const itemUsers = transposeOf(userItems);
  const itemCount = histories.itemCount;
  const sizeOf = (rows: typeof userItems, row: number): number =>
    rows.starts[row + 1]! - rows.starts[row]!;
  const weights = new WeightRows(itemCount, itemCount, neighbours);
  const arrivals = new Float64Array(itemCount);
  for (let item = 0; item < itemCount; item++) {
    if (item % 256 === 0) await pause(context, item / itemCount);
    arrivals.fill(0);
    const start = sizeOf(itemUsers, item) ** -alpha;
    for (let k = itemUsers.starts[item]!; k < itemUsers.starts[item + 1]!; k++) {
      const user = itemUsers.columns[k]!;
      const share = start * sizeOf(userItems, user) ** -alpha;
      for (let j = userItems.starts[user]!; j < userItems.starts[user + 1]!; j++) {
        arrivals[userItems.columns[j]!]! += share;
      }
    }
    arrivals[item] = 0;
    for (let other = 0; other < itemCount; other++) {
      if (arrivals[other]! > 0) arrivals[other]! *= sizeOf(itemUsers, other) ** -beta;
    }
    weights.setRow(item, arrivals);
  }
  return new LinearItemModel({ format: FORMAT, blocks: [WHOLE_HISTORY], itemCount, weights });
};

export const readRandomWalk = (bytes: Uint8Array): LinearItemModel =>
  LinearItemModel.read(bytes, FORMAT);
