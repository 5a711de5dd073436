/**
 * Taste by implicit least squares: a person's vector is folded in from their own events, exactly,
 * with the weights that the training gives a history; the items whose vectors fit it best are found
 * exactly. What an event gave to an item's score is its term of the same normal equations:
 *
 *   score(i) = xᵀhᵢ,   x = A⁻¹ Σ cₖhₖ,   so  score(i) = Σ cₖ · hₖᵀA⁻¹hᵢ
 *
 * A dislike is in A alone: it lowers what others give and gives nothing itself. Items that came after
 * the training are scored by the vectors that `new-item-vectors.ts` gives them; a person's own events
 * on them say nothing here until the next training.
 */
import { knownEventsOf, type PersonEvents } from '../../algorithms/factors/person-events.ts';
import type { SubjectId } from '../../schemas/ids.ts';
import type { Profile, TasteEvent } from '../profile.ts';
import type { GiveToSlot, ModelProposals, ModelSource } from './model-source.ts';
import { MovedItems, type MovedItemsParts, product } from './moved/moved-items.ts';
import { type NewItemCounts, type NewItemGround, NewItemVectors } from './new-item-vectors.ts';
import { RecentViews } from './recent-views.ts';
import { NO_ITEM, type ReleaseItems } from './release-items.ts';

export interface TasteModelParts extends MovedItemsParts {
  readonly items: ReleaseItems;
  readonly vectorsMax: number;
  readonly ground: NewItemGround;
  readonly newItemsMax: number;
}

export class TasteModel implements ModelSource {
  readonly #given: TasteModelParts;
  readonly #vectors: RecentViews<Float32Array>;
  readonly #newItems: NewItemVectors;
  readonly #moved: MovedItems;
  /** Whose normal equations are factored now. */
  #factored: Profile | undefined;

  constructor(given: TasteModelParts) {
    this.#given = given;
    this.#vectors = new RecentViews(given.vectorsMax);
    this.#moved = new MovedItems(given);
    const { factors, width } = given.foldIn.rows;
    this.#newItems = new NewItemVectors({
      known: { itemCount: given.itemCount, factors, options: { dimensions: width } },
      itemOf: (slot) => this.itemOf(slot),
      ground: given.ground,
      max: given.newItemsMax,
    });
  }

  get vectorsKept(): number {
    return this.#vectors.count;
  }

  get newItems(): NewItemCounts {
    return this.#newItems.counts();
  }

  /** New items may be others now. People's vectors go by their states alone, which have offsets. */
  lookAgain(): void {
    this.#newItems.lookAgain();
  }

  /** What is known of these items may be another now. */
  itemsChanged(slots: Iterable<number>): void {
    this.#newItems.changed(slots);
  }

  /** NO_ITEM where it does not know it. */
  itemOf(slot: number): number {
    const item = this.#given.items.itemOf(slot);
    return item < this.#given.itemCount ? item : NO_ITEM;
  }

  get dimensions(): number {
    return this.#given.foldIn.dimensions;
  }

  /** The vector that the release has for it. */
  factorsOf(item: number): Float32Array {
    return this.#given.foldIn.factorsOf(item);
  }

  /** Folds somebody in on the release's own vectors. */
  solve(events: PersonEvents, into: Float32Array): void {
    this.#given.foldIn.solve(events, into);
    this.#factored = undefined;
  }

  /** Items whose scores go by vectors that follow what people do. */
  get moved(): MovedItems {
    return this.#moved;
  }

  /** undefined where nothing that the person is for is known to it. */
  vectorOf(profile: Profile): Float32Array | undefined {
    const { subject, version } = profile;
    if (subject === null || version === null) return this.#solve(profile);
    const kept = this.#vectors.get(subject, version);
    if (kept !== undefined) return kept;
    const vector = this.#solve(profile);
    if (vector !== undefined) this.#vectors.put(subject, version, vector);
    return vector;
  }

  propose(profile: Profile, { count, leftOut, now }: ModelProposals, give: GiveToSlot): void {
    const vector = this.vectorOf(profile);
    if (vector === undefined) return;
    const { items, itemCount } = this.#given;
    const wanted = { count, leftOut: items.itemsOf(leftOut, itemCount) };
    this.#moved.search(vector, wanted, (item, score) => give(items.slotOf(item), score));
    this.#newItems.makeSome(now);
    for (const [slot, own] of this.#newItems.entries()) {
      const score = product(own, vector);
      if (score > 0 && !leftOut.has(slot)) give(slot, score);
    }
  }

  contribute(
    profile: Profile,
    slots: readonly number[],
    give: (slot: number, event: TasteEvent, amount: number) => void,
  ): void {
    const known = this.#knownEvents(profile);
    if (known.positiveCount === 0) return;
    const { foldIn } = this.#given;
    if (this.#factored !== profile) foldIn.factor(known);
    this.#factored = profile;
    for (const slot of slots) {
      const own = this.#itemVector(slot);
      if (own === undefined) continue;
      const products = foldIn.productsFor(own);
      for (let k = 0; k < known.positiveCount; k++) {
        give(slot, known.deeds[k]!, known.weights[k]! * products[k]!);
      }
    }
  }

  /** A person's state may be another one at the same offset. */
  forgetVectors(): void {
    this.#vectors.clear();
  }

  /** Drops what is kept of somebody who was forgotten. */
  letGoOf(subject: SubjectId): void {
    this.#vectors.letGoOf(subject);
    if (this.#factored?.subject === subject) this.#factored = undefined;
  }

  release(): void {
    this.#given.foldIn.release();
    this.#moved.release();
  }

  #itemVector(slot: number): Float32Array | undefined {
    const item = this.itemOf(slot);
    if (item !== NO_ITEM) return this.#moved.vectorOf(item);
    return this.#newItems.vectorOf(slot)?.subarray(0, this.#given.foldIn.dimensions);
  }

  #solve(profile: Profile): Float32Array | undefined {
    const known = this.#knownEvents(profile);
    if (known.positiveCount === 0) return undefined;
    const vector = new Float32Array(this.#given.foldIn.dimensions);
    this.#given.foldIn.solve(known, vector);
    this.#factored = profile;
    return vector;
  }

  #knownEvents(profile: Profile) {
    return knownEventsOf(profile, {
      itemOf: ({ slot }) => this.itemOf(slot),
      weightOf: ({ weight }) => weight,
    });
  }
}
