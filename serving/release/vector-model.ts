/**
 * Item vectors (item2vec, or those of the graph) to serve: a person is the recency-weighted sum of the
 * vectors of what they chose, and the items that answer it best are found exactly. Scores are logits,
 * of either sign: an item's raw score is e^(its logit less the best one), so that its share of the list
 * is the softmax over the list, as the blend's weights were learned.
 */
import type { EmbeddingModel } from '../../algorithms/embedding/embedding-model.ts';
import type { TopItems } from '../../algorithms/selection/top-items.ts';
import type { Profile } from '../profile.ts';
import { giveBack } from './given-back.ts';
import type { GiveToSlot, ModelProposals, ModelSource } from './model-source.ts';
import type { PersonSequences } from './person-sequence.ts';
import { NO_ITEM, type ReleaseItems } from './release-items.ts';

export interface VectorModelParts {
  readonly model: EmbeddingModel;
  /** What the model's vectors are views of; this model's alone. */
  readonly bytes: Uint8Array;
  /** Over the model's answers. */
  readonly topItems: TopItems;
  readonly items: ReleaseItems;
  readonly sequences: PersonSequences;
}

export class VectorModel implements ModelSource {
  readonly #given: VectorModelParts;

  constructor(given: VectorModelParts) {
    this.#given = given;
  }

  propose(profile: Profile, { count, leftOut }: ModelProposals, give: GiveToSlot): void {
    const { model, topItems, items, sequences } = this.#given;
    const query = model.queryOf(sequences.of(profile).history);
    if (query === undefined) return;
    const found = topItems.search(query, count, items.itemsOf(leftOut, model.itemCount));
    const best = found.scores[0]!;
    for (let at = 0; at < found.count; at++) {
      give(items.slotOf(found.items[at]!), Math.exp(found.scores[at]! - best));
    }
  }

  contribute(
    profile: Profile,
    slots: readonly number[],
    give: Parameters<ModelSource['contribute']>[2],
  ): void {
    const { model, items, sequences } = this.#given;
    const { history, events } = sequences.of(profile);
    const known = slots
      .map((slot) => items.itemOf(slot))
      .filter((item) => item !== NO_ITEM && item < model.itemCount);
    model.eachProduct(history, known, (item, place, product) =>
      give(items.slotOf(item), events[place]!, product),
    );
  }

  release(): void {
    this.#given.topItems.release();
    giveBack(this.#given.bytes);
  }
}
