/**
 * The warehouse in memory: rows by their sorting key, as a ReplacingMergeTree read with FINAL has
 * them, and what each partition covers. It knows no SQL: what was stored is read with `rows`.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { NO_OFFSET, type Offset } from '../../schemas/ids.ts';
import { WAREHOUSE_TABLES, type WarehouseTable } from '../../schemas/tables.ts';
import { placeKey, placesOf, rangesOf } from './covered-ranges.ts';
import type {
  CoveredPartition,
  OffsetRange,
  Row,
  RowPieces,
  Statement,
  Warehouse,
} from './warehouse.ts';

interface StoredTable {
  readonly rows: Map<string, Row>;
  readonly covered: Map<string, Offset>;
}

export interface MemoryWarehouseOptions {
  readonly tables?: readonly WarehouseTable[];
  readonly stored?: Map<string, StoredTable>;
}

export class MemoryWarehouse implements Warehouse {
  readonly #tables: ReadonlyMap<string, WarehouseTable>;
  readonly #stored: Map<string, StoredTable>;
  /** The table as the writer of each partition knows it; null once it was told that it is gone. */
  readonly #known = new Map<string, StoredTable | null>();
  #isClosed = false;

  constructor({ tables, stored }: MemoryWarehouseOptions = {}) {
    const known = tables ?? Object.values(WAREHOUSE_TABLES);
    this.#tables = new Map(known.map((table) => [table.name, table]));
    this.#stored = stored ?? new Map();
  }

  /** Another adapter on the same memory. */
  another(): MemoryWarehouse {
    return new MemoryWarehouse({ tables: [...this.#tables.values()], stored: this.#stored });
  }

  async insert(
    table: string,
    pieces: RowPieces,
    given: OffsetRange | readonly OffsetRange[],
  ): Promise<void> {
    this.#mustBeOpen();
    const rows = await allRowsOf(pieces);
    const ranges = rangesOf(given);
    const stored = this.#knownAlike(placesOf(table, ranges));
    const { orderBy } = this.#tables.get(table)!;
    for (const row of rows) {
      const key = JSON.stringify(orderBy.map((column) => row[column]));
      stored.rows.set(key, structuredClone(row));
    }
    for (const [index, place] of placesOf(table, ranges).entries()) {
      const covered = stored.covered.get(placeKey(place)) ?? NO_OFFSET;
      const last = ranges[index]!.lastOffset;
      stored.covered.set(placeKey(place), Math.max(covered, last) as Offset);
    }
  }

  async coveredOffset(place: CoveredPartition): Promise<Offset> {
    this.#mustBeOpen();
    const stored = this.#stored.get(place.table);
    this.#known.set(placeKey(place), stored ?? null);
    if (stored === undefined) throw new FreshetError('warehouse_reset');
    return stored.covered.get(placeKey(place)) ?? NO_OFFSET;
  }

  async query(statement: Statement): Promise<readonly Row[]> {
    throw this.#noSql(statement);
  }

  // biome-ignore lint/correctness/useYield: it never comes to rows.
  async *stream(statement: Statement): AsyncIterable<readonly Row[]> {
    throw this.#noSql(statement);
  }

  async command(statement: Statement): Promise<void> {
    throw this.#noSql(statement);
  }

  async migrate(): Promise<void> {
    this.#mustBeOpen();
    for (const name of this.#tables.keys()) {
      if (this.#stored.has(name)) continue;
      this.#stored.set(name, { rows: new Map(), covered: new Map() });
    }
  }

  async ping(): Promise<boolean> {
    return !this.#isClosed;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  /** What a table holds, read with FINAL; in no particular order. */
  rows(table: string): readonly Row[] {
    return structuredClone([...(this.#stored.get(table)?.rows.values() ?? [])]);
  }

  /** For tests: all is lost, as when a damaged directory was set aside. */
  reset(): void {
    this.#stored.clear();
  }

  /** The table, if all writers of these partitions know it as it is now. */
  #knownAlike(places: readonly CoveredPartition[]): StoredTable {
    const stored = this.#stored.get(places[0]!.table);
    const isKnown = places.every((place) => {
      const known = this.#known.get(placeKey(place));
      return known === undefined || known === stored;
    });
    const isThere = stored !== undefined && isKnown;
    for (const place of places) this.#known.set(placeKey(place), isThere ? stored : null);
    if (!isThere) throw new FreshetError('warehouse_reset');
    return stored;
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new FreshetError('warehouse_closed');
  }

  #noSql({ name }: Statement): FreshetError {
    if (this.#isClosed) return new FreshetError('warehouse_closed');
    return new FreshetError('statement_failed', {
      statement: name,
      engineCode: 'NO_SQL',
      problem: 'the warehouse in memory knows no SQL',
    });
  }
}

export const allRowsOf = async (pieces: RowPieces): Promise<readonly Row[]> => {
  if (!(Symbol.asyncIterator in pieces)) return pieces;
  const rows: Row[] = [];
  for await (const piece of pieces) rows.push(...piece);
  return rows;
};
