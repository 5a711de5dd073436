/** The stores of a site as something to read it from; nobody may be writing them. */
import { type LogId, type Offset, offset, partitionIndex } from '../../schemas/ids.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { AppendRecord, EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { KEY_TOPIC } from '../../storage/event-log/sealing/key-topic.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import type { CoveredPartition, Statement, Warehouse } from '../../storage/warehouse/warehouse.ts';
import type { PartitionCounts } from '../topic-plan.ts';
import type { Sealing, SiteSource, SourceTopic } from './site-source.ts';

export interface SiteStores {
  readonly counts: PartitionCounts;
  /** As it is stored. */
  readonly log: EventLog;
  /** Where they are not in the log. */
  readonly keys?: SiteKeys;
  readonly state: StateStore;
  readonly artifactStore: ArtifactStore;
  /** Without it there are no rows to move; they come from the log again. */
  readonly warehouse?: Warehouse;
}

export interface SiteKeys {
  readonly sealing: Sealing;
  /** As records of the topic that servers have for them. */
  readonly records: readonly AppendRecord[];
}

const SCAN_LIMIT = 500;
const NOTHING = offset(-1);

export const sourceOfStores = (stores: SiteStores): SiteSource => {
  const { counts, log, keys, state, artifactStore, warehouse } = stores;
  return {
    counts,
    async topic(name) {
      if (keys && name === KEY_TOPIC) return keyTopicOf(keys);
      const { logId, partitionCount } = await log.topic(name);
      const watermarks = [];
      for (let index = 0; index < partitionCount; index += 1) {
        watermarks.push(await log.watermarks(name, partitionIndex(index)));
      }
      return { logId, watermarks };
    },
    records: ({ topic, partition }, from) =>
      keys && topic === KEY_TOPIC
        ? keyRecordsOf(keys, from)
        : partitionSlices(log, topic, partition, { from }),
    sealing: async () => keys?.sealing,
    position: (partition) => state.position(partition),
    async *entries(partition) {
      let after: string | undefined;
      for (;;) {
        const range = { prefix: '', limit: SCAN_LIMIT, ...(after === undefined ? {} : { after }) };
        const page = await state.scan(partition, range);
        if (page.length > 0) yield page;
        after = page.at(-1)?.key;
        if (page.length < SCAN_LIMIT) return;
      }
    },
    releases: async () => [...(await artifactStore.list())].reverse(),
    release: (version) => artifactStore.read(version),
    covered: async (place) => (warehouse ? await warehouse.coveredOffset(place) : NOTHING),
    async *rows(place, from) {
      if (warehouse)
        yield* rowsOf(warehouse, place, { from, to: await warehouse.coveredOffset(place) });
    },
  };
};

const keyTopicOf = ({ records }: SiteKeys): SourceTopic => ({
  logId: KEY_TOPIC as LogId,
  watermarks: [{ low: offset(0), end: offset(records.length) }],
});

async function* keyRecordsOf(
  { records }: SiteKeys,
  from: number,
): AsyncGenerator<readonly LogRecord[]> {
  const numbered = records.map((record, at) => ({ ...record, offset: offset(at) }));
  if (from < numbered.length) yield numbered.slice(from);
}

/** Of one partition by offset, both ends included. */
export const rowsOf = (
  warehouse: Pick<Warehouse, 'stream'>,
  { table, topic, partition }: CoveredPartition,
  { from, to }: { readonly from: number; readonly to: Offset },
): ReturnType<Warehouse['stream']> =>
  warehouse.stream(statementOn(table), { topic, partition, from, to });

/** The name is one of our own tables, never somebody's text. */
const statementOn = (table: string): Statement => ({
  name: `read all of ${table}`,
  sql: `SELECT * FROM ${table} FINAL
    WHERE topic = {topic:String} AND partition = {partition:UInt32}
      AND offset >= {from:UInt64} AND offset <= {to:UInt64}
    ORDER BY offset
    SETTINGS max_bytes_before_external_sort = 268435456`,
});
