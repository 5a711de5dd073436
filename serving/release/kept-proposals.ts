/**
 * A model whose answers to a person hang on nothing but that person's state, asked once for each: a
 * watched list is made again several times a second while items change, and nothing of that changes what
 * such a model proposes. A view (I7), kept for the person's offset and let go of like any other.
 *
 * Memory: 12 bytes an item proposed, 1.4 KB for the 120 of a list.
 */
import type { SubjectId } from '../../schemas/ids.ts';
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

const FIRST_ROOM = 128;

export class KeptProposals implements ModelSource {
  readonly #model: ModelSource;
  readonly #kept: RecentViews<Proposed>;
  /** Taken into while the model proposes. */
  #slots = new Int32Array(FIRST_ROOM);
  #scores = new Float64Array(FIRST_ROOM);

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
    let found = 0;
    this.#model.propose(profile, proposals, (slot, score) => {
      if (found === this.#slots.length) this.#makeRoom();
      this.#slots[found] = slot;
      this.#scores[found++] = score;
    });
    return {
      count: proposals.count,
      leftOutCount: proposals.leftOut.size,
      slots: this.#slots.slice(0, found),
      scores: this.#scores.slice(0, found),
    };
  }

  #makeRoom(): void {
    const [slots, scores] = [this.#slots, this.#scores];
    this.#slots = new Int32Array(slots.length * 2);
    this.#slots.set(slots);
    this.#scores = new Float64Array(scores.length * 2);
    this.#scores.set(scores);
  }

  contribute(...asked: Parameters<ModelSource['contribute']>): void {
    this.#model.contribute(...asked);
  }

  /** A person's state may be another one at the same offset. */
  forget(): void {
    this.#kept.clear();
  }

  /** Drops what is kept of somebody who was forgotten. */
  letGoOf(subject: SubjectId): void {
    this.#kept.letGoOf(subject);
  }

  release(): void {
    this.#model.release();
  }
}
