/**
 * "To your taste": what a model trained on everybody's histories makes of this person's own events,
 * the newest included. It proposes the items whose vectors fit the person's best, and leaves out what
 * they have seen: their own history fits best of all.
 */
import type { TasteModel } from '../release/taste-model.ts';
import type {
  CandidateScores,
  CandidateSource,
  Chosen,
  Give,
  Retrieval,
} from './candidate-source.ts';

/** Slots that kept their part are told; a score is never below 0. */
export const tasteSource = (): CandidateSource => ({
  part: 'taste',
  isPersonal: true,

  retrieve(retrieval: Retrieval, scores: CandidateScores): void {
    const model = retrieval.release?.taste;
    const vector = model?.vectorOf(retrieval.profile);
    if (model !== undefined && vector !== undefined) propose(model, vector, retrieval, scores);
  },

  contribute({ release, profile }: Retrieval, { slots, places }: Chosen, give: Give): void {
    release?.taste?.contribute(profile, slots, (slot, event, amount) =>
      give(places[slot]!, event, amount),
    );
  },

  held({ release, profile }: Retrieval): string | undefined {
    if (profile.positives.length === 0) return undefined;
    if (release === undefined) return 'needs a trained model, have none';
    return undefined;
  },
});

const propose = (
  model: TasteModel,
  vector: Float32Array,
  { profile, includeSeen, candidatesMax }: Retrieval,
  scores: CandidateScores,
): void => {
  const seen = profile.seen.slots;
  const count = candidatesMax + (includeSeen ? 0 : seen.size);
  for (const { item, score } of model.best(vector, count)) {
    if (score <= 0) return;
    const slot = model.slotOf(item);
    if (includeSeen || !seen.has(slot)) scores.add(slot, score);
  }
};
