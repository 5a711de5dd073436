/** An ingest with its HTTP server over a log in memory, for tests; nothing listens. */
import type { FastifyInstance } from 'fastify';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import { registerIngestRoutes } from '../../ingest/http/routes.ts';
import { type Ingest, type IngestDeps, openIngest } from '../../ingest/ingest.ts';
import { planTopics } from '../../runtime/topic-plan.ts';
import { decodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock, RandomSource } from '../../schemas/environment.ts';
import { epochMs, offset, partitionIndex } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { RecordName, RecordTypes } from '../../schemas/records.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import {
  MemoryEventLog,
  type MemoryEventLogOptions,
} from '../../storage/event-log/memory-event-log.ts';
import { unguardedHttpServer } from '../unguarded-http-server.ts';

export const FIXTURE_NOW = epochMs(Date.UTC(2026, 0, 31, 12));

export class TestClock implements Clock {
  time: number = FIXTURE_NOW;
  now = () => epochMs(this.time);
  monotonicMs = () => this.time;
  sleep = async (): Promise<void> => undefined;
}

const drawsOf = (seed: number): RandomSource => {
  const random = seededRandom(seed);
  return () => random.next();
};

export const openTestLog = (options: Partial<MemoryEventLogOptions> = {}): MemoryEventLog =>
  new MemoryEventLog({
    topics: planTopics({ userPartitions: 4, itemPartitions: 4 }),
    random: drawsOf(1),
    ...options,
  });

export interface TestIngest {
  readonly app: FastifyInstance;
  readonly ingest: Ingest;
  readonly log: EventLog;
  readonly clock: TestClock;
  close(): Promise<void>;
}

export const openTestIngest = async (
  deps: Partial<Omit<IngestDeps, 'clock'>> & { readonly clock?: TestClock } = {},
): Promise<TestIngest> => {
  const clock = deps.clock ?? new TestClock();
  const log = deps.log ?? openTestLog();
  const app = await unguardedHttpServer(() => clock.time);
  const ingest = await openIngest({
    log,
    clock,
    random: drawsOf(2),
    logger: silentLogger,
    kinds: kindTable(DEFAULT_KINDS),
    configVersion: 1,
    currentItem: () => undefined,
    onStorageFailed: () => undefined,
    ...deps,
  });
  registerIngestRoutes(app, ingest);
  await app.ready();
  return {
    app,
    ingest,
    log,
    clock,
    close: async () => {
      await app.close();
      await ingest.close();
    },
  };
};

/** Every record of a topic, by partition and offset. */
export const readTopic = async (log: EventLog, topic: string): Promise<readonly LogRecord[]> => {
  const { partitionCount } = await log.topic(topic);
  const records: LogRecord[] = [];
  for (let index = 0; index < partitionCount; index += 1) {
    const { low, end } = await log.watermarks(topic, partitionIndex(index));
    for (let from = low; from < end; ) {
      const limits = { recordsMax: 10_000, bytesMax: 1_000_000 };
      const slice = await log.read(topic, partitionIndex(index), from, limits);
      records.push(...slice);
      from = offset(slice.at(-1)!.offset + 1);
    }
  }
  return records;
};

export const decodedFrom = async <Name extends RecordName>(
  log: EventLog,
  topic: string,
  name: Name,
): Promise<readonly RecordTypes[Name][]> => {
  const records = await readTopic(log, topic);
  return records
    .filter(({ value }) => value !== null)
    .map(({ value }) => decodeRecord(value!))
    .filter((decoded) => decoded.name === name)
    .map(({ record }) => record as RecordTypes[Name]);
};

export const interactionsIn = (log: EventLog) =>
  decodedFrom(log, TOPICS.interactions.name, 'Interaction');

export const itemsIn = (log: EventLog) => decodedFrom(log, TOPICS.catalogue.name, 'CatalogueItem');
