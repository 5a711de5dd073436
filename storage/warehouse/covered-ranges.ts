/**
 * The warehouse's own table of which offsets each table holds, and the statements around it. One
 * row a partition survives its merges: the farthest range.
 */
export const COVERED_RANGES = 'covered_ranges';

/** What the engine says when the warehouse is no longer the one that the writer knows. */
export const RESET_MARK = 'warehouse_was_set_up_anew';

export const CREATE_COVERED_RANGES = `CREATE TABLE IF NOT EXISTS ${COVERED_RANGES} (
  \`table\` LowCardinality(String),
  topic LowCardinality(String),
  partition UInt32,
  firstOffset UInt64,
  lastOffset UInt64
) ENGINE = ReplacingMergeTree(lastOffset)
ORDER BY (\`table\`, topic, partition)
COMMENT 'Which offsets of the log each table holds; written after the rows.'`;

/** A table that is created again gets another id: that of the warehouse. */
export const WAREHOUSE_IDENTITY = `SELECT toString(uuid) AS identity
FROM system.tables WHERE database = currentDatabase() AND name = '${COVERED_RANGES}'`;

export const COVERED_OFFSET = `SELECT maxOrNull(lastOffset) AS offset FROM ${COVERED_RANGES}
WHERE \`table\` = {table:String} AND topic = {topic:String} AND partition = {partition:UInt32}`;

export const MARK_COVERED = `INSERT INTO ${COVERED_RANGES}
SELECT {table:String}, {topic:String}, {partition:UInt32}, {firstOffset:UInt64}, {lastOffset:UInt64}
WHERE throwIf(ifNull((${WAREHOUSE_IDENTITY}), '') != {identity:String}, '${RESET_MARK}') = 0`;
