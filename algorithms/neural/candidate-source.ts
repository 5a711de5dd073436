/**
 * The candidates of a sampled softmax: the targets of the batch, and items drawn evenly from the rest
 * until the table is full. An item is among them with a probability p that is known beforehand, and its
 * logit is raised by −log p, so that the sum over candidates has the whole sum for its expectation
 * (Bengio and Senécal, 2008; the correction for targets of the batch as in Yi and others, 2019).
 * Without it frequent items, which are candidates more often, would be pushed down. Where the table
 * holds the whole catalogue p is 1, and this is the full softmax.
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

const PROBABILITY_MIN = 1e-12;

export interface CandidateArrays {
  /** Items (below 0: none); become places in `ids`. */
  readonly targets: Float32Array;
  readonly ids: Float32Array;
  readonly corrections: Float32Array;
}

export class CandidateSource {
  /** How large a share of the events each item has. */
  readonly #shares: Float64Array;
  readonly #placeOf: Int32Array;

  constructor(histories: Histories) {
    const total = Math.max(histories.items.length, 1);
    this.#shares = Float64Array.from(itemCounts(histories), (count) => count / total);
    this.#placeOf = new Int32Array(histories.itemCount).fill(-1);
  }

  /** There must be room in `ids` for every target. */
  draw({ targets, ids, corrections }: CandidateArrays, random: SeededRandom): void {
    const asked = targets.reduce((sum, target) => sum + (target < 0 ? 0 : 1), 0);
    const distinct = this.#placeTargets(targets, ids);
    const count = this.#fill(ids, distinct, random);
    const rest = this.#shares.length - distinct;
    const drawnShare = rest === 0 ? 1 : (count - distinct) / rest;
    for (let k = 0; k < count; k++) {
      const item = ids[k]!;
      corrections[k] = Math.log(1 / this.#probability(item, asked, drawnShare));
      this.#placeOf[item] = -1;
    }
    ids.fill(-1, count);
    corrections.fill(ABSENT, count);
  }

  /** Targets become places; gives how many there are. */
  #placeTargets(targets: Float32Array, ids: Float32Array): number {
    let count = 0;
    for (let k = 0; k < targets.length; k++) {
      const item = targets[k]!;
      if (item < 0) continue;
      if (this.#placeOf[item]! < 0) {
        this.#placeOf[item] = count;
        ids[count] = item;
        count += 1;
      }
      targets[k] = this.#placeOf[item]!;
    }
    return count;
  }

  /** One pass over the other items: each is taken with what is wanted over what is left. */
  #fill(ids: Float32Array, placed: number, random: SeededRandom): number {
    let left = this.#shares.length - placed;
    let count = placed;
    for (let item = 0; left > 0 && count < ids.length; item++) {
      if (this.#placeOf[item]! >= 0) continue;
      if (random.next() * left < ids.length - count) {
        ids[count] = item;
        count += 1;
      }
      left -= 1;
    }
    return count;
  }

  /** That it is one of the targets, or else drawn. */
  #probability(item: number, targets: number, drawnShare: number): number {
    const asTarget = targets === 0 ? 0 : -Math.expm1(targets * Math.log1p(-this.#shares[item]!));
    return Math.max(asTarget + (1 - asTarget) * drawnShare, PROBABILITY_MIN);
  }
}
