/**
 * "People with a history like yours chose this": from the people most alike, by what they chose and this
 * person did not see. What fewer than three of them chose is not proposed, so that no list shows what one
 * other person did.
 */
import type {
  ChosenItem,
  PeopleNeighbours,
} from '../../algorithms/neighbourhood/people-neighbours.ts';
import type { PeopleOptions } from '../options.ts';
import type { Profile } from '../profile.ts';
import type {
  CandidateScores,
  CandidateSource,
  Chosen,
  Give,
  Retrieval,
} from './candidate-source.ts';

export const peopleSource = (
  neighbours: PeopleNeighbours,
  { peopleMax, supportMin }: Pick<PeopleOptions, 'peopleMax' | 'supportMin'>,
): CandidateSource => ({
  part: 'people',
  isPersonal: true,

  retrieve({ profile, includeSeen }: Retrieval, scores: CandidateScores): void {
    const { slots } = profile.seen;
    neighbours.score(chosenOf(profile), profile.subject ?? undefined, (slot, amount) => {
      if (includeSeen || !slots.has(slot)) scores.add(slot, amount);
    });
  },

  contribute({ profile }: Retrieval, { slots, places }: Chosen, give: Give): void {
    const asked = { items: new Set(slots), except: profile.subject ?? undefined };
    neighbours.contribute(chosenOf(profile), asked, (slot, place, amount) => {
      const { weight, events } = profile.items[place]!;
      for (const event of events) give(places[slot]!, event, (amount * event.weight) / weight);
    });
  },

  held({ profile }: Retrieval): string | undefined {
    if (peopleMax === 0 || profile.items.length < neighbours.sharedMin) return undefined;
    const found = neighbours.nearest(chosenOf(profile), profile.subject ?? undefined, supportMin);
    if (found.length >= supportMin) return undefined;
    return `needs ${supportMin} people with a similar history, have ${found.length}`;
  },
});

export const chosenOf = ({ items }: Profile): readonly ChosenItem[] =>
  items.map(({ slot, weight }) => ({ item: slot, weight }));
