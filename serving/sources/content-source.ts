/**
 * "More like this" by what items are, not by who liked them: the one personal source that works for
 * the first event of the first person, and for items that nobody has touched.
 */
import type {
  CandidateScores,
  CandidateSource,
  Chosen,
  Give,
  Retrieval,
} from './candidate-source.ts';
import { fetched } from './fetched-rows.ts';

/** Items alike in content, as pairs [slot, likeness]. */
export interface ContentNeighbours {
  neighboursOf(slot: number): Float32Array;
}

export const PAIR = 2;

export const contentSource = (content: ContentNeighbours): CandidateSource => ({
  part: 'content',
  isPersonal: true,

  retrieve({ profile }: Retrieval, scores: CandidateScores): void {
    const rows = fetched(profile.items.map(({ slot }) => content.neighboursOf(slot)));
    for (let index = 0; index < rows.length; index++) {
      const { weight } = profile.items[index]!;
      const alike = rows[index]!;
      for (let at = 0; at < alike.length; at += PAIR)
        scores.add(alike[at]!, weight * alike[at + 1]!);
    }
  },

  contribute({ profile }: Retrieval, { places }: Chosen, give: Give): void {
    for (const { slot, events } of profile.items) {
      const alike = content.neighboursOf(slot);
      for (let at = 0; at < alike.length; at += PAIR) {
        const place = places[alike[at]!]!;
        if (place === 0) continue;
        for (const event of events) give(place, event, event.weight * alike[at + 1]!);
      }
    }
  },
});
