/** Where each item occurs in a set of histories: the inverted index of the neighbour models. */
import type { Histories } from '../histories/histories.ts';

export interface Occurrences {
  /** Those of item i are starts[i] … starts[i + 1]). */
  readonly starts: Uint32Array;
  /** Index into `histories.items`. */
  readonly positions: Uint32Array;
  /** Whose row that is. */
  readonly users: Uint32Array;
}

export const occurrencesOf = ({ itemCount, userCount, items, starts }: Histories): Occurrences => {
  const first = new Uint32Array(itemCount + 1);
  for (let k = 0; k < items.length; k++) first[items[k]! + 1]! += 1;
  for (let item = 0; item < itemCount; item++) first[item + 1]! += first[item]!;
  const next = first.slice();
  const positions = new Uint32Array(items.length);
  const users = new Uint32Array(items.length);
  for (let user = 0; user < userCount; user++) {
    for (let k = starts[user]!; k < starts[user + 1]!; k++) {
      const at = next[items[k]!]!;
      next[items[k]!] = at + 1;
      positions[at] = k;
      users[at] = user;
    }
  }
  return { starts: first, positions, users };
};
