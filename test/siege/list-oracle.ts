/**
 * What is served, held against what was acknowledged. A person's history is their events, once each, in the
 * order of their times. A list has no item twice, and every reason in it names an event of that person's.
 * Processes that lived through the siege count of each item what one counts that was started after it, and
 * give nearly its lists, where each has all people in memory: which of equals comes first depends on the order
 * in which a process met them.
 */
import type { Item } from '../../schemas/api/items.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { HistoryAnswer } from '../../schemas/api/users.ts';
import type { LedgerEvent, SettledLedger } from '../faults/ledger.ts';

export interface ServedOptions {
  /** Of processes that serve; the last one is the newest. */
  readonly urls: readonly string[];
  readonly ledger: SettledLedger;
  readonly people: readonly string[];
  readonly items: readonly string[];
}

const PROBLEMS_MAX = 5;
const SHOWN = 100;
const ASKED = 20;
const TOLD = 4;
/** Equal scores stand in another order in each process: of 20 items 16 were seen in common, of strangers none need be. */
const SHARE_IN_COMMON_MIN = 0.6;

export const compareServed = async (options: ServedOptions): Promise<readonly string[]> => {
  const byPerson = Map.groupBy(
    [...options.ledger.acknowledged].map((id) => options.ledger.events.get(id)!),
    ({ userId }) => userId,
  );
  const problems: string[] = [];
  for (const person of options.people) {
    const events = byPerson.get(person) ?? [];
    for (const url of options.urls) {
      problems.push(...(await historyProblems(url, person, events)));
    }
    problems.push(...(await listProblems(options.urls, person, events)));
    if (problems.length >= PROBLEMS_MAX) break;
  }
  const ofItems: string[] = [];
  for (const item of options.items) ofItems.push(...(await itemProblems(options.urls, item)));
  return [...ofItems.slice(0, PROBLEMS_MAX), ...problems.slice(0, PROBLEMS_MAX)];
};

const historyProblems = async (
  url: string,
  person: string,
  events: readonly LedgerEvent[],
): Promise<readonly string[]> => {
  const answer = await ask<HistoryAnswer>(`${url}/v1/users/${person}/history?limit=${SHOWN}`);
  const shown = answer.events.map(({ eventId }) => eventId).join(' ');
  const wanted = [...events]
    .sort(newestFirst)
    .slice(0, SHOWN)
    .map(({ eventId }) => eventId)
    .join(' ');
  return shown === wanted ? [] : [`the history of ${person} is ${shown}, not ${wanted}`];
};

const newestFirst = (left: LedgerEvent, right: LedgerEvent): number =>
  right.occurredAtMs - left.occurredAtMs || (left.eventId < right.eventId ? 1 : -1);

const listProblems = async (
  urls: readonly string[],
  person: string,
  events: readonly LedgerEvent[],
): Promise<readonly string[]> => {
  const own = new Set(events.map(({ eventId }) => eventId));
  const lists = await Promise.all(
    urls.map((url) => ask<ListAnswer>(`${url}/v1/users/${person}/recommendations?limit=${ASKED}`)),
  );
  const newest = new Set(itemsOf(lists.at(-1)!));
  return lists.flatMap((list) => {
    const items = itemsOf(list);
    const shared = items.filter((item) => newest.has(item)).length;
    const foreign = reasonsOf(list).find((eventId) => !own.has(eventId));
    return [
      ...(foreign === undefined ? [] : [`a list of ${person} has a reason not theirs, ${foreign}`]),
      ...(new Set(items).size === items.length ? [] : [`a list of ${person} has an item twice`]),
      ...(list.asOf.stale === true ? [`a list of ${person} is stale`] : []),
      ...(shared >= SHARE_IN_COMMON_MIN * ASKED
        ? []
        : [
            `lists of ${person} share only ${shared}: ${told(list)}; the newest ${told(lists.at(-1)!)}`,
          ]),
    ];
  });
};

/** What it was made of, and the parts of its best. */
const told = ({ asOf, held = [], items }: ListAnswer): string =>
  JSON.stringify({
    offset: asOf.offset,
    held: held.map(({ part }) => part),
    best: items.slice(0, TOLD).map(({ itemId, parts }) => ({ itemId, ...parts })),
  });

const itemsOf = ({ items }: ListAnswer): readonly string[] => items.map(({ itemId }) => itemId);

const reasonsOf = ({ items }: ListAnswer): readonly string[] =>
  items.flatMap(({ reasons }) =>
    reasons.flatMap(({ because }) => because.map(({ eventId }) => eventId)),
  );

const itemProblems = async (urls: readonly string[], item: string): Promise<readonly string[]> => {
  const answers = await Promise.all(urls.map((url) => ask<Item>(`${url}/v1/items/${item}`)));
  const counted = answers.map(({ counters: { interactions, ratingCount, ratingHistogram } }) =>
    JSON.stringify({ interactions, ratingCount, ratingHistogram }),
  );
  return new Set(counted).size === 1 ? [] : [`${item} is counted as ${counted.join(' and ')}`];
};

const ask = async <Answer>(url: string): Promise<Answer> => {
  const answer = await fetch(url);
  if (!answer.ok)
    throw new Error(`Expected ${url} to answer, got ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Answer;
};
