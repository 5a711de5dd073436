/** Who one can be on this page: some of the demo's people, and those made here. */
import type { Person } from './page-state.ts';

export type PeopleStorage = Pick<Storage, 'getItem' | 'setItem'>;

export interface People {
  readonly all: readonly Person[];
  readonly current: Person;
}

const KEY = 'freshet-people';
const DEMO_PEOPLE = 6;

export const loadPeople = (storage: PeopleStorage): People => {
  const stored = storage.getItem(KEY);
  if (stored !== null) {
    const people = JSON.parse(stored) as People;
    if (people.all.length > 0) return people;
  }
  const first = newPerson([]);
  const demo = Array.from({ length: DEMO_PEOPLE }, (_, index) => demoPerson(index + 1));
  return { all: [first, ...demo], current: first };
};

export const savePeople = (storage: PeopleStorage, people: People): void =>
  storage.setItem(KEY, JSON.stringify(people));

export const newPerson = (others: readonly Person[]): Person => {
  const count = others.filter(({ id }) => id.startsWith('guest-')).length + 1;
  const suffix = crypto.randomUUID().slice(0, 6);
  return { id: `guest-${suffix}`, name: count === 1 ? 'you' : `you, number ${count}` };
};

const demoPerson = (index: number): Person => ({
  id: `person-${index}`,
  name: `person ${index} of the audience`,
});
