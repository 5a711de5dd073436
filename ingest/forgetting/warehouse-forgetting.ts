/**
 * Takes a person's rows out of the warehouse. First the copies of the log must have come past what was
 * logged of the person, or they would bring rows back. Which rows are the person's is asked, and then
 * those places of the log are deleted: ClickHouse keeps the text of a deletion, and it should name
 * nobody. A deletion rewrites the parts concerned; the former ones are kept for eight minutes unless
 * told otherwise, so they are told otherwise.
 */
import type { Clock } from '../../schemas/environment.ts';
import type { DurationMs, Offset, PartitionIndex, SubjectId } from '../../schemas/ids.ts';
import { WAREHOUSE_TABLES } from '../../schemas/tables.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Statement, Warehouse } from '../../storage/warehouse/warehouse.ts';

export interface ForgottenPlace {
  readonly subject: SubjectId;
  readonly partition: PartitionIndex;
  /** By table, the last offset that may be the person's. */
  readonly upTo: Readonly<Record<string, Offset>>;
}

export interface WarehouseForgetting {
  readonly warehouse: Warehouse;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
}

/** The tables that name people, with the topics that they are copied from. */
export const PERSONAL_TABLES = [
  { table: WAREHOUSE_TABLES.interactions.name, topic: TOPICS.interactions.name },
  { table: WAREHOUSE_TABLES.impressions.name, topic: TOPICS.impressions.name },
] as const;

const LOOK_EVERY = 500 as DurationMs;
/** Places in one deletion: each stands in its text. */
const PLACES_MAX = 5_000;

const ROWS_OF: Statement = {
  name: 'rows of a person',
  sql: `SELECT offset FROM {table:Identifier}
    WHERE subject = {subject:String} AND topic = {topic:String} AND partition = {partition:UInt32}
      AND offset <= {upTo:Int64} ORDER BY offset SETTINGS log_queries = 0`,
};

const DELETE: Statement = {
  name: 'delete rows',
  sql: `ALTER TABLE {table:Identifier} DELETE
    WHERE topic = {topic:String} AND partition = {partition:UInt32} AND has({offsets:Array(UInt64)}, offset)
    SETTINGS mutations_sync = 2`,
};

/** The new part is flushed before the old one goes, which otherwise stays for the sake of a power cut. */
const LET_GO_OF_OLD_PARTS: Statement = {
  name: 'let go of old parts',
  sql: `ALTER TABLE {table:Identifier} MODIFY SETTING
    old_parts_lifetime = 1, min_rows_to_fsync_after_merge = 1, fsync_part_directory = 1`,
};

const KEEP_OLD_PARTS: Statement = {
  name: 'keep old parts',
  sql: `ALTER TABLE {table:Identifier} RESET SETTING
    old_parts_lifetime, min_rows_to_fsync_after_merge, fsync_part_directory`,
};

/** A deletion that was interrupted left it so, and perhaps old parts. */
const LETS_GO: Statement = {
  name: 'lets go of old parts',
  sql: `SELECT match(engine_full, 'old_parts_lifetime = 1(,|$)') AS letsGo FROM system.tables
    WHERE database = currentDatabase() AND name = {table:String}`,
};

const OLD_PARTS: Statement = {
  name: 'old parts',
  sql: `SELECT count() AS parts FROM system.parts
    WHERE database = currentDatabase() AND table = {table:String} AND NOT active`,
};

/** Resolves to how many rows were deleted of each. */
export const deleteRows = async (
  places: readonly ForgottenPlace[],
  options: WarehouseForgetting,
): Promise<number[]> => {
  const deleted = places.map(() => 0);
  await options.warehouse.migrate();
  const touched: Source[] = [];
  for (const source of PERSONAL_TABLES) {
    await untilCopied(places, source, options);
    const offsets: number[][] = [];
    for (const place of places) offsets.push(await offsetsOf(place, source, options));
    offsets.forEach((own, index) => {
      deleted[index]! += own.length;
    });
    const isNothingLeft = offsets.every((own) => own.length === 0);
    if (isNothingLeft && !(await isLettingGo(source.table, options))) continue;
    touched.push(source);
    await options.warehouse.command(LET_GO_OF_OLD_PARTS, { ...source });
    for (const [index, own] of offsets.entries()) {
      await deletePlaces(own, { ...source, partition: places[index]!.partition }, options);
    }
  }
  for (const source of touched) {
    await untilOldPartsAreGone(source.table, options);
    await options.warehouse.command(KEEP_OLD_PARTS, { ...source });
  }
  return deleted;
};

interface Source {
  readonly table: string;
  readonly topic: string;
}

const offsetsOf = async (
  { subject, partition, upTo }: ForgottenPlace,
  { table, topic }: Source,
  { warehouse, signal }: WarehouseForgetting,
): Promise<number[]> => {
  const parameters = { table, topic, partition, subject, upTo: upTo[table] };
  const rows = await warehouse.query(ROWS_OF, parameters, signal);
  // A row that was inserted twice is there twice until the parts are merged.
  return [...new Set(rows.map(({ offset }) => offset as number))];
};

const deletePlaces = async (
  offsets: readonly number[],
  source: Source & { readonly partition: PartitionIndex },
  { warehouse }: WarehouseForgetting,
): Promise<void> => {
  for (let from = 0; from < offsets.length; from += PLACES_MAX) {
    const part = offsets.slice(from, from + PLACES_MAX);
    await warehouse.command(DELETE, { ...source, offsets: part });
  }
};

const isLettingGo = async (
  table: string,
  { warehouse, signal }: WarehouseForgetting,
): Promise<boolean> => {
  const [row] = await warehouse.query(LETS_GO, { table }, signal);
  return row?.letsGo === 1;
};

const untilOldPartsAreGone = async (
  table: string,
  { warehouse, clock, signal }: WarehouseForgetting,
): Promise<void> => {
  for (;;) {
    const [row] = await warehouse.query(OLD_PARTS, { table }, signal);
    if (row?.parts === 0) return;
    await clock.sleep(LOOK_EVERY, signal);
  }
};

const untilCopied = async (
  places: readonly ForgottenPlace[],
  { table, topic }: Source,
  { warehouse, clock, signal }: WarehouseForgetting,
): Promise<void> => {
  for (const { partition, upTo } of places) {
    for (;;) {
      const covered = await warehouse.coveredOffset({ table, topic, partition });
      if (covered >= upTo[table]!) break;
      await clock.sleep(LOOK_EVERY, signal);
    }
  }
};
