/**
 * Makes the catalogue equal to a feed: what is new is added, what differs is written anew, what the
 * feed no longer has is withdrawn. A feed that was cut off would withdraw half a shop, so more than a
 * fifth is withdrawn only by force, and a feed with unreadable lines withdraws nothing without it.
 */
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { ItemId } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import type { ImportedItem } from '../import/dataset.ts';
import { ProblemLog, type ProblemSummary } from '../import/problem-log.ts';
import { readItemFeed } from './item-feed.ts';

/** Where a feed is applied: the log, or a running server. */
export interface CatalogueTarget {
  /** Every item as it is now. */
  currentItems(): Promise<Iterable<CatalogueItemRecord>>;
  write(items: readonly CatalogueItemRecord[]): Promise<void>;
  remove(itemIds: readonly ItemId[]): Promise<void>;
}

export interface ItemSyncOptions {
  readonly feed: string;
  readonly force: boolean;
  /** Says what would change and changes nothing. */
  readonly dryRun: boolean;
  readonly brokenLinesMax?: number;
}

export interface ItemChange {
  readonly itemId: ItemId;
  readonly title: string;
  /** Which fields differ; empty for items that come or go. */
  readonly fields: readonly string[];
}

export interface ItemSyncReport {
  readonly added: readonly ItemChange[];
  readonly changed: readonly ItemChange[];
  readonly withdrawn: readonly ItemChange[];
  readonly unchanged: number;
  readonly broken: readonly ProblemSummary[];
  readonly cleaned: readonly ProblemSummary[];
  /** False for a dry run. */
  readonly isApplied: boolean;
}

const WITHDRAWN_SHARE_MAX = 0.2;
const BROKEN_LINES_MAX = 100;
const BATCH = 500;

export const syncItems = async (
  options: ItemSyncOptions,
  { target, clock }: { readonly target: CatalogueTarget; readonly clock: Pick<Clock, 'now'> },
): Promise<ItemSyncReport> => {
  const problems = new ProblemLog(options.brokenLinesMax ?? BROKEN_LINES_MAX);
  const feed = await readItemFeed(options.feed, problems);
  const current = new Map<string, CatalogueItemRecord>();
  for (const item of await target.currentItems()) current.set(item.itemId, item);
  const difference = differenceOf(feed, current);
  checkWithdrawals(difference.withdrawn.length, { current, problems, options });
  if (!options.dryRun) await apply(difference, { feed, target, clock });
  return {
    ...difference,
    broken: problems.brokenLines,
    cleaned: problems.cleanings,
    isApplied: !options.dryRun,
  };
};

type Difference = Pick<ItemSyncReport, 'added' | 'changed' | 'withdrawn' | 'unchanged'>;

const differenceOf = (
  feed: ReadonlyMap<string, ImportedItem>,
  current: ReadonlyMap<string, CatalogueItemRecord>,
): Difference => {
  const added: ItemChange[] = [];
  const changed: ItemChange[] = [];
  for (const item of feed.values()) {
    const { itemId, title } = item;
    const before = current.get(itemId);
    const fields = before ? differingFields(item, before) : [];
    if (!before) added.push({ itemId, title, fields });
    else if (fields.length > 0) changed.push({ itemId, title, fields });
  }
  const withdrawn = [...current.values()]
    .filter(({ itemId }) => !feed.has(itemId))
    .map(({ itemId, title }) => ({ itemId, title, fields: [] }));
  return { added, changed, withdrawn, unchanged: feed.size - added.length - changed.length };
};

const differingFields = (item: ImportedItem, before: CatalogueItemRecord): readonly string[] =>
  (Object.keys(item) as (keyof ImportedItem)[]).filter(
    (field) => canonical(item[field]) !== canonical(before[field]),
  );

/** The same text for the same content, in whatever order attributes stand. */
const canonical = (value: unknown): string =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? JSON.stringify(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
    : JSON.stringify(value);

const checkWithdrawals = (
  count: number,
  given: {
    readonly current: ReadonlyMap<string, unknown>;
    readonly problems: ProblemLog;
    readonly options: ItemSyncOptions;
  },
): void => {
  const { current, problems, options } = given;
  if (options.force || options.dryRun || count === 0) return;
  const total = current.size;
  const broken = problems.brokenLines.reduce((sum, { count: lines }) => sum + lines, 0);
  if (broken > 0) {
    throw new FreshetError('bad_file', {
      expected: `lines that can all be read, since ${count} of ${total} items would be withdrawn,`,
      path: options.feed,
      got: `${broken} that cannot; --dry-run shows them, --force goes on without them`,
    });
  }
  if (count <= WITHDRAWN_SHARE_MAX * total) return;
  const limitPercent = WITHDRAWN_SHARE_MAX * 100;
  throw new FreshetError('feed_withdraws_too_much', { limitPercent, count, total });
};

const apply = async (
  { added, changed, withdrawn }: Difference,
  to: {
    readonly feed: ReadonlyMap<string, ImportedItem>;
    readonly target: CatalogueTarget;
    readonly clock: Pick<Clock, 'now'>;
  },
): Promise<void> => {
  const { feed, target, clock } = to;
  const updatedAt = clock.now();
  const written = [...added, ...changed].map(({ itemId }) => ({ ...feed.get(itemId)!, updatedAt }));
  for (let from = 0; from < written.length; from += BATCH) {
    await target.write(written.slice(from, from + BATCH));
  }
  const gone = withdrawn.map(({ itemId }) => itemId);
  for (let from = 0; from < gone.length; from += BATCH) {
    await target.remove(gone.slice(from, from + BATCH));
  }
};
