/**
 * "People with a history like yours chose this": from the people most alike, by what they chose and this
 * person did not see. What fewer than three of them chose is not proposed, so that no list shows what one
 * other person did.
 */
import type {
  ChosenItem,
  NearPeople,
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
): CandidateSource => {
  /** A list and its reasons, made in one turn, look once; nobody is kept longer than their profile. */
  const looked = new WeakMap<Profile, NearPeople>();
  const nearTo = (profile: Profile): NearPeople => {
    let near = looked.get(profile);
    if (near === undefined) {
      near = neighbours.near(chosenOf(profile), profile.subject ?? undefined);
      looked.set(profile, near);
    }
    return near;
  };
  return {
    part: 'people',
    isPersonal: true,

    retrieve({ profile, includeSeen }: Retrieval, scores: CandidateScores): void {
      looked.delete(profile);
      const { slots } = profile.seen;
      neighbours.score(nearTo(profile), (slot, amount) => {
        if (includeSeen || !slots.has(slot)) scores.add(slot, amount);
      });
    },

    contribute({ profile }: Retrieval, { slots, places }: Chosen, give: Give): void {
      neighbours.contribute(nearTo(profile), slots, (slot, place, amount) => {
        const { weight, events } = profile.items[place]!;
        for (const event of events) give(places[slot]!, event, (amount * event.weight) / weight);
      });
    },

    held({ profile }: Retrieval): string | undefined {
      if (peopleMax === 0 || profile.items.length < neighbours.sharedMin) return undefined;
      const found = nearTo(profile).places.length;
      if (found >= supportMin) return undefined;
      return `needs ${supportMin} people with a similar history, have ${found}`;
    },
  };
};

export const chosenOf = ({ items }: Profile): readonly ChosenItem[] =>
  items.map(({ slot, weight }) => ({ item: slot, weight }));
