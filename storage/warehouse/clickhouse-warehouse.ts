/**
 * The warehouse over ClickHouse's HTTP interface: the same adapter for the embedded engine and for
 * a server or cluster.
 *
 * An insert is two statements: the rows, then the range of offsets that they cover. A crash between
 * them makes the sink send the range again, and the rows replace themselves, because every sorting
 * key ends in (topic, partition, offset) and readers use FINAL. ClickHouse has no compare-and-set;
 * what stands in for it is that the second statement throws unless the table is still the one whose
 * covered offset the caller read. Without that, a writer that did not notice that the warehouse was
 * set up anew would leave a hole below its next range.
 */
import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { FreshetError } from '../../schemas/errors.ts';
import { NO_OFFSET, type Offset } from '../../schemas/ids.ts';
import { ddlOf, WAREHOUSE_TABLES, type WarehouseTable } from '../../schemas/tables.ts';
import {
  type ClickHouseConnection,
  connectTo,
  createDatabase,
} from '../clickhouse/clickhouse-connection.ts';
import { failureOf } from '../clickhouse/statement-failure.ts';
import { ANSWER_FORMAT, ANSWER_SETTINGS, AnswerReader } from './answer-reader.ts';
import {
  COVERED_OFFSET,
  CREATE_COVERED_RANGES,
  MARK_COVERED,
  markParameters,
  meansReset,
  placeKey,
  placesOf,
  rangesOf,
} from './covered-ranges.ts';
import { type RowEncoder, rowEncoder } from './row-binary.ts';
import type {
  CoveredPartition,
  OffsetRange,
  Row,
  RowPieces,
  Statement,
  StatementParameters,
  Warehouse,
} from './warehouse.ts';

export interface ClickHouseWarehouseOptions {
  readonly connection: ClickHouseConnection;
  /** A database of its own, so that two sites can share a server. */
  readonly database: string;
  readonly tables?: readonly WarehouseTable[];
  /** How long a statement may stay silent. */
  readonly requestTimeoutMs?: number;
  readonly connectionsMax?: number;
}

export const DEFAULT_CLICKHOUSE_OPTIONS = {
  tables: Object.values(WAREHOUSE_TABLES) as readonly WarehouseTable[],
  requestTimeoutMs: 300_000,
  connectionsMax: 8,
} as const;

/** Stands in for the id of a table that is no more. */
const LOST = '';

const EXCEPTION_TAG_HEADER = 'x-clickhouse-exception-tag';

const INSERT_SETTINGS = {
  async_insert: 0,
  /** An import of decades comes in one insert, and tables are split by year. */
  max_partitions_per_insert_block: '1000',
} as const;

/** A reader that goes away ends its query; the engine looks for that only where nothing is written. */
const READ_SETTINGS = {
  ...ANSWER_SETTINGS,
  readonly: '2',
  cancel_http_readonly_queries_on_client_close: 1,
} as const;

export class ClickHouseWarehouse implements Warehouse {
  readonly #options: Required<ClickHouseWarehouseOptions>;
  readonly #client: ClickHouseClient;
  readonly #tables: ReadonlyMap<string, WarehouseTable>;
  readonly #encoders = new Map<string, RowEncoder>();
  /** The table as the writer of each partition knows it. */
  readonly #tableIds = new Map<string, string>();
  #isClosed = false;

  constructor(options: ClickHouseWarehouseOptions) {
    this.#options = { ...DEFAULT_CLICKHOUSE_OPTIONS, ...options };
    this.#client = connectTo(options.connection, this.#options);
    this.#tables = new Map(this.#options.tables.map((table) => [table.name, table]));
  }

  async insert(
    table: string,
    rows: RowPieces,
    given: OffsetRange | readonly OffsetRange[],
  ): Promise<void> {
    const name = `insert into ${table}`;
    const ranges = rangesOf(given);
    const places = placesOf(table, ranges);
    await this.#fenced(places, async () => {
      const id = await this.#tableIdFor(places);
      await this.#sendRows(name, table, rows);
      const parameters = { table, id, ...markParameters(ranges) };
      await this.command({ name, sql: MARK_COVERED }, parameters);
    });
  }

  async coveredOffset(place: CoveredPartition): Promise<Offset> {
    this.#tableIds.delete(placeKey(place));
    return this.#fenced([place], async () => (await this.#look(place)).covered);
  }

  async query(
    statement: Statement,
    parameters?: StatementParameters,
    signal?: AbortSignal,
  ): Promise<readonly Row[]> {
    const rows: Row[] = [];
    for await (const block of this.stream(statement, parameters, signal)) {
      for (const row of block) rows.push(row);
    }
    return rows;
  }

  async *stream(
    statement: Statement,
    parameters: StatementParameters = {},
    signal?: AbortSignal,
  ): AsyncIterable<readonly Row[]> {
    const answer = await this.#run(statement.name, signal, () =>
      this.#client.exec({
        query: `${statement.sql}\nFORMAT ${ANSWER_FORMAT}`,
        query_params: parameters,
        clickhouse_settings: READ_SETTINGS,
        ...(signal ? { abort_signal: signal } : {}),
      }),
    );
    const abort = (): void => {
      answer.stream.destroy();
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      yield* blocksOf(answer.stream, answer.response_headers[EXCEPTION_TAG_HEADER]);
      signal?.throwIfAborted();
    } catch (cause) {
      throw this.#failure(statement.name, cause, signal);
    } finally {
      signal?.removeEventListener('abort', abort);
      answer.stream.destroy();
    }
  }

  async command(statement: Statement, parameters: StatementParameters = {}): Promise<void> {
    await this.#run(statement.name, undefined, () =>
      this.#client.command({
        query: statement.sql,
        query_params: parameters,
        clickhouse_settings: { wait_end_of_query: 1 },
      }),
    );
  }

  async migrate(): Promise<void> {
    const { connection } = this.#options;
    await this.#run('create database', undefined, () => createDatabase(connection, this.#options));
    await this.command({ name: 'create covered ranges', sql: CREATE_COVERED_RANGES });
    for (const table of this.#options.tables) {
      await this.command({ name: `create ${table.name}`, sql: ddlOf(table) });
    }
  }

  async ping(): Promise<boolean> {
    if (this.#isClosed) return false;
    return (await this.#client.ping()).success;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#client.close();
  }

  /**
   * Once a writer of a partition was told that the table is another one, it is told again until
   * it asks for the covered offset: trying again alone would leave a hole.
   */
  async #fenced<Result>(
    places: readonly CoveredPartition[],
    run: () => Promise<Result>,
  ): Promise<Result> {
    const keys = places.map(placeKey);
    try {
      if (keys.some((key) => this.#tableIds.get(key) === LOST)) {
        throw new FreshetError('warehouse_reset');
      }
      return await run();
    } catch (cause) {
      if (!meansReset(cause)) throw cause;
      for (const key of keys) this.#tableIds.set(key, LOST);
      throw new FreshetError('warehouse_reset', {}, { cause });
    }
  }

  /** The id under which all writers of these partitions know the table. */
  async #tableIdFor(places: readonly CoveredPartition[]): Promise<string> {
    const ids = new Set<string>();
    for (const place of places) {
      ids.add(this.#tableIds.get(placeKey(place)) ?? (await this.#look(place)).id);
    }
    const [id] = ids;
    if (id === undefined) throw new TypeError('Expected at least one range, got none.');
    if (ids.size > 1) throw new FreshetError('warehouse_reset');
    return id;
  }

  async #look(place: CoveredPartition): Promise<{ id: string; covered: Offset }> {
    const [row] = await this.query({ name: 'covered offset', sql: COVERED_OFFSET }, { ...place });
    const { id, covered } = row as { id: string | null; covered: Offset | null };
    if (id === null) throw new FreshetError('warehouse_reset');
    this.#tableIds.set(placeKey(place), id);
    return { id, covered: covered ?? NO_OFFSET };
  }

  /** Encoded before the first byte is sent: a bad row must not cut a statement off in its middle. */
  async #sendRows(name: string, table: string, rows: RowPieces): Promise<void> {
    const encoded: Buffer[] = [];
    for await (const piece of piecesOf(rows)) {
      if (piece.length > 0) encoded.push(this.#encode(name, table, piece));
    }
    if (encoded.length === 0) return;
    await this.#run(name, undefined, async () => {
      const { stream } = await this.#client.exec({
        query: `INSERT INTO {table:Identifier} FORMAT RowBinaryWithDefaults`,
        query_params: { table },
        clickhouse_settings: INSERT_SETTINGS,
        values: Readable.from(encoded, { objectMode: false }),
      });
      for await (const _ of stream) {
        // The answer is empty; reading it to its end frees the connection.
      }
    });
  }

  #encode(name: string, table: string, rows: readonly Row[]): Buffer {
    try {
      return this.#encoderOf(table)(rows);
    } catch (cause) {
      throw new FreshetError(
        'statement_failed',
        { statement: name, engineCode: 'bad row', problem: (cause as Error).message },
        { cause },
      );
    }
  }

  #encoderOf(name: string): RowEncoder {
    const known = this.#encoders.get(name);
    if (known !== undefined) return known;
    const table = this.#tables.get(name);
    if (table === undefined) throw new TypeError(`Expected a known table, got ${name}.`);
    const encoder = rowEncoder(table.columns);
    this.#encoders.set(name, encoder);
    return encoder;
  }

  async #run<Result>(
    name: string,
    signal: AbortSignal | undefined,
    send: () => Promise<Result>,
  ): Promise<Result> {
    if (this.#isClosed) throw new FreshetError('warehouse_closed');
    signal?.throwIfAborted();
    try {
      return await send();
    } catch (cause) {
      throw this.#failure(name, cause, signal);
    }
  }

  #failure(name: string, cause: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    if (this.#isClosed) return new FreshetError('warehouse_closed', {}, { cause });
    return failureOf(name, cause);
  }
}

const piecesOf = (rows: RowPieces): AsyncIterable<readonly Row[]> | readonly (readonly Row[])[] =>
  Symbol.asyncIterator in rows ? rows : [rows];

async function* blocksOf(
  stream: AsyncIterable<Buffer>,
  exceptionTag: string | readonly string[] | undefined,
): AsyncIterable<readonly Row[]> {
  const reader = new AnswerReader(typeof exceptionTag === 'string' ? exceptionTag : undefined);
  try {
    for await (const piece of stream) {
      const rows = reader.take(piece);
      if (rows.length > 0) yield rows;
    }
  } catch (cause) {
    // A statement that fails midway also cuts the connection: what it said counts for more.
    throw reader.failure() ?? cause;
  }
  reader.finish();
}
