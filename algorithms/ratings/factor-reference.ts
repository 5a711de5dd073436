/**
 * SVD++ and biased MF word for word as in the papers: after every rating each parameter that had a
 * part in the prediction takes its own step, the implicit vectors of all the person's items too.
 * Here to be checked against the paper and to check `factor-sgd`.
 */
import type { SparseRows } from '../histories/user-items.ts';
import type { EpochSteps, FactorSgdOptions, SgdState, VisitOrder } from './factor-sgd.ts';

export const referenceEpoch = (
  ratings: SparseRows,
  options: FactorSgdOptions,
  state: SgdState,
  { order, steps }: { readonly order: VisitOrder; readonly steps: EpochSteps },
): void => {
  for (const user of order.users) {
    for (let visit = ratings.starts[user]!; visit < ratings.starts[user + 1]!; visit++) {
      step(ratings, options, state, { user, position: order.ratings[visit]!, steps });
    }
  }
};

interface Visit {
  readonly user: number;
  readonly position: number;
  readonly steps: EpochSteps;
}

const step = (
  { starts, columns, values }: SparseRows,
  { factors, regularisation, biasRegularisation }: FactorSgdOptions,
  state: SgdState,
  { user, position, steps: { rate, biasRate } }: Visit,
): void => {
  const { userBiases, itemBiases, userFactors, itemFactors, implicitFactors } = state;
  const item = columns[position]!;
  const rated = columns.subarray(starts[user]!, starts[user + 1]!);
  const scale = 1 / Math.sqrt(rated.length);
  const user0 = user * factors;
  const item0 = item * factors;
  const person = Float64Array.from({ length: factors }, (_, k) => {
    let implicit = 0;
    if (implicitFactors)
      for (const other of rated) implicit += implicitFactors[other * factors + k]!;
    return userFactors[user0 + k]! + scale * implicit;
  });
  let predicted = state.mean + userBiases[user]! + itemBiases[item]!;
  for (let k = 0; k < factors; k++) predicted += person[k]! * itemFactors[item0 + k]!;
  const error = values[position]! - predicted;
  userBiases[user]! += biasRate * (error - biasRegularisation * userBiases[user]!);
  itemBiases[item]! += biasRate * (error - biasRegularisation * itemBiases[item]!);
  for (let k = 0; k < factors; k++) {
    const ofItem = itemFactors[item0 + k]!;
    const ofUser = userFactors[user0 + k]!;
    userFactors[user0 + k] = ofUser + rate * (error * ofItem - regularisation * ofUser);
    itemFactors[item0 + k] = ofItem + rate * (error * person[k]! - regularisation * ofItem);
    if (!implicitFactors) continue;
    for (const other of rated) {
      const held = implicitFactors[other * factors + k]!;
      implicitFactors[other * factors + k] =
        held + rate * (error * scale * ofItem - regularisation * held);
    }
  }
};
