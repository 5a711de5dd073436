/**
 * What a reader of some data set gives the import: items whole, events one by one, and words about
 * what it did. The import sorts, numbers and sends them.
 */
import type { EpochMs } from '../../schemas/ids.ts';
import type { AttributeValue, CatalogueItemRecord } from '../../schemas/records.ts';
import type { ProblemLog } from './problem-log.ts';

/** An item without the stamp of when it was written. */
export type ImportedItem = Omit<CatalogueItemRecord, 'updatedAt'>;

export interface ImportedEvent {
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly itemId: string;
  readonly kind: string;
  readonly value: number | null;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Where it stands. */
  readonly file: string;
  readonly line: number;
}

export type TakeEvent = (event: ImportedEvent) => void;

export interface ReadingContext {
  readonly problems: ProblemLog;
  /** Called with every piece of a file that was read; the reader waits for what it returns. */
  readonly onBytes: (bytes: number) => Promise<void> | undefined;
}

export interface Dataset {
  /** In words: `MovieLens (CSV)`. */
  readonly format: string;
  /** Of all files that are read. */
  readonly bytes: number;
  /** Of the files with events alone. */
  readonly eventBytes: number;
  /** What a person should know about what is not imported. */
  readonly notes: readonly string[];
  /** Its events may be of items that it does not describe, and count all the same. */
  readonly hasEventsOfOtherItems?: boolean;
  readItems(context: ReadingContext): Promise<readonly ImportedItem[]>;
  /** May be called more than once. */
  readEvents(context: ReadingContext, take: TakeEvent): Promise<void>;
}

export const newItem = (
  itemId: string,
  fields: {
    readonly title: string;
    readonly year?: number | null;
    readonly publishedAt?: EpochMs | null;
    readonly categories?: readonly string[];
    readonly tags?: readonly string[];
    readonly people?: readonly string[];
    readonly attributes?: Readonly<Record<string, AttributeValue>>;
    readonly image?: string | null;
    readonly price?: number | null;
  },
): ImportedItem => ({
  itemId: itemId as ImportedItem['itemId'],
  title: fields.title,
  categories: fields.categories ?? [],
  tags: fields.tags ?? [],
  people: fields.people ?? [],
  attributes: {
    ...(fields.year == null ? {} : { year: fields.year }),
    ...fields.attributes,
  },
  publishedAt: fields.publishedAt ?? (fields.year == null ? null : startOfYear(fields.year)),
  availableFrom: null,
  expiresAt: null,
  available: true,
  price: fields.price ?? null,
  hidden: false,
  image: fields.image ?? null,
});

const startOfYear = (year: number): EpochMs => Date.UTC(year, 0, 1) as EpochMs;
