/**
 * The warehouse's tables, once: their columns and types, how they are ordered, and how a record of
 * the log becomes a row. A row carries the whole record and where it came from; the three of (topic,
 * partition, offset) end every sorting key, so that a row that is inserted again replaces itself
 * (read with FINAL). Times are milliseconds since 1970, as ClickHouse takes integers for
 * DateTime64(3).
 *
 * Tables are split by year, not by month: an import of twenty years comes in one insert, which
 * ClickHouse refuses to spread over more than a hundred parts.
 */
import {
  type EpochMs,
  type ItemId,
  type Offset,
  type PartitionIndex,
  type SessionId,
  type SubjectId,
  subjectOfSession,
  subjectOfUser,
  type UserId,
} from './ids.ts';
import type {
  CatalogueItemRecord,
  ImpressionRecord,
  InteractionContext,
  InteractionRecord,
} from './records.ts';

export interface WarehouseColumn {
  readonly name: string;
  /** ClickHouse's type. */
  readonly type: string;
  readonly comment?: string;
  readonly codec?: string;
}

export interface WarehouseTable {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly WarehouseColumn[];
  readonly orderBy: readonly string[];
  /** An expression over columns, or null for a table that is not split. */
  readonly partitionBy: string | null;
}

/** Where in the log a record lies. */
export interface RecordPosition {
  readonly topic: string;
  readonly partition: PartitionIndex;
  readonly offset: Offset;
}

const TIME = "DateTime64(3, 'UTC')";
const NULLABLE_TIME = `Nullable(${TIME})`;
const WORD = 'LowCardinality(String)';
const NULLABLE_WORD = 'LowCardinality(Nullable(String))';
const NULLABLE_TEXT = 'Nullable(String)';
const RISING = 'DoubleDelta, ZSTD';

const POSITION_COLUMNS: readonly WarehouseColumn[] = [
  { name: 'topic', type: WORD },
  { name: 'partition', type: 'UInt32' },
  { name: 'offset', type: 'UInt64', codec: RISING },
];
const POSITION_KEY = POSITION_COLUMNS.map(({ name }) => name);

const SUBJECT_COLUMNS: readonly WarehouseColumn[] = [
  { name: 'subject', type: 'String', comment: 'u:<userId> or s:<sessionId>' },
  { name: 'userId', type: NULLABLE_TEXT },
  { name: 'sessionId', type: NULLABLE_TEXT },
];

const EVENT_TIMES: readonly WarehouseColumn[] = [
  { name: 'occurredAt', type: TIME, codec: RISING },
  { name: 'receivedAt', type: TIME, codec: RISING },
];

const INTERACTIONS: WarehouseTable = {
  name: 'interactions',
  comment: 'Every interaction that the stream took in, by person and time.',
  columns: [
    ...POSITION_COLUMNS,
    ...SUBJECT_COLUMNS,
    { name: 'itemId', type: 'String' },
    { name: 'kind', type: WORD },
    { name: 'value', type: 'Nullable(Float64)' },
    ...EVENT_TIMES,
    { name: 'source', type: WORD },
    { name: 'eventId', type: 'String' },
    { name: 'backfill', type: NULLABLE_WORD, comment: 'content hash of the import' },
    { name: 'sequence', type: 'Nullable(Int64)' },
    { name: 'listId', type: NULLABLE_TEXT },
    { name: 'rank', type: 'Nullable(Int32)' },
    { name: 'placement', type: NULLABLE_WORD },
    { name: 'undoes', type: NULLABLE_TEXT, comment: 'eventId that an undo takes back' },
  ],
  orderBy: ['subject', 'occurredAt', ...POSITION_KEY],
  partitionBy: 'toYear(occurredAt)',
};

const IMPRESSIONS: WarehouseTable = {
  name: 'impressions',
  comment: 'Every list that was really shown; items, ranks and propensities side by side.',
  columns: [
    ...POSITION_COLUMNS,
    ...SUBJECT_COLUMNS,
    { name: 'listId', type: 'String' },
    { name: 'placement', type: NULLABLE_WORD },
    { name: 'itemIds', type: 'Array(String)' },
    { name: 'ranks', type: 'Array(Int32)' },
    { name: 'propensities', type: 'Array(Nullable(Float64))' },
    { name: 'models', type: `Map(${WORD}, String)` },
    { name: 'experiment', type: NULLABLE_WORD },
    { name: 'variant', type: NULLABLE_WORD },
    ...EVENT_TIMES,
    { name: 'source', type: WORD },
  ],
  orderBy: ['subject', 'occurredAt', ...POSITION_KEY],
  partitionBy: 'toYear(occurredAt)',
};

const ITEMS: WarehouseTable = {
  name: 'items',
  comment:
    'Every state that an item ever had. The present: ORDER BY offset DESC LIMIT 1 BY itemId, then deleted = false.',
  columns: [
    ...POSITION_COLUMNS,
    { name: 'itemId', type: 'String' },
    { name: 'deleted', type: 'Bool' },
    { name: 'title', type: 'String' },
    { name: 'categories', type: `Array(${WORD})` },
    { name: 'tags', type: 'Array(String)' },
    { name: 'people', type: 'Array(String)' },
    { name: 'attributes', type: 'String', comment: 'a JSON object' },
    { name: 'publishedAt', type: NULLABLE_TIME },
    { name: 'availableFrom', type: NULLABLE_TIME },
    { name: 'expiresAt', type: NULLABLE_TIME },
    { name: 'available', type: 'Bool' },
    { name: 'price', type: 'Nullable(Float64)' },
    { name: 'hidden', type: 'Bool' },
    { name: 'image', type: NULLABLE_TEXT },
    { name: 'updatedAt', type: NULLABLE_TIME },
  ],
  orderBy: ['itemId', ...POSITION_KEY],
  partitionBy: null,
};

export const WAREHOUSE_TABLES = {
  interactions: INTERACTIONS,
  impressions: IMPRESSIONS,
  items: ITEMS,
} as const;

/** The statement that creates the table where it is missing. `name` may carry a prefix. */
export const ddlOf = (table: WarehouseTable, name = table.name): string => {
  const lines = [
    `CREATE TABLE IF NOT EXISTS ${quoted(name)} (`,
    table.columns.map((column) => `  ${columnDdl(column)}`).join(',\n'),
    ') ENGINE = ReplacingMergeTree',
    ...(table.partitionBy === null ? [] : [`PARTITION BY ${table.partitionBy}`]),
    `ORDER BY (${table.orderBy.map(quoted).join(', ')})`,
    `COMMENT ${textLiteral(table.comment)}`,
  ];
  return lines.join('\n');
};

const columnDdl = ({ name, type, comment, codec }: WarehouseColumn): string =>
  [
    `${quoted(name)} ${type}`,
    ...(comment === undefined ? [] : [`COMMENT ${textLiteral(comment)}`]),
    ...(codec === undefined ? [] : [`CODEC(${codec})`]),
  ].join(' ');

const quoted = (identifier: string): string => `\`${identifier.replaceAll('`', '\\`')}\``;
const textLiteral = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;

/** What DateTime64 can hold: 1900 to 2299. Whatever lies outside becomes the nearest it can. */
const TIME_MIN = Date.UTC(1900, 0, 1);
const TIME_MAX = Date.UTC(2299, 11, 31, 23, 59, 59, 999);

const cellTime = (at: EpochMs): EpochMs => Math.min(Math.max(at, TIME_MIN), TIME_MAX) as EpochMs;
const nullableTime = (at: EpochMs | null): EpochMs | null => (at === null ? null : cellTime(at));

const subjectOf = (userId: UserId | null, sessionId: SessionId | null): SubjectId =>
  userId === null ? subjectOfSession(sessionId as SessionId) : subjectOfUser(userId);

export const interactionRow = (
  record: InteractionRecord,
  { topic, partition, offset }: RecordPosition,
) => ({
  topic,
  partition,
  offset,
  subject: subjectOf(record.userId, record.sessionId),
  userId: record.userId,
  sessionId: record.sessionId,
  itemId: record.itemId,
  kind: record.kind,
  value: record.value,
  occurredAt: cellTime(record.occurredAt),
  receivedAt: cellTime(record.receivedAt),
  source: record.source,
  eventId: record.eventId,
  backfill: record.backfill,
  sequence: record.sequence,
  listId: record.context?.listId ?? null,
  rank: record.context?.rank ?? null,
  placement: record.context?.placement ?? null,
  undoes: record.context?.undoes ?? null,
});

/** The record that a row of interactions was made of. */
export const interactionOfRow = (row: Readonly<Record<string, unknown>>): InteractionRecord => {
  const cell = <Value>(name: string): Value => row[name] as Value;
  const context: InteractionContext = {
    listId: cell('listId'),
    rank: cell('rank'),
    placement: cell('placement'),
    undoes: cell('undoes'),
  };
  const hasContext = Object.values(context).some((value) => value !== null);
  return {
    source: cell('source'),
    eventId: cell('eventId'),
    userId: cell('userId'),
    sessionId: cell('sessionId'),
    itemId: cell('itemId'),
    kind: cell('kind'),
    value: cell('value'),
    occurredAt: cell('occurredAt'),
    receivedAt: cell('receivedAt'),
    backfill: cell('backfill'),
    sequence: cell('sequence'),
    context: hasContext ? context : null,
  };
};

export const impressionRow = (
  record: ImpressionRecord,
  { topic, partition, offset }: RecordPosition,
) => ({
  topic,
  partition,
  offset,
  subject: subjectOf(record.userId, record.sessionId),
  userId: record.userId,
  sessionId: record.sessionId,
  listId: record.listId,
  placement: record.placement,
  itemIds: record.items.map((item) => item.itemId),
  ranks: record.items.map((item) => item.rank),
  propensities: record.items.map((item) => item.propensity),
  models: record.models,
  experiment: record.experiment,
  variant: record.variant,
  occurredAt: cellTime(record.occurredAt),
  receivedAt: cellTime(record.receivedAt),
  source: record.source,
});

/** The row of an item as it now is, or of its deletion where the record is a tombstone (null). */
export const itemRow = (
  itemId: ItemId,
  record: CatalogueItemRecord | null,
  { topic, partition, offset }: RecordPosition,
) => ({
  topic,
  partition,
  offset,
  itemId,
  deleted: record === null,
  title: record?.title ?? '',
  categories: record?.categories ?? [],
  tags: record?.tags ?? [],
  people: record?.people ?? [],
  attributes: JSON.stringify(record?.attributes ?? {}),
  publishedAt: nullableTime(record?.publishedAt ?? null),
  availableFrom: nullableTime(record?.availableFrom ?? null),
  expiresAt: nullableTime(record?.expiresAt ?? null),
  available: record?.available ?? false,
  price: record?.price ?? null,
  hidden: record?.hidden ?? false,
  image: record?.image ?? null,
  updatedAt: nullableTime(record?.updatedAt ?? null),
});
