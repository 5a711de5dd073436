/**
 * Items' vectors that follow what people do between two trainings. Each event pulls its item's vector
 * towards the person who chose it (away, where they turned against it):
 *
 *   pullᵢ  = Σ over events since the release of cₖ·(pₖ − xₖᵀhᵢ)·xₖ        p = 1 for, 0 against
 *   massᵢ  = Σ cₖ·|xₖ|²
 *   h′ᵢ    = hᵢ + pullᵢ ÷ (τ + massᵢ)
 *
 * xₖ is the person's vector just before the event, folded in on the release's own vectors, and hᵢ the
 * release's: nothing that was learned is a ground for learning more. So pulls are sums, in whatever
 * order partitions come they are the same, and a replay gives them again to the bit. It is one damped
 * Newton step on the squared error, the curvature taken for |x|² in every direction.
 *
 * People go on being folded in on the release's vectors (the exactness of fold-in is of one set of
 * vectors); only scores, and their explanation, take the moved ones.
 * Memory: 8 bytes a number of an item that was chosen since the release; `itemsMax` caps them.
 */

export interface ItemPullOptions {
  /** τ: as many units of mass hold an item where the training put it. */
  readonly hold: number;
  /** Items that can be moved; of those beyond, what is done to them moves nothing. */
  readonly itemsMax: number;
}

export const DEFAULT_ITEM_PULL_OPTIONS: ItemPullOptions = { hold: 3, itemsMax: 20_000 };

export interface PullingEvent {
  readonly item: number;
  /** Above 0 for the item, below against it. */
  readonly weight: number;
  /** The person's vector before it. */
  readonly person: Float32Array;
}

export class ItemPulls {
  readonly dimensions: number;
  readonly #itemsMax: number;
  /** The pull's numbers, then its mass. */
  readonly #sums = new Map<number, Float64Array>();
  #leftOut = 0;

  constructor(dimensions: number, { itemsMax }: Pick<ItemPullOptions, 'itemsMax'>) {
    this.dimensions = dimensions;
    this.#itemsMax = itemsMax;
  }

  /** Items that are pulled. */
  get items(): Iterable<number> {
    return this.#sums.keys();
  }

  get itemCount(): number {
    return this.#sums.size;
  }

  /** Events on items beyond the cap. */
  get leftOutCount(): number {
    return this.#leftOut;
  }

  /** `own` is the item's vector in the release. */
  add({ item, weight, person }: PullingEvent, own: Float32Array): void {
    const sums = this.#sumsOf(item);
    if (sums === undefined) {
      this.#leftOut += 1;
      return;
    }
    const { dimensions } = this;
    let product = 0;
    let square = 0;
    for (let k = 0; k < dimensions; k++) {
      product += person[k]! * own[k]!;
      square += person[k]! * person[k]!;
    }
    const confidence = Math.abs(weight);
    const error = confidence * ((weight > 0 ? 1 : 0) - product);
    for (let k = 0; k < dimensions; k++) sums[k]! += error * person[k]!;
    sums[dimensions]! += confidence * square;
  }

  /** Writes pull and mass of an item, added to what is there: one number more than `dimensions`. */
  addTo(item: number, into: Float64Array): void {
    const sums = this.#sums.get(item);
    if (sums === undefined) return;
    for (let k = 0; k < into.length; k++) into[k]! += sums[k]!;
  }

  #sumsOf(item: number): Float64Array | undefined {
    const known = this.#sums.get(item);
    if (known !== undefined) return known;
    if (this.#sums.size >= this.#itemsMax) return undefined;
    const fresh = new Float64Array(this.dimensions + 1);
    this.#sums.set(item, fresh);
    return fresh;
  }
}

/** An item's vector after all pulls, those of each partition added in their order. */
export const pulledVector = (
  item: number,
  own: Float32Array,
  pulls: readonly ItemPulls[],
  { hold }: Pick<ItemPullOptions, 'hold'>,
): Float32Array => {
  const dimensions = own.length;
  const sums = new Float64Array(dimensions + 1);
  for (const part of pulls) part.addTo(item, sums);
  const step = 1 / (hold + sums[dimensions]!);
  return Float32Array.from(own, (value, k) => value + step * sums[k]!);
};
