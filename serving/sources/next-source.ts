/**
 * "What people go to next": directed transitions from the person's newest items, each row divided by
 * its sum, the newest item counting most.
 */
import { type ItemIndex, TRIPLE } from '../item-index.ts';
import type { LadderOptions } from '../options.ts';
import type { TasteEvent } from '../profile.ts';
import type {
  CandidateScores,
  CandidateSource,
  Chosen,
  Give,
  Retrieval,
} from './candidate-source.ts';
import { heldPairs } from './together-source.ts';

export const nextSource = (itemIndex: ItemIndex, ladder: LadderOptions): CandidateSource => ({
  part: 'next',
  isPersonal: true,

  retrieve({ profile, now }: Retrieval, scores: CandidateScores): void {
    eachTransition(
      profile.positives,
      { itemIndex, ladder, scale: itemIndex.pairScale(now) },
      (slot, _, amount) => scores.add(slot, amount),
    );
  },

  contribute({ profile, now }: Retrieval, { places }: Chosen, give: Give): void {
    const scale = itemIndex.pairScale(now);
    eachTransition(profile.positives, { itemIndex, ladder, scale }, (slot, event, amount) => {
      const place = places[slot]!;
      if (place !== 0) give(place, event, amount);
    });
  },

  held({ profile }: Retrieval): string | undefined {
    return heldPairs(profile.positives, itemIndex, ladder.pairPeopleMin);
  },
});

/** The newest items once each, the newest first. */
const eachTransition = (
  positives: readonly TasteEvent[],
  given: { readonly itemIndex: ItemIndex; readonly ladder: LadderOptions; readonly scale: number },
  take: (slot: number, event: TasteEvent, amount: number) => void,
): void => {
  const { itemIndex, ladder, scale } = given;
  const taken = new Set<number>();
  let recency = 1;
  for (const event of positives) {
    if (taken.size === ladder.nextEventsMax) return;
    if (taken.has(event.slot)) continue;
    taken.add(event.slot);
    const neighbours = itemIndex.neighboursOf(event.slot);
    const sum = itemIndex.forwardSumOf(event.slot) * scale + ladder.nextShrinkage;
    const factor = (event.weight * recency * scale) / sum;
    for (let at = 0; at < neighbours.length; at += TRIPLE) {
      const forward = neighbours[at + 2]!;
      if (forward > 0) take(neighbours[at]!, event, factor * forward);
    }
    recency *= ladder.nextDecay;
  }
};
