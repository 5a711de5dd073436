/**
 * The port of the warehouse: rows for analysis and training, in ClickHouse's SQL. The rules W1–W7
 * stand in `warehouse.contract.ts`. Tables are those of `schemas/tables.ts`.
 *
 * What comes back has the same JavaScript type for every row of a column:
 *
 * | ClickHouse | JavaScript |
 * |---|---|
 * | integers up to 64 bits, floats | number; a value past 2^53 is refused by name, never rounded |
 * | integers of 128 and 256 bits | bigint (cast to UInt128 what may pass 2^53) |
 * | Decimal | string, exact |
 * | DateTime, DateTime64 | number: milliseconds since 1970, UTC |
 * | Date, Date32 | string, 2026-01-31 |
 * | Bool, String, UUID, Enum | boolean, string, string, string |
 * | Nullable | the inner type, or null |
 * | Array, Tuple | array |
 * | Map | Map |
 *
 * Rows that go in take the same types; a time may be a Date too, and an absent cell becomes the
 * column's default. A bound time is a Date.
 */
import type { Offset, PartitionIndex } from '../../schemas/ids.ts';

export type CellValue =
  | string
  | number
  | bigint
  | boolean
  | Date
  | null
  | readonly CellValue[]
  | ReadonlyMap<CellValue, CellValue>;
export type Row = Readonly<Record<string, unknown>>;

/** All at once, or piece by piece: then nobody holds all rows, and a thread can do other work between. */
export type RowPieces = readonly Row[] | AsyncIterable<readonly Row[]>;

/**
 * Which slice of the log the rows come from; a range that was inserted before counts once. Ranges
 * of one partition follow each other without a hole, also where no record became a row.
 */
export interface OffsetRange {
  readonly topic: string;
  readonly partition: PartitionIndex;
  readonly firstOffset: Offset;
  readonly lastOffset: Offset;
}

/** A statement has a name, so that an error can say which one failed. */
export interface Statement {
  readonly name: string;
  /** Placeholders are ClickHouse's own: {user:String}. Values are bound, never concatenated. */
  readonly sql: string;
}

export type StatementParameters = Readonly<Record<string, unknown>>;

/** One partition's place in a table. */
export interface CoveredPartition {
  readonly table: string;
  readonly topic: string;
  readonly partition: PartitionIndex;
}

export interface Warehouse {
  /**
   * Resolves once the rows and the ranges that they cover are stored; one insert of several
   * partitions costs as much as one of a single partition. Rejects with `warehouse_reset` when the warehouse was set up anew since this object first looked: then
   * migrate, ask for `coveredOffset` again and go on from there.
   */
  insert(
    table: string,
    rows: RowPieces,
    ranges: OffsetRange | readonly OffsetRange[],
  ): Promise<void>;
  /** Up to which offset, inclusive, the table holds a partition; NO_OFFSET where it holds none. */
  coveredOffset(place: CoveredPartition): Promise<Offset>;
  query(
    statement: Statement,
    parameters?: StatementParameters,
    signal?: AbortSignal,
  ): Promise<readonly Row[]>;
  /** Rows in blocks, for results larger than memory; aborting the signal cancels the query. */
  stream(
    statement: Statement,
    parameters?: StatementParameters,
    signal?: AbortSignal,
  ): AsyncIterable<readonly Row[]>;
  command(statement: Statement, parameters?: StatementParameters): Promise<void>;
  /** Creates what is missing; twice is once. */
  migrate(): Promise<void>;
  ping(): Promise<boolean>;
  close(): Promise<void>;
}
