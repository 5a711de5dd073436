/**
 * The candidates of a sampled softmax: the targets of the batch, and items drawn evenly. An item is
 * among them with a probability p that is known beforehand, and its logit is raised by −log p, so that
 * the sum over candidates has the whole sum for its expectation (Bengio and Senécal, 2008; the
 * correction for targets of the batch as in Yi and others, 2019). Without it frequent items, which are
 * candidates more often, would be pushed down.
 *
 * Caveat: p takes the targets for independent draws; those of one window never repeat an item where
 * people do not, so p is a little low for what is frequent.
 */
import { type Histories, itemCounts } from '../histories/histories.ts';
import type { SeededRandom } from '../random/seeded-random.ts';

/** Whole vectors of four. */
export const candidateRows = (wanted: number): number => Math.ceil(wanted / 4) * 4;

/** Weighs a row that holds no candidate down to nothing. */
const ABSENT = -1e9;

export interface CandidateArrays {
  /** Items (below 0: none); become places in `ids`. */
  readonly targets: Float32Array;
  readonly ids: Float32Array;
  readonly corrections: Float32Array;
}

export class CandidateSource {
  /** How large a share of the events each item has. */
  readonly #shares: Float64Array;
  readonly #drawn: number;
  readonly #placeOf: Int32Array;

  constructor(histories: Histories, drawn: number) {
    const total = Math.max(histories.items.length, 1);
    this.#shares = Float64Array.from(itemCounts(histories), (count) => count / total);
    this.#drawn = drawn;
    this.#placeOf = new Int32Array(histories.itemCount).fill(-1);
  }

  /** There must be room in `ids` for every target and every draw. */
  draw({ targets, ids, corrections }: CandidateArrays, random: SeededRandom): void {
    const itemCount = this.#shares.length;
    const asked = targets.reduce((sum, target) => sum + (target < 0 ? 0 : 1), 0);
    let count = 0;
    const placeOf = (item: number): number => {
      if (this.#placeOf[item]! < 0) {
        this.#placeOf[item] = count;
        ids[count] = item;
        corrections[count] = -Math.log(this.#probability(item, asked));
        count += 1;
      }
      return this.#placeOf[item]!;
    };
    for (let k = 0; k < targets.length; k++) {
      if (targets[k]! >= 0) targets[k] = placeOf(targets[k]!);
    }
    for (let k = 0; k < this.#drawn; k++) placeOf(random.below(itemCount));
    for (let k = 0; k < count; k++) this.#placeOf[ids[k]!] = -1;
    ids.fill(-1, count);
    corrections.fill(ABSENT, count);
  }

  /** That one of the targets or one of the draws is the item. */
  #probability(item: number, targets: number): number {
    const missed = targets === 0 ? 0 : targets * Math.log1p(-this.#shares[item]!);
    const undrawn = this.#drawn * Math.log1p(-1 / this.#shares.length);
    return Math.max(-Math.expm1(missed + undrawn), Number.MIN_VALUE);
  }
}
