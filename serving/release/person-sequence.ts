/**
 * What a person chose, oldest first, as models of sequences were trained on it: only what speaks for
 * an item, only items that the release knows, and the same item several times in a row once, since a
 * click, a view and a watch of one film are no journey.
 */
import type { History } from '../../algorithms/histories/histories.ts';
import type { SubjectId } from '../../schemas/ids.ts';
import type { Profile, TasteEvent } from '../profile.ts';
import { NO_ITEM, type ReleaseItems } from './release-items.ts';

export interface PersonSequence {
  readonly history: History;
  /** The newest event of each place of the history. */
  readonly events: readonly TasteEvent[];
}

export class PersonSequences {
  readonly #items: ReleaseItems;
  /** Several sources ask for the same person's while one list is made. */
  #last: { readonly profile: Profile; readonly sequence: PersonSequence } | undefined;

  constructor(items: ReleaseItems) {
    this.#items = items;
  }

  of(profile: Profile): PersonSequence {
    if (this.#last?.profile !== profile) {
      this.#last = { profile, sequence: this.#sequenceOf(profile) };
    }
    return this.#last.sequence;
  }

  /** Drops what is kept of somebody who was forgotten. */
  letGoOf(subject: SubjectId): void {
    if (this.#last?.profile.subject === subject) this.#last = undefined;
  }

  #sequenceOf({ positives }: Profile): PersonSequence {
    const items: number[] = [];
    const events: TasteEvent[] = [];
    // Newest first, so that the first of a run is the one that is kept.
    for (const event of positives) {
      const item = this.#items.itemOf(event.slot);
      if (item === NO_ITEM || item === items.at(-1)) continue;
      items.push(item);
      events.push(event);
    }
    const history = { items: Uint32Array.from(items.reverse()), weights: null, times: null };
    return { history, events: events.reverse() };
  }
}
