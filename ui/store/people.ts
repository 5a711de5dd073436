/** Who one is on this page: people made here, remembered by the browser. */
import type { Person } from './page-state.ts';

export type PeopleStorage = Pick<Storage, 'getItem' | 'setItem'>;

export interface People {
  readonly own: readonly Person[];
  readonly current: Person;
}

const KEY = 'freshet-people-2';

export const loadPeople = (storage: PeopleStorage, newId: () => string): People => {
  const stored = readStored(storage);
  if (stored) return stored;
  const first = newPerson([], newId);
  const people = { own: [first], current: first };
  // At once: who rates something and loads the page anew is to be the same person.
  savePeople(storage, people);
  return people;
};

/** What the browser kept may be anything: another version's, or half of it. */
const readStored = (storage: PeopleStorage): People | undefined => {
  try {
    const people = JSON.parse(storage.getItem(KEY) ?? 'null') as Partial<People> | null;
    const isPerson = (person: Person | undefined): boolean =>
      typeof person?.id === 'string' && typeof person.name === 'string';
    if (!people?.own?.every(isPerson) || !isPerson(people.current)) return undefined;
    return people as People;
  } catch {
    return undefined;
  }
};

/** A browser that keeps nothing (a private window) forgets who one was: no harm. */
export const savePeople = (storage: PeopleStorage, people: People): void => {
  try {
    storage.setItem(KEY, JSON.stringify(people));
  } catch {
    return;
  }
};

export const newPerson = (own: readonly Person[], newId: () => string): Person => ({
  id: `guest-${newId().slice(0, 8)}`,
  name: own.length === 0 ? 'you' : `you, number ${own.length + 1}`,
});
