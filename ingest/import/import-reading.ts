/**
 * The first half of an import: items and events out of the data set, checked, sampled where that is
 * wished, and named by the hash of what they say. Events go into the sorter as they come.
 */
import { createHash } from 'node:crypto';
import { isFreshetError } from '../../schemas/errors.ts';
import { checkValue } from '../edge/event-check.ts';
import { isId } from '../edge/ids.ts';
import type { Dataset, ImportedEvent, ImportedItem, TakeEvent } from './dataset.ts';
import type { EventSorter } from './event-sorter.ts';
import { type ImportDeps, type ImportOptions, meter } from './import-options.ts';
import { cleanItem } from './item-cleaning.ts';
import { ProblemLog } from './problem-log.ts';

export interface ImportReading {
  readonly deps: ImportDeps;
  readonly options: ImportOptions;
  readonly sorter: EventSorter;
  readonly problems: ProblemLog;
}

export interface ImportContents {
  /** SHA-256 of the items and events in the order of the source, before any shift. */
  readonly importId: string;
  readonly items: readonly ImportedItem[];
}

const DAY_MS = 86_400_000;

export const readContents = async (
  dataset: Dataset,
  reading: ImportReading,
): Promise<ImportContents> => {
  const { deps, options, problems, sorter } = reading;
  const sample =
    options.sampleItems === null
      ? undefined
      : await mostChosen(dataset, reading, options.sampleItems);
  const advance = meter(deps, { phase: 'reading', total: dataset.bytes, unit: 'bytes' });
  const onBytes = (bytes: number): Promise<void> | undefined => {
    deps.signal?.throwIfAborted();
    advance(bytes);
    return sorter.isFull ? sorter.spill() : undefined;
  };
  const items = new Map<string, ImportedItem>();
  for (const given of await dataset.readItems({ problems, onBytes })) {
    if (sample && !sample.has(given.itemId)) continue;
    const item = cleanItem(given, problems);
    if (item) items.set(item.itemId, item);
  }
  const hash = new ContentHash();
  for (const item of items.values()) hash.add(JSON.stringify(item));
  const mustDescribe = items.size > 0 && dataset.hasEventsOfOtherItems !== true;
  await dataset.readEvents({ problems, onBytes }, (event) => {
    if (sample && !sample.has(event.itemId)) return;
    const problem = problemOf(event, reading);
    if (problem !== undefined) {
      problems.broken(problem, `${event.file}:${event.line}`, textOf(event));
    } else if (mustDescribe && !items.has(event.itemId)) {
      const what = 'an event of an item that the data set does not describe, left out';
      problems.cleaned(what, `${event.file}:${event.line}`, event.itemId);
    } else take(event, { sorter, hash });
  });
  return { importId: hash.digest(), items: [...items.values()] };
};

const take = (
  event: ImportedEvent,
  { sorter, hash }: { sorter: EventSorter; hash: ContentHash },
): void => {
  const { itemId, kind, value, time } = event;
  const subject = event.userId === null ? `s:${event.sessionId}` : `u:${event.userId}`;
  hash.add(`${subject}\t${itemId}\t${kind}\t${value}\t${time}`);
  sorter.add({ subject, itemId, kind, value, time });
};

const problemOf = (event: ImportedEvent, { deps }: ImportReading): string | undefined => {
  if ((event.userId === null) === (event.sessionId === null)) return 'no person, or two';
  if (!isId(event.userId ?? event.sessionId ?? '')) return 'a person whose id cannot be one';
  if (!isId(event.itemId)) return 'an item whose id cannot be one';
  const kind = deps.kinds.get(event.kind);
  if (kind === undefined) return 'a kind that is not in the table of kinds';
  if (Number.isNaN(event.time)) return 'a time that cannot be read';
  if (event.time < 0 || event.time > deps.clock.now() + DAY_MS) return 'a time that cannot be';
  if (Number.isNaN(event.value)) return 'a value that is no number';
  try {
    checkValue(event.value, kind);
    return undefined;
  } catch (error) {
    if (!isFreshetError(error, 'bad_value')) throw error;
    return 'a value that its kind does not take';
  }
};

const textOf = ({ userId, sessionId, itemId, kind, value, time }: ImportedEvent): string =>
  [userId ?? sessionId, itemId, kind, value, time].join(', ');

/** The items with the most events; of equally many those whose id comes first. */
const mostChosen = async (
  dataset: Dataset,
  { deps }: ImportReading,
  count: number,
): Promise<ReadonlySet<string>> => {
  const counts = new Map<string, number>();
  const advance = meter(deps, { phase: 'counting', total: dataset.eventBytes, unit: 'bytes' });
  const countOne: TakeEvent = ({ itemId }) => counts.set(itemId, (counts.get(itemId) ?? 0) + 1);
  // Problems are told when the events are read in earnest.
  const problems = new ProblemLog(Number.POSITIVE_INFINITY);
  const onBytes = (bytes: number): undefined => {
    deps.signal?.throwIfAborted();
    advance(bytes);
  };
  await dataset.readEvents({ problems, onBytes }, countOne);
  const chosen = [...counts]
    .sort(([left, leftCount], [right, rightCount]) =>
      rightCount === leftCount ? (left < right ? -1 : 1) : rightCount - leftCount,
    )
    .slice(0, count);
  return new Set(chosen.map(([itemId]) => itemId));
};

/** Hashes lines, many at a time: a call of the hash for each would cost more than the hash. */
class ContentHash {
  readonly #hash = createHash('sha256');
  #lines: string[] = [];

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length >= 4_096) this.#flush();
  }

  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    this.#hash.update(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}
