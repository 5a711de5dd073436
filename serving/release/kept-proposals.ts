/**
 * A model whose answers to a person hang on nothing but that person's state, asked once for each: a
 * watched list is made again several times a second while items change, and nothing of that changes what
 * such a model proposes. A view (I7), kept for the person's offset and let go of like any other.
 *
 * Memory: 12 bytes an item proposed, 1.4 KB for the 120 of a list.
 */
import type { Profile } from '../profile.ts';
import type { GiveToSlot, ModelProposals, ModelSource } from './model-source.ts';
import { RecentViews } from './recent-views.ts';

interface Proposed {
  /** Another number of items, or of those left out, is another question. */
  readonly count: number;
  readonly leftOutCount: number;
  readonly slots: Int32Array;
  readonly scores: Float64Array;
}

export class KeptProposals implements ModelSource {
  readonly #model: ModelSource;
  readonly #kept: RecentViews<Proposed>;

  constructor(model: ModelSource, { peopleMax }: { readonly peopleMax: number }) {
    this.#model = model;
    this.#kept = new RecentViews(peopleMax);
  }

  propose(profile: Profile, proposals: ModelProposals, give: GiveToSlot): void {
    const { subject, version } = profile;
    if (subject === null || version === null) {
      this.#model.propose(profile, proposals, give);
      return;
    }
    const { count, leftOut } = proposals;
    let proposed = this.#kept.get(subject, version);
    if (proposed?.count !== count || proposed.leftOutCount !== leftOut.size) {
      proposed = this.#ask(profile, proposals);
      this.#kept.put(subject, version, proposed);
    }
    const { slots, scores } = proposed;
    for (let at = 0; at < slots.length; at++) give(slots[at]!, scores[at]!);
  }

  #ask(profile: Profile, proposals: ModelProposals): Proposed {
    const slots: number[] = [];
    const scores: number[] = [];
    this.#model.propose(profile, proposals, (slot, score) => {
      slots.push(slot);
      scores.push(score);
    });
    return {
      count: proposals.count,
      leftOutCount: proposals.leftOut.size,
      slots: Int32Array.from(slots),
      scores: Float64Array.from(scores),
    };
  }

  contribute(...asked: Parameters<ModelSource['contribute']>): void {
    this.#model.contribute(...asked);
  }

  /** A person's state may be another one at the same offset. */
  forget(): void {
    this.#kept.clear();
  }

  release(): void {
    this.#model.release();
  }
}
