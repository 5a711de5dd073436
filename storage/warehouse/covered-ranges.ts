/**
 * The warehouse's own table of which offsets each table holds, and the statements around it. A
 * table is known by the id that ClickHouse gave it when it was created: one that was created again
 * holds nothing, whatever was said of its predecessor. One row a partition survives the merges: the
 * farthest range.
 */
import { isFreshetError } from '../../schemas/errors.ts';
import { meansMissing } from '../clickhouse/statement-failure.ts';
import type { CoveredPartition, OffsetRange, StatementParameters } from './warehouse.ts';

const COVERED_RANGES = 'covered_ranges';

/** What the engine says when a table is no longer the one that the writer knows. */
const RESET_MARK = 'table_was_set_up_anew';

export const CREATE_COVERED_RANGES = `CREATE TABLE IF NOT EXISTS ${COVERED_RANGES} (
  tableId UUID,
  topic LowCardinality(String),
  partition UInt32,
  firstOffset UInt64,
  lastOffset UInt64
) ENGINE = ReplacingMergeTree(lastOffset)
ORDER BY (tableId, topic, partition)
COMMENT 'Which offsets of the log each table holds; written after the rows.'`;

const TABLE_ID = `(SELECT uuid FROM system.tables
  WHERE database = currentDatabase() AND name = {table:String})`;

/** No id where the table is missing. */
export const COVERED_OFFSET = `SELECT
  ${TABLE_ID} AS id,
  maxOrNull(lastOffset) AS covered
FROM ${COVERED_RANGES}
WHERE tableId = id AND topic = {topic:String} AND partition = {partition:UInt32}`;

/** One row for each range, all or none. */
export const MARK_COVERED = `INSERT INTO ${COVERED_RANGES}
SELECT {id:UUID}, range.1, range.2, range.3, range.4
FROM (
  SELECT arrayJoin(arrayZip({topics:Array(String)}, {partitions:Array(UInt32)},
    {firsts:Array(UInt64)}, {lasts:Array(UInt64)})) AS range
)
WHERE throwIf(${TABLE_ID} IS DISTINCT FROM {id:UUID}, '${RESET_MARK}') = 0`;

export const markParameters = (ranges: readonly OffsetRange[]): StatementParameters => ({
  topics: ranges.map(({ topic }) => topic),
  partitions: ranges.map(({ partition }) => partition),
  firsts: ranges.map(({ firstOffset }) => firstOffset),
  lasts: ranges.map(({ lastOffset }) => lastOffset),
});

export const rangesOf = (given: OffsetRange | readonly OffsetRange[]): readonly OffsetRange[] =>
  'topic' in given ? [given] : given;

export const placesOf = (
  table: string,
  ranges: readonly OffsetRange[],
): readonly CoveredPartition[] =>
  ranges.map(({ topic, partition }) => ({ table, topic, partition }));

export const placeKey = ({ table, topic, partition }: CoveredPartition): string =>
  JSON.stringify([table, topic, partition]);

/** Table or database are missing, or the table is another one. */
export const meansReset = (error: unknown): boolean => {
  if (isFreshetError(error, 'warehouse_reset') || meansMissing(error)) return true;
  return (
    isFreshetError(error, 'statement_failed') && `${error.details.problem}`.includes(RESET_MARK)
  );
};
