/**
 * A log of interactions with its past put back: what retention has removed is read from the warehouse,
 * which keeps whole records under the offsets that they had. Those that dedupe rejected at the time are
 * not there, and the oldest may be gone from the warehouse too: a log may have gaps, so nobody above
 * need know. For a rebuild; everything else of the log is as it was.
 */
import { encodeRecord } from '../schemas/avro/record-codec.ts';
import { type Offset, offset, type PartitionIndex } from '../schemas/ids.ts';
import { interactionOfRow, WAREHOUSE_TABLES } from '../schemas/tables.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog, LogRecord, ReadLimits } from '../storage/event-log/event-log.ts';
import type { Row, Statement, Warehouse } from '../storage/warehouse/warehouse.ts';

const TOPIC = TOPICS.interactions.name;
const FIRST = offset(0);

const ARCHIVED: Statement = {
  name: 'read what the log has let go of',
  sql: `SELECT * EXCEPT (topic, subject) FROM ${WAREHOUSE_TABLES.interactions.name} FINAL
    WHERE topic = {topic:String} AND partition = {partition:UInt32}
      AND offset >= {from:UInt64} AND offset < {to:UInt64}
    ORDER BY offset LIMIT {limit:UInt64}
    SETTINGS max_bytes_before_external_sort = 268435456`,
};
const ALL = Number.MAX_SAFE_INTEGER;

export const withArchive = (log: EventLog, warehouse: Pick<Warehouse, 'stream'>): EventLog => {
  const isArchived = async (topic: string, partition: PartitionIndex, from: Offset) =>
    topic === TOPIC && from < (await log.watermarks(topic, partition)).low;

  async function* archived(partition: PartitionIndex, from: Offset, limit: number) {
    const { low: to } = await log.watermarks(TOPIC, partition);
    const parameters = { topic: TOPIC, partition, from, to, limit };
    for await (const rows of warehouse.stream(ARCHIVED, parameters)) yield rows.map(recordOf);
  }

  /** The archive, then the log. */
  async function* tailFrom(
    partition: PartitionIndex,
    from: Offset,
    options: ReadLimits & { readonly signal: AbortSignal },
  ) {
    let next = from;
    if (await isArchived(TOPIC, partition, from)) {
      for await (const slice of archived(partition, from, ALL)) {
        if (options.signal.aborted) return;
        yield slice;
      }
      next = (await log.watermarks(TOPIC, partition)).low;
    }
    yield* log.tail(TOPIC, partition, next, options);
  }

  return {
    limits: log.limits,
    topic: (name) => log.topic(name),
    append: (topic, partition, records) => log.append(topic, partition, records),
    async read(topic, partition, from, limits) {
      if (!(await isArchived(topic, partition, from))) {
        return log.read(topic, partition, from, limits);
      }
      const found: LogRecord[] = [];
      for await (const slice of archived(partition, from, limits.recordsMax)) found.push(...slice);
      if (found.length > 0) return found;
      const { low } = await log.watermarks(topic, partition);
      return log.read(topic, partition, low, limits);
    },
    tail: (topic, partition, from, options) =>
      topic === TOPIC
        ? tailFrom(partition, from, options)
        : log.tail(topic, partition, from, options),
    async watermarks(topic, partition) {
      const { low, end } = await log.watermarks(topic, partition);
      return { low: topic === TOPIC ? FIRST : low, end };
    },
    sizeBytes: (topic, partition) => log.sizeBytes(topic, partition),
    clean: (topic, retention, now) => log.clean(topic, retention, now),
    close: () => log.close(),
  };
};

const recordOf = (row: Row): LogRecord => {
  const record = interactionOfRow(row);
  return {
    offset: offset(row.offset as number),
    key: null,
    value: encodeRecord('Interaction', record),
    timestamp: record.receivedAt,
  };
};
