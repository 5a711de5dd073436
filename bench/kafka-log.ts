/**
 * P14a: what the adapter for Kafka makes of a real broker, beside what the client alone makes of it in
 * the same run: records of 100 bytes in three partitions, one send of a thousand outstanding, and
 * acknowledgements of single records by callers that wait for each.
 */
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { systemClock } from '../runtime/clock.ts';
import { offset, partitionIndex } from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../storage/event-log/event-log.ts';
import { openKafkaEventLog } from '../storage/event-log/kafka/kafka-event-log.ts';
import { type KafkaServers, startKafka } from '../test/services/kafka-server.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';

const PARTITIONS = 3;
const RECORD_BYTES = 100;
const BATCH = 1_000;
const RECORDS = 300_000;
/** The first share compiles and fills caches; only what follows counts. */
const WARM_SHARE = 0.2;
const ROUNDS = 3;
const SINGLES = 3_000;
const CALLERS = 8;
const RATE_MIN = 0.7;

const VALUE = Buffer.alloc(RECORD_BYTES, 'x');
const TOPIC = TOPICS.interactions.name;

/** Does one send to the partition; resolves once it is acknowledged. */
type Send = (partition: number, count: number) => Promise<unknown>;

export const kafkaLog: Benchmark = {
  id: 'kafka-log',
  title: 'The log on Kafka, beside the client alone',
  async run(): Promise<BenchResult> {
    const kafka = await startKafka({ heapMiB: 512 });
    try {
      return await measure(kafka);
    } finally {
      await kafka.stop();
    }
  },
};

const measure = async (kafka: KafkaServers): Promise<BenchResult> => {
  const brokers = kafka.addresses('plain');
  const log = await openLog(brokers);
  const client = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const topic = 'raw';
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
  await admin.disconnect();
  const records = new Array<AppendRecord>(BATCH).fill({
    key: null,
    value: VALUE,
    timestamp: systemClock.now(),
  });
  const sends = {
    raw: (partition: number, count: number) =>
      producer.send({
        topic,
        messages: Array.from({ length: count }, () => ({ value: VALUE, partition })),
      }),
    adapter: (partition: number, count: number) =>
      log.append(TOPIC, partitionIndex(partition), records.slice(0, count)),
  } satisfies Readonly<Record<string, Send>>;

  const rates: Record<keyof typeof sends, number[]> = { raw: [], adapter: [] };
  const parallel: Record<keyof typeof sends, number[]> = { raw: [], adapter: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of ['raw', 'adapter'] as const) {
      rates[name].push(await produceRate(sends[name], 1));
      parallel[name].push(await produceRate(sends[name], PARTITIONS));
    }
  }
  const raw = await fetchRateOfClient(client, topic);
  const adapter = await fetchRateOfLog(log);
  const latencies = {
    raw: await singleLatencies(sends.raw),
    adapter: await singleLatencies(sends.adapter),
  };
  await producer.disconnect();
  await log.close();
  return {
    id: 'kafka-log',
    title: kafkaLog.title,
    figures: [
      ...compared('produced, one send of 1,000 outstanding', rates, RATE_MIN),
      ...compared('produced, one send for each of three partitions', parallel),
      ...compared('fetched by one reader for each partition', { raw: [raw], adapter: [adapter] }),
      ...latencyFigures('raw client', latencies.raw),
      ...latencyFigures('adapter', latencies.adapter),
    ],
    notes: [
      `records of ${RECORD_BYTES} bytes, one broker on the same machine, acknowledged by all in-sync replicas; the client: kafkajs, neither idempotent nor compressed, with the partition given; the adapter sends with producer ids and checks checksums when it reads.`,
    ],
  };
};

const openLog = (brokers: readonly string[]): Promise<EventLog> =>
  openKafkaEventLog({
    brokers,
    topics: [{ spec: TOPICS.interactions, partitionCount: PARTITIONS }],
    rules: { replicationFactor: 1, minInsyncReplicas: 1 },
    clock: systemClock,
    logger: { debug: nothing, info: nothing, warn: console.warn, error: console.error },
  });

const nothing = (): void => undefined;

/** So many partitions are sent to at once, each with one send outstanding. */
const produceRate = async (send: Send, lanes: number): Promise<number> => {
  const sendMany = async (total: number): Promise<void> => {
    const each = total / BATCH / lanes;
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        for (let sent = 0; sent < each; sent += 1) {
          await send(lanes === 1 ? sent % PARTITIONS : lane, BATCH);
        }
      }),
    );
  };
  await sendMany(RECORDS * WARM_SHARE);
  const began = systemClock.monotonicMs();
  await sendMany(RECORDS);
  return RECORDS / ((systemClock.monotonicMs() - began) / 1_000);
};

const FETCHED = RECORDS * 2;

const fetchRateOfClient = async (client: Kafka, topic: string): Promise<number> => {
  const consumer = client.consumer({ groupId: 'bench', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const rate = await new Promise<number>((resolve, reject) => {
    const meter = new Meter(resolve);
    consumer
      .run({
        autoCommit: false,
        partitionsConsumedConcurrently: PARTITIONS,
        eachBatch: async ({ batch }) => meter.count(batch.messages.length),
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return rate;
};

const fetchRateOfLog = async (log: EventLog): Promise<number> => {
  const stop = new AbortController();
  let readers: readonly Promise<void>[] = [];
  const rate = await new Promise<number>((resolve, reject) => {
    const meter = new Meter(resolve);
    readers = Array.from({ length: PARTITIONS }, async (_, partition) => {
      const limits = { recordsMax: 4_096, bytesMax: 1_048_576, signal: stop.signal };
      for await (const slice of log.tail(TOPIC, partitionIndex(partition), offset(0), limits)) {
        meter.count(slice.length);
      }
    });
    Promise.all(readers).catch(reject);
  });
  stop.abort();
  await Promise.all(readers);
  return rate;
};

/** From the end of the warm share until enough were counted. */
class Meter {
  readonly #done: (rate: number) => void;
  #counted = 0;
  #began: number | undefined;
  #countedBefore = 0;

  constructor(done: (rate: number) => void) {
    this.#done = done;
  }

  count(records: number): void {
    this.#counted += records;
    if (this.#began === undefined && this.#counted >= FETCHED * WARM_SHARE) {
      this.#began = systemClock.monotonicMs();
      this.#countedBefore = this.#counted;
    }
    if (this.#began !== undefined && this.#counted >= FETCHED) {
      const seconds = (systemClock.monotonicMs() - this.#began) / 1_000;
      this.#done((this.#counted - this.#countedBefore) / seconds);
    }
  }
}

/** Sorted, of callers that each wait for one record after the other. */
const singleLatencies = async (send: Send): Promise<readonly number[]> => {
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      for (let sent = 0; sent < SINGLES / CALLERS; sent += 1) {
        const began = systemClock.monotonicMs();
        await send(caller % PARTITIONS, 1);
        latencies.push(systemClock.monotonicMs() - began);
      }
    }),
  );
  return latencies.sort((a, b) => a - b);
};

const compared = (
  name: string,
  { raw, adapter }: { readonly raw: readonly number[]; readonly adapter: readonly number[] },
  atLeast?: number,
): readonly Figure[] => [
  { name: `${name}: raw client`, value: middle(raw), unit: 'records/s', spread: spread(raw) },
  { name: `${name}: adapter`, value: middle(adapter), unit: 'records/s', spread: spread(adapter) },
  {
    name: `${name}: adapter ÷ raw client`,
    value: middle(adapter) / middle(raw),
    unit: '×',
    isRatio: true,
    ...(atLeast !== undefined && { reach: { atLeast } }),
  },
];

const latencyFigures = (who: string, sorted: readonly number[]): readonly Figure[] =>
  [50, 99].map((percent) => ({
    name: `acknowledged, ${CALLERS} callers of single records, ${who}: p${percent}`,
    value: sorted[Math.floor((sorted.length * percent) / 100)] ?? Number.NaN,
    unit: 'ms',
  }));

const middle = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const spread = (values: readonly number[]): readonly [number, number] => [
  Math.min(...values),
  Math.max(...values),
];
