/** Somebody's event, as the ticker and the trending list tell of it. */
import type { ActivityEvent } from '../../schemas/api/live.ts';
import type { ActivityEntry, Person } from './page-state.ts';

/** `own` are the people made on this page: they keep the names that they have here. */
export const activityEntry = (event: ActivityEvent, own: readonly Person[]): ActivityEntry => ({
  key: event.eventId,
  who: personOf(event.subject, own),
  kind: event.kind,
  value: event.value,
  itemId: event.itemId,
  title: event.title,
});

/** The person behind a subject; anonymous sessions have none. */
const personOf = (subject: string, own: readonly Person[]): Person | null => {
  if (!subject.startsWith('u:')) return null;
  const id = subject.slice(2);
  return own.find((person) => person.id === id) ?? { id, name: id };
};

/** People who acted, the newest first, each once. */
export const recentPeople = (
  entries: readonly ActivityEntry[],
  before: readonly Person[],
  limit: number,
): readonly Person[] => {
  const found = new Map<string, Person>();
  for (const { who } of entries) if (who) found.set(who.id, who);
  for (const person of before) if (!found.has(person.id)) found.set(person.id, person);
  return [...found.values()].slice(0, limit);
};
