/**
 * The port of the warehouse: rows for analysis and training, in ClickHouse's SQL. The rules W1–W7
 * stand in `warehouse.contract.ts`. Tables are those of `schemas/tables.ts`.
 */
import type { Offset, PartitionIndex } from '../../schemas/ids.ts';

export type CellValue = string | number | bigint | boolean | Date | null | readonly CellValue[];
export type Row = Readonly<Record<string, unknown>>;

/** Which slice of the log the rows come from; a range that was inserted before counts once. */
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

export interface Warehouse {
  insert(table: string, rows: readonly Row[], range: OffsetRange): Promise<void>;
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
