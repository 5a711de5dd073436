/** People of like taste: how alike, and what they share with whoever asks. */
import type { PeopleNeighbours } from '../../algorithms/neighbourhood/people-neighbours.ts';
import type { SimilarPeopleAnswer } from '../../schemas/api/users.ts';
import type { Clock } from '../../schemas/environment.ts';
import { subjectOfUser, type UserId } from '../../schemas/ids.ts';
import type { Catalogue } from '../catalogue.ts';
import { type ProfileOptions, profileOf } from '../profile.ts';
import { chosenOf } from '../sources/people-source.ts';
import type { Subject, SubjectReader } from '../subject-reader.ts';

export interface SimilarPeopleParts {
  readonly neighbours: PeopleNeighbours;
  readonly subjects: SubjectReader;
  readonly catalogue: Catalogue;
  readonly profiles: ProfileOptions;
  readonly clock: Clock;
}

const USER_PREFIX_LENGTH = subjectOfUser('' as UserId).length;
/** Items told of each, those that the asking person chose last. */
const SHARED_TOLD = 10;
const toThousandth = (value: number): number => Math.round(value * 1_000) / 1_000;

export class SimilarPeople {
  readonly #given: SimilarPeopleParts;

  constructor(given: SimilarPeopleParts) {
    this.#given = given;
  }

  async of(subject: Subject, limit: number): Promise<SimilarPeopleAnswer> {
    const { neighbours, subjects, catalogue, profiles, clock } = this.#given;
    const state = await subjects.read(subject);
    if (state === undefined) return { people: [] };
    const chosen = chosenOf(profileOf(subject.id, state, clock.now(), profiles));
    const same = neighbours.likenessOfSame(chosen);
    const people = neighbours
      .nearest(neighbours.near(chosen, subject.id), limit)
      .map(({ key, likeness, shared }) => ({
        userId: key.slice(USER_PREFIX_LENGTH) as UserId,
        likeness: toThousandth(Math.min(1, likeness / same)),
        sharedCount: shared.length,
        shared: shared.slice(0, SHARED_TOLD).map((place) => {
          const slot = chosen[place]!.item;
          return { itemId: catalogue.slots.idOf(slot)!, title: catalogue.titleOf(slot) };
        }),
      }));
    return { people };
  }
}
