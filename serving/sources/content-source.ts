/**
 * "More like this" by what items are, not by who liked them: the one personal source that works for
 * the first event of the first person, and for items that nobody has touched.
 */
import type {
  CandidateScores,
  CandidateSource,
  Contribution,
  Retrieval,
} from './candidate-source.ts';

/** Items alike in content, as pairs [slot, likeness]. */
export interface ContentNeighbours {
  neighboursOf(slot: number): Float32Array;
}

export const PAIR = 2;

export const contentSource = (content: ContentNeighbours): CandidateSource => ({
  part: 'content',
  isPersonal: true,

  retrieve({ profile }: Retrieval, scores: CandidateScores): void {
    for (const { slot, weight } of profile.positives) {
      const alike = content.neighboursOf(slot);
      for (let at = 0; at < alike.length; at += PAIR)
        scores.add(alike[at]!, weight * alike[at + 1]!);
    }
  },

  contribute(
    { profile }: Retrieval,
    wants: (slot: number) => boolean,
    give: (slot: number, contribution: Contribution) => void,
  ): void {
    for (const event of profile.positives) {
      const alike = content.neighboursOf(event.slot);
      for (let at = 0; at < alike.length; at += PAIR) {
        const slot = alike[at]!;
        if (wants(slot)) give(slot, { event, amount: event.weight * alike[at + 1]! });
      }
    }
  },
});
