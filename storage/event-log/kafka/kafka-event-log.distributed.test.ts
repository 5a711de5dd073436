import { setTimeout as sleep } from 'node:timers/promises';
import { CompressionTypes, Partitioners } from 'kafkajs';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { epochMs, type Offset, offset, partitionIndex } from '../../../schemas/ids.ts';
import { CONTRACT_TOPICS } from '../contract-topics.fixture.ts';
import { readAll } from '../event-log.contract.ts';
import type { AppendRecord, EventLog, LogRecord } from '../event-log.ts';
import { partitionOf } from '../partitioner.ts';
import type { KafkaEventLogOptions } from './kafka-event-log.ts';
import {
  deleteNamespace,
  newNamespace,
  openTestLog,
  outsideClient,
  SINGLE_BROKER,
} from './kafka-log.fixture.ts';

const kafka = inject('kafka');
const brokers = kafka.addresses.plain;

const DELETE = 'contract-delete';
const COMPACT = 'contract-compact';
const P0 = partitionIndex(0);
const ALL = { recordsMax: 1_000_000, bytesMax: 1_000_000_000 };
const SEGMENT_BYTES = 1_048_576;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const record = (key: string, text: string | null): AppendRecord => ({
  key: bytes(key),
  value: text === null ? null : bytes(text),
  timestamp: epochMs(1_000),
});
const textsOf = (records: readonly LogRecord[]): readonly (string | null)[] =>
  records.map(({ value }) => value && new TextDecoder().decode(value));

const opened: EventLog[] = [];
const namespaces: string[] = [];
const open = async (
  options: Partial<KafkaEventLogOptions> & { namespace: string },
): Promise<EventLog> => {
  const log = await openTestLog({ brokers, ...options });
  opened.push(log);
  return log;
};
const ownNamespace = (): string => {
  namespaces.push(newNamespace());
  return namespaces.at(-1)!;
};

afterAll(async () => {
  await Promise.all(opened.map((log) => log.close()));
  for (const namespace of namespaces) await deleteNamespace(brokers, namespace);
});

/** As an operator makes a topic, or changes one. */
const asOperator = async <Result>(
  act: (admin: ReturnType<ReturnType<typeof outsideClient>['admin']>) => Promise<Result>,
): Promise<Result> => {
  const admin = outsideClient(brokers).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
};

const TOPIC_RESOURCE = 2;
const setTopic = (topic: string, entries: Readonly<Record<string, string>>): Promise<unknown> =>
  asOperator(async (admin) => {
    const described = await admin.describeConfigs({
      resources: [{ type: TOPIC_RESOURCE, name: topic }],
      includeSynonyms: false,
    });
    const own = described.resources[0]!.configEntries.filter(
      ({ configSource }) => Number(configSource) === 1,
    );
    const merged = {
      ...Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue])),
      ...entries,
    };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: TOPIC_RESOURCE,
          name: topic,
          configEntries: Object.entries(merged).map(([name, value]) => ({ name, value })),
        },
      ],
    });
  });

/** The broker cleans in its own time. */
const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await sleep(100);
};

describe('KafkaEventLog and the topics of a cluster', () => {
  it('makes missing topics with its settings, and takes them as they are the next time', async () => {
    const namespace = ownNamespace();
    const first = await open({ namespace });
    const second = await open({ namespace });
    expect(await second.topic(DELETE)).toEqual(await first.topic(DELETE));
  });

  it('names the topic, the setting and both values when they differ', async () => {
    const namespace = ownNamespace();
    await open({ namespace });
    await setTopic(`${namespace}.${DELETE}`, { 'retention.ms': '1234' });
    await expect(open({ namespace })).rejects.toMatchObject({
      code: 'topic_mismatch',
      details: {
        topic: `${namespace}.${DELETE}`,
        setting: 'retention.ms',
        expected: '-1',
        found: '1234',
      },
    });
    await open({ namespace, rules: { ...SINGLE_BROKER, retentionMs: 1_234 } });
  });

  it('refuses another number of partitions, and more replicas than there are', async () => {
    const namespace = ownNamespace();
    await open({ namespace });
    const [first, second] = CONTRACT_TOPICS as [
      (typeof CONTRACT_TOPICS)[0],
      (typeof CONTRACT_TOPICS)[0],
    ];
    const topics = [{ ...first, partitionCount: 5 }, second];
    await expect(open({ namespace, topics })).rejects.toMatchObject({
      code: 'topic_mismatch',
      details: { setting: 'partitions', expected: '5', found: '3' },
    });
    const rules = { ...SINGLE_BROKER, replicationFactor: 2 };
    await expect(open({ namespace, rules })).rejects.toMatchObject({
      code: 'topic_mismatch',
      details: { setting: 'replication.factor', expected: '2', found: '1' },
    });
  });

  it('refuses a namespace that is no name', async () => {
    for (const namespace of ['', 'a.b', 'ä', 'a b', 'x'.repeat(65)]) {
      await expect(openTestLog({ brokers, namespace })).rejects.toMatchObject({
        code: 'bad_settings',
      });
    }
  });

  it('keeps two sites apart on one cluster', async () => {
    const [one, other] = [
      await open({ namespace: ownNamespace() }),
      await open({ namespace: ownNamespace() }),
    ];
    await one!.append(DELETE, P0, [record('k', 'mine')]);
    expect(await readAll(other!, DELETE, P0)).toEqual([]);
    expect((await one!.topic(DELETE)).logId).not.toBe((await other!.topic(DELETE)).logId);
  });

  it('[L10] notices that a topic was made anew while it was open', async () => {
    const namespace = ownNamespace();
    const log = await open({ namespace });
    await log.append(DELETE, P0, [record('k', 'a')]);
    await log.append(DELETE, P0, [record('k', 'b')]);
    await deleteNamespace(brokers, namespace);
    await open({ namespace });
    const outcome = log.read(DELETE, P0, offset(2), ALL);
    await expect(outcome).rejects.toMatchObject({
      code: expect.stringMatching(/^(log_replaced|offset_out_of_range)$/),
    });
  });
});

describe('KafkaEventLog and what brokers do by themselves', () => {
  it('[L2, L9] reads on over the gaps that compaction leaves', async () => {
    const namespace = ownNamespace();
    const log = await open({ namespace });
    await setTopic(`${namespace}.${COMPACT}`, {
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '200',
    });
    const now = Date.now();
    const at = (key: string, text: string | null): AppendRecord => ({
      ...record(key, text),
      timestamp: epochMs(now),
    });
    for (const [key, text] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
      ['c', 'c1'],
      ['a', 'a3'],
    ] as const) {
      await log.append(COMPACT, P0, [at(key, text)]);
    }
    const first = async () => textsOf(await readAll(log, COMPACT, P0));
    await until(async () => {
      // Only what a later append closed the file of is compacted.
      await log.append(COMPACT, P0, [{ ...at('z', 'tick'), timestamp: epochMs(Date.now()) }]);
      return !(await first()).includes('a1');
    });
    const kept = (await first()).filter((text) => text !== 'tick');
    expect(kept).toEqual(['b1', 'c1', 'a3']);
    const { low, end } = await log.watermarks(COMPACT, P0);
    for (let from: number = low; from < 5; from += 1) {
      const found = textsOf(await readAll(log, COMPACT, P0, offset(from)));
      expect(found.filter((text) => text !== 'tick')).toEqual(
        [
          [1, 'b1'],
          [3, 'c1'],
          [4, 'a3'],
        ].flatMap(([place, text]) => (Number(place) >= from ? [text] : [])),
      );
    }
    expect(end).toBeGreaterThan(5);
  });

  it('[L7] a tail whose place has expired ends with both numbers, and jumps nowhere', async () => {
    const namespace = ownNamespace();
    const rules = { ...SINGLE_BROKER, retentionBytes: SEGMENT_BYTES };
    const log = await open({ namespace, rules });
    await setTopic(`${namespace}.${DELETE}`, {
      'segment.bytes': `${SEGMENT_BYTES}`,
      'file.delete.delay.ms': '0',
    });
    const large = { ...record('k', null), value: new Uint8Array(500_000) };
    for (let count = 0; count < 12; count += 1) await log.append(DELETE, P0, [large]);
    await until(async () => (await log.watermarks(DELETE, P0)).low > 2);
    const { signal } = new AbortController();
    const tailing = (async () => {
      for await (const slice of log.tail(DELETE, P0, offset(1), { ...ALL, signal })) return slice;
      return [];
    })();
    await expect(tailing).rejects.toMatchObject({
      code: 'offset_out_of_range',
      details: { topic: DELETE, partition: 0, offset: 1, low: expect.any(Number), end: 12 },
    });
    const { low } = await log.watermarks(DELETE, P0);
    expect((await log.read(DELETE, P0, low, ALL))[0]!.offset).toBe(low);
    expect(await log.sizeBytes(DELETE, P0)).toBeGreaterThan(500_000);
  });
});

describe('KafkaEventLog and producers outside', () => {
  it('reads what others wrote compressed, and not what their transactions took back', async () => {
    const namespace = ownNamespace();
    const log = await open({ namespace });
    const topic = `${namespace}.${DELETE}`;
    const producer = outsideClient(brokers).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      transactionalId: namespace,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    const messages = (...texts: string[]) =>
      texts.map((value) => ({ value, partition: 0, headers: { trace: 'x' } }));
    const compression = CompressionTypes.GZIP;
    const aborted = await producer.transaction();
    await aborted.send({ topic, messages: messages('taken back'), compression });
    await aborted.abort();
    const committed = await producer.transaction();
    await committed.send({ topic, messages: messages('x', 'y'), compression });
    await committed.commit();
    await producer.disconnect();
    await log.append(DELETE, P0, [record('k', 'ours')]);
    expect(textsOf(await readAll(log, DELETE, P0))).toEqual(['x', 'y', 'ours']);
  });

  it('a mark of a transaction at the end is no end for a reader', async () => {
    const namespace = ownNamespace();
    const log = await open({ namespace });
    const producer = outsideClient(brokers).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      transactionalId: namespace,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    const messages = [{ value: 'taken back', partition: 0 }];
    await transaction.send({ topic: `${namespace}.${DELETE}`, messages });
    await transaction.abort();
    await producer.disconnect();
    await until(async () => (await log.watermarks(DELETE, P0)).end === 2);
    expect(await log.read(DELETE, P0, offset(0), ALL)).toEqual([]);
    const { firstOffset } = await log.append(DELETE, P0, [record('k', 'ours')]);
    expect(firstOffset).toBe(2);
    expect(textsOf(await log.read(DELETE, P0, offset(0), ALL))).toEqual(['ours']);
  });

  it('[L3] a key goes where the default partitioner of others puts it', () => {
    const partitioner = Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({
      partitionId,
      leader: 1,
      partitionErrorCode: 0,
      replicas: [1],
      isr: [1],
    }));
    for (const key of ['', 'a', 'u:user-1', 's:Ω', '__proto__', 'x'.repeat(1_000)]) {
      const theirs = partitioner({
        topic: 'any',
        partitionMetadata,
        message: { key: Buffer.from(key), value: null },
      });
      expect(partitionOf(key, 7)).toBe(theirs);
    }
  });
});

describe('KafkaEventLog and who may talk to a cluster', () => {
  const roundTrip = async (options: Partial<KafkaEventLogOptions>): Promise<void> => {
    const log = await open({ namespace: ownNamespace(), ...options });
    const { firstOffset } = await log.append(DELETE, P0, [record('k', 'a')]);
    expect(textsOf(await readAll(log, DELETE, P0, firstOffset))).toEqual(['a']);
  };

  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
    it(`says who it is by ${mechanism}`, async () => {
      await roundTrip({ brokers: kafka.addresses.sasl, sasl: { mechanism, ...kafka.user } });
    });
  }

  it('is told at once that a password is wrong', async () => {
    const sasl = { mechanism: 'plain', username: 'freshet', password: 'a guess' } as const;
    const opening = open({ namespace: ownNamespace(), brokers: kafka.addresses.sasl, sasl });
    await expect(opening).rejects.toMatchObject({ code: 'log_refused' });
    await expect(opening).rejects.not.toThrow(/a guess/);
  });

  it('talks with TLS to a broker that it trusts, and to no other', async () => {
    await roundTrip({ brokers: kafka.addresses.tls, tls: { ca: kafka.certificate } });
    const strangers = open({
      namespace: ownNamespace(),
      brokers: kafka.addresses.tls,
      tls: {},
      readMsMax: 500,
    });
    await expect(strangers).rejects.toMatchObject({ code: 'log_unavailable' });
  });
});

describe('KafkaEventLog under its caps', () => {
  it('[I9] refuses what does not fit beside what already waits', async () => {
    const log = await open({ namespace: ownNamespace(), waitingBytesMax: 10_000 });
    const large = { ...record('k', null), value: new Uint8Array(6_000) };
    const first = log.append(DELETE, P0, [large]);
    await expect(log.append(DELETE, P0, [large])).rejects.toMatchObject({
      code: 'log_unavailable',
    });
    await first;
    await log.append(DELETE, P0, [large]);
    expect(await readAll(log, DELETE, P0)).toHaveLength(2);
  });

  it('takes the largest batch that it says it takes, also of the smallest records', async () => {
    const log = await open({ namespace: ownNamespace() });
    const { batchRecordsMax, batchBytesMax, recordBytesMax } = log.limits;
    const few = Array.from({ length: batchBytesMax / recordBytesMax }, () => ({
      key: null,
      value: new Uint8Array(recordBytesMax),
      timestamp: epochMs(1),
    }));
    await log.append(DELETE, P0, few);
    const value = new Uint8Array(Math.floor(batchBytesMax / batchRecordsMax));
    const many = Array.from({ length: batchRecordsMax }, (_, at) => ({
      key: null,
      value,
      timestamp: epochMs(at % 2 === 0 ? 0 : 4e15),
    }));
    const { lastOffset } = await log.append(DELETE, P0, many);
    const found: Offset[] = (await readAll(log, DELETE, P0)).map((each) => each.offset);
    expect(found.at(-1)).toBe(lastOffset);
    expect(found).toHaveLength(few.length + many.length);
  });
});
