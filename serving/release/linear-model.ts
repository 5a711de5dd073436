/**
 * A linear model of items to serve: the next-item model (what people do next after what this person just
 * did, did lately and has always done) and EASE (what goes with all that they did, in whatever order).
 * The score is a sum of rows, one for each event; the sum is the explanation.
 */
import type { LinearItemModel } from '../../algorithms/linear/linear-item-model.ts';
import { largest } from '../../algorithms/selection/largest.ts';
import type { Profile } from '../profile.ts';
import { giveBack } from './given-back.ts';
import type { GiveToSlot, ModelProposals, ModelSource } from './model-source.ts';
import type { PersonSequences } from './person-sequence.ts';
import { NO_ITEM, type ReleaseItems } from './release-items.ts';

export interface LinearModelParts {
  readonly model: LinearItemModel;
  /** What the model's rows are views of; this model's alone. */
  readonly bytes: Uint8Array;
  readonly items: ReleaseItems;
  readonly sequences: PersonSequences;
}

export class LinearModel implements ModelSource {
  readonly #given: LinearModelParts;
  readonly #scores: Float64Array;
  readonly #above: Int32Array;

  constructor(given: LinearModelParts) {
    this.#given = given;
    this.#scores = new Float64Array(given.model.itemCount);
    this.#above = new Int32Array(given.model.itemCount);
  }

  propose(profile: Profile, { count, leftOut }: ModelProposals, give: GiveToSlot): void {
    const { model, items, sequences } = this.#given;
    const { history } = sequences.of(profile);
    if (history.items.length === 0) return;
    model.score(history, this.#scores);
    for (const item of items.itemsOf(leftOut, model.itemCount)) this.#scores[item] = 0;
    let found = 0;
    for (let item = 0; item < model.itemCount; item++) {
      if (this.#scores[item]! > 0) this.#above[found++] = item;
    }
    for (const item of largest(this.#above, found, count, (k) => this.#scores[k]!)) {
      give(items.slotOf(item), this.#scores[item]!);
    }
  }

  contribute(
    profile: Profile,
    slots: readonly number[],
    give: Parameters<ModelSource['contribute']>[2],
  ): void {
    const { model, items, sequences } = this.#given;
    const { history, events } = sequences.of(profile);
    for (const slot of slots) {
      const item = items.itemOf(slot);
      if (item === NO_ITEM || item >= model.itemCount) continue;
      const shares = model.explain(history, item);
      for (let place = 0; place < shares.length; place++) {
        if (shares[place] !== 0) give(slot, events[place]!, shares[place]!);
      }
    }
  }

  release(): void {
    giveBack(this.#given.bytes);
  }
}
