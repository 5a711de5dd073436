/**
 * The sources that go by a trained model of the release in use: taste, embedding, graph, sequence. They
 * leave out what the person has seen, unless it is wanted: their own history fits them best of all.
 */
import type { ModelPart } from '../release/serving-release.ts';
import type {
  CandidateScores,
  CandidateSource,
  Chosen,
  Give,
  Retrieval,
} from './candidate-source.ts';

const NO_SLOTS: ReadonlySet<number> = new Set();

export const modelSource = (part: ModelPart): CandidateSource => ({
  part,
  isPersonal: true,

  retrieve(retrieval: Retrieval, scores: CandidateScores): void {
    const { release, profile, includeSeen, candidatesMax, now } = retrieval;
    const leftOut = includeSeen ? NO_SLOTS : profile.seen.slots;
    const proposals = { count: candidatesMax, leftOut, now };
    release?.sources[part]?.propose(profile, proposals, (slot, raw) => scores.add(slot, raw));
  },

  contribute({ release, profile }: Retrieval, { slots, places }: Chosen, give: Give): void {
    release?.sources[part]?.contribute(profile, slots, (slot, event, amount) =>
      give(places[slot]!, event, amount),
    );
  },

  held({ release, profile }: Retrieval): string | undefined {
    // Said once, of the first of them.
    if (part !== 'taste' || release !== undefined || profile.positives.length === 0) {
      return undefined;
    }
    return 'needs a trained model, have none';
  },
});
