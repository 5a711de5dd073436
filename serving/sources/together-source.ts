/**
 * "People who liked this also liked": co-visitation in both directions, cosine-normalised against
 * popularity, summed over the person's events by their weight. Pairs that fewer than three people
 * stand behind are not used, so that nobody can make two items neighbours alone.
 */
import { type ItemIndex, TRIPLE } from '../item-index.ts';
import type { LadderOptions } from '../options.ts';
import type {
  CandidateScores,
  CandidateSource,
  Chosen,
  Give,
  Retrieval,
} from './candidate-source.ts';
import { fetched } from './fetched-rows.ts';

export const togetherSource = (itemIndex: ItemIndex, ladder: LadderOptions): CandidateSource => ({
  part: 'together',
  isPersonal: true,

  retrieve({ profile, now }: Retrieval, scores: CandidateScores): void {
    const scale = itemIndex.pairScale(now);
    const rows = fetched(profile.items.map(({ slot }) => itemIndex.neighboursOf(slot)));
    for (let index = 0; index < rows.length; index++) {
      const { slot, weight } = profile.items[index]!;
      const neighbours = rows[index]!;
      const factor = weight * scale * itemIndex.dampingOf(slot);
      for (let at = 0; at < neighbours.length; at += TRIPLE) {
        const neighbour = neighbours[at]!;
        const amount = factor * neighbours[at + 1]! * itemIndex.dampingOf(neighbour);
        if (amount > 0) scores.add(neighbour, amount);
      }
    }
  },

  contribute({ profile, now }: Retrieval, { places }: Chosen, give: Give): void {
    const scale = itemIndex.pairScale(now);
    for (const { slot, events } of profile.items) {
      const neighbours = itemIndex.neighboursOf(slot);
      const factor = scale * itemIndex.dampingOf(slot);
      for (let at = 0; at < neighbours.length; at += TRIPLE) {
        const place = places[neighbours[at]!]!;
        if (place === 0) continue;
        const likeness = factor * neighbours[at + 1]! * itemIndex.dampingOf(neighbours[at]!);
        for (const event of events) give(place, event, event.weight * likeness);
      }
    }
  },

  held({ profile }: Retrieval): string | undefined {
    return heldPairs(profile.positives, itemIndex, ladder.pairPeopleMin);
  },
});

/** Said when the person's items have neighbours, or none at all, but none with enough people. */
export const heldPairs = (
  events: readonly { readonly slot: number }[],
  itemIndex: ItemIndex,
  peopleMin: number,
): string | undefined => {
  if (events.length === 0) return undefined;
  let most = 0;
  for (const { slot } of events) most = Math.max(most, itemIndex.heldPeopleOf(slot));
  return `pairs need ${peopleMin} people, have ${most}`;
};
