/**
 * Leave-one-out: each user's newest event is the test target, the one before it the validation
 * target, the rest trains. Caveat that must stand beside every figure of it: a user's training
 * part may hold events later than another user's target, so it is not time-respecting.
 */
import type { Histories } from '../histories/histories.ts';

export interface LeaveOneOut {
  readonly train: Histories;
  /** Per user the target, or −1 where the user has too few events to spare one. */
  readonly targets: Int32Array;
}

/**
 * Holds the newest event of each user out. A user keeps at least `keep` events for training, else
 * none of theirs is held out.
 */
export const leaveLastOut = (histories: Histories, keep = 1): LeaveOneOut => {
  const { userCount, starts, items, weights, times } = histories;
  const targets = new Int32Array(userCount).fill(-1);
  const trainStarts = new Uint32Array(userCount + 1);
  const kept: number[] = [];
  for (let user = 0; user < userCount; user++) {
    const isLong = starts[user + 1]! - starts[user]! > keep;
    const end = starts[user + 1]! - (isLong ? 1 : 0);
    if (isLong) targets[user] = items[end]!;
    for (let k = starts[user]!; k < end; k++) kept.push(k);
    trainStarts[user + 1] = kept.length;
  }
  const train: Histories = {
    ...histories,
    starts: trainStarts,
    items: Uint32Array.from(kept, (k) => items[k]!),
    weights: weights && Float32Array.from(kept, (k) => weights[k]!),
    times: times && Float64Array.from(kept, (k) => times[k]!),
  };
  return { train, targets };
};
