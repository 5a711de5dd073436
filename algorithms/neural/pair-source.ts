/**
 * What NeuMF learns from: a person and an item that they took, drawn evenly from all such pairs, or in
 * its place one of `negatives` items that they have not met. A pair that weighs nothing or less (a
 * dislike) is never drawn, neither as taken nor as not met.
 */
import type { SparseRows } from '../histories/user-items.ts';
import type { SeededRandom } from '../random/seeded-random.ts';
import { OUTPUTS } from './neumf-network.ts';

/** So often an item is drawn before somebody is taken to have met everything. */
const ATTEMPTS = 50;

/** Where pairs go, in the arena of a tape. */
export interface PairArrays {
  readonly users: Float32Array;
  readonly items: Float32Array;
  /** One for each output. */
  readonly labels: Float32Array;
}

export class PairSource {
  readonly #met: SparseRows;
  readonly #users: Uint32Array;
  readonly #items: Uint32Array;
  readonly #negatives: number;

  constructor(met: SparseRows, negatives: number) {
    const users: number[] = [];
    const items: number[] = [];
    for (let user = 0; user < met.rowCount; user++) {
      for (let k = met.starts[user]!; k < met.starts[user + 1]!; k++) {
        if (!(met.values[k]! > 0)) continue;
        users.push(user);
        items.push(met.columns[k]!);
      }
    }
    this.#met = met;
    this.#users = Uint32Array.from(users);
    this.#items = Uint32Array.from(items);
    this.#negatives = negatives;
  }

  /** Pairs that were taken. */
  get count(): number {
    return this.#users.length;
  }

  /** There must be pairs. */
  draw({ users, items, labels }: PairArrays, random: SeededRandom): void {
    for (let k = 0; k < users.length; k++) {
      const pair = random.below(this.#users.length);
      const user = this.#users[pair]!;
      const isTaken = random.below(1 + this.#negatives) === 0;
      const other = isTaken ? -1 : this.#unmet(user, random);
      users[k] = user;
      items[k] = other < 0 ? this.#items[pair]! : other;
      labels.fill(other < 0 ? 1 : 0, OUTPUTS * k, OUTPUTS * (k + 1));
    }
  }

  /** An item that the person has not met, or −1. */
  #unmet(user: number, random: SeededRandom): number {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const item = random.below(this.#met.columnCount);
      if (!this.#hasMet(user, item)) return item;
    }
    return -1;
  }

  #hasMet(user: number, item: number): boolean {
    const { starts, columns } = this.#met;
    let low = starts[user]!;
    const end = starts[user + 1]!;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (columns[middle]! < item) low = middle + 1;
      else high = middle;
    }
    return low < end && columns[low] === item;
  }
}
