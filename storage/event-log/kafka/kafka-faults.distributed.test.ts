/** A network and a broker that fail while records are written and read. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { epochMs, offset, partitionIndex } from '../../../schemas/ids.ts';
import { seededRandom } from '../../../test/faults/seeded-random.ts';
import { type FaultProxy, startFaultProxy } from '../../../test/services/fault-proxy.ts';
import { type KafkaServers, startKafka } from '../../../test/services/kafka-server.ts';
import {
  losingReplies,
  PRODUCE_API,
  type ReplyFate,
} from '../../../test/services/kafka-traffic.ts';
import { readAll } from '../event-log.contract.ts';
import type { AppendRecord, AppendResult, EventLog, LogRecord } from '../event-log.ts';
import type { KafkaEventLogOptions } from './kafka-event-log.ts';
import { newNamespace, openTestLog } from './kafka-log.fixture.ts';

const TOPIC = 'contract-delete';
const P0 = partitionIndex(0);
const PARTITIONS = [0, 1, 2].map(partitionIndex);
const ALL = { recordsMax: 1_000_000, bytesMax: 1_000_000_000 };

let kafka: KafkaServers;
let proxy: FaultProxy;
let fateOf: (apiKey: number) => ReplyFate = () => 'pass';
let log: EventLog;

beforeAll(async () => {
  kafka = await startKafka();
  const [broker] = kafka.brokers;
  proxy = await startFaultProxy({
    port: broker!.proxyPort,
    targetPort: broker!.ports.proxied,
    editor: losingReplies((apiKey) => fateOf(apiKey)),
  });
});

afterEach(async () => {
  fateOf = () => 'pass';
  proxy.resume();
  await log.close();
});

afterAll(async () => {
  await proxy.stop();
  await kafka.stop();
});

const open = async (options: Partial<KafkaEventLogOptions> = {}): Promise<EventLog> => {
  const [broker] = kafka.brokers;
  log = await openTestLog({
    brokers: [`127.0.0.1:${broker!.proxyPort}`],
    namespace: newNamespace(),
    requestMsMax: 400,
    deliveryMsMax: 60_000,
    ...options,
  });
  return log;
};

/** A broker that restarts remembers producers by the times of their records, for a day. */
const NOW = epochMs(Date.now());

const record = (text: string): AppendRecord => ({
  key: null,
  value: new TextEncoder().encode(text),
  timestamp: NOW,
});
const textOf = ({ value }: LogRecord): string => new TextDecoder().decode(value!);

interface Acknowledged extends AppendResult {
  readonly partition: number;
  readonly texts: readonly string[];
}

/** Callers that each append one batch after the other. */
const appendMuch = async (
  callers: number,
  batches: number,
  { isOver = () => false, paceMs = 0 }: { isOver?: () => boolean; paceMs?: number } = {},
): Promise<readonly Acknowledged[]> => {
  const all: Acknowledged[] = [];
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      const partition = PARTITIONS[caller % PARTITIONS.length]!;
      for (let batch = 0; batch < batches && !isOver(); batch += 1) {
        const texts = Array.from(
          { length: 1 + (batch % 4) },
          (__, at) => `${caller}/${batch}/${at}`,
        );
        const result = await log.append(TOPIC, partition, texts.map(record));
        all.push({ ...result, partition, texts });
        if (paceMs > 0) await sleep(paceMs);
      }
    }),
  );
  return all;
};

/** The log holds what was acknowledged, at the offsets that were told, and nothing else. */
const expectExactly = async (acknowledged: readonly Acknowledged[]): Promise<void> => {
  for (const partition of PARTITIONS) {
    const expected = new Map<number, string>();
    for (const each of acknowledged.filter((one) => one.partition === partition)) {
      for (const [at, text] of each.texts.entries()) expected.set(each.firstOffset + at, text);
    }
    const found = await readAll(log, TOPIC, partition);
    expect(found.map(({ offset: at }) => at)).toEqual(found.map((_, index) => index));
    expect(new Map(found.map((each) => [each.offset as number, textOf(each)]))).toEqual(
      new Map([...expected].sort(([a], [b]) => a - b)),
    );
  }
};

/** Follows the log until as many records have come. */
const follow = async (count: number, seen: string[] = []): Promise<readonly string[]> => {
  const stop = new AbortController();
  for await (const slice of log.tail(TOPIC, P0, offset(0), { ...ALL, signal: stop.signal })) {
    seen.push(...slice.map(textOf));
    if (seen.length >= count) stop.abort();
  }
  return seen;
};

describe('KafkaEventLog on a bad network', () => {
  it('[fault 7] loses nothing and doubles nothing when one answer in fifty is lost', async () => {
    const seed = 20_261_128;
    console.log(`seed ${seed}`);
    const random = seededRandom(seed);
    await open();
    let lost = 0;
    fateOf = (apiKey) => {
      if (apiKey !== PRODUCE_API || random() >= 0.02) return 'pass';
      lost += 1;
      return random() < 0.5 ? 'lose' : 'cut';
    };
    const acknowledged = await appendMuch(8, 600);
    expect(lost).toBeGreaterThan(3);
    fateOf = () => 'pass';
    await expectExactly(acknowledged);
  });

  it('[tooth] doubles what was stored when a broker cannot recognise it', async () => {
    await open({ seams: { writeAnonymously: true } });
    let isLost = false;
    fateOf = (apiKey) => {
      if (apiKey !== PRODUCE_API || isLost) return 'pass';
      isLost = true;
      return 'lose';
    };
    await log.append(TOPIC, P0, [record('a')]);
    expect((await readAll(log, TOPIC, P0)).map(textOf)).toEqual(['a', 'a']);
  });

  it('stores a request that comes late no second time, nor after what was written since', async () => {
    await open();
    await log.append(TOPIC, P0, [record('first')]);
    proxy.strand();
    // It waits on the way to the broker until its answer counts as lost, and is sent again.
    await log.append(TOPIC, P0, [record('second')]);
    await log.append(TOPIC, P0, [record('third')]);
    proxy.resume();
    await log.append(TOPIC, P0, [record('fourth')]);
    const found = (await readAll(log, TOPIC, P0)).map(textOf);
    expect(found).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('says what is known of records that it gives up, and goes on when the network does', async () => {
    await open({ deliveryMsMax: 1_000, readMsMax: 500, connectMsMax: 500 });
    await log.append(TOPIC, P0, [record('before')]);
    proxy.stall();
    await expect(log.append(TOPIC, P0, [record('unknown')])).rejects.toMatchObject({
      code: 'log_unacknowledged',
    });
    await expect(log.append(TOPIC, P0, [record('never sent')])).rejects.toMatchObject({
      code: 'log_unavailable',
    });
    await expect(log.read(TOPIC, P0, offset(0), ALL)).rejects.toMatchObject({
      code: 'log_unavailable',
    });
    proxy.resume();
    await log.append(TOPIC, P0, [record('after')]);
    const found = (await readAll(log, TOPIC, P0)).map(textOf);
    expect(found).not.toContain('never sent');
    expect(found.filter((text) => text !== 'unknown')).toEqual(['before', 'after']);
  });

  it('notices that a tail hears nothing any more, and lets it go on elsewhere', async () => {
    await open();
    const seen: string[] = [];
    await log.append(TOPIC, P0, [record('a')]);
    const following = follow(2, seen);
    await expect.poll(() => seen).toEqual(['a']);
    proxy.strand();
    await log.append(TOPIC, P0, [record('b')]);
    expect(await following).toEqual(['a', 'b']);
  });

  it('waits for answers that come late, without sending twice', async () => {
    await open({ requestMsMax: 5_000 });
    proxy.delayReplies(80);
    const acknowledged = await appendMuch(3, 5);
    proxy.delayReplies(0);
    await expectExactly(acknowledged);
  });

  it('opens another connection when the broker closed the old one while nobody spoke', async () => {
    await open();
    await log.append(TOPIC, P0, [record('a')]);
    expect(await readAll(log, TOPIC, P0)).toHaveLength(1);
    proxy.cut();
    await log.append(TOPIC, P0, [record('b')]);
    proxy.cut();
    expect((await readAll(log, TOPIC, P0)).map(textOf)).toEqual(['a', 'b']);
  });
});

describe('KafkaEventLog on a broker that dies', () => {
  it('loses nothing and doubles nothing when the broker is killed under load, and tails go on', async () => {
    await open();
    let isOver = false;
    const appending = appendMuch(4, Number.POSITIVE_INFINITY, { isOver: () => isOver, paceMs: 2 });
    const seen: string[] = [];
    const stop = new AbortController();
    const tailing = (async () => {
      for await (const slice of log.tail(TOPIC, P0, offset(0), { ...ALL, signal: stop.signal })) {
        seen.push(...slice.map(textOf));
      }
    })();
    for (let kill = 0; kill < 2; kill += 1) {
      const before = seen.length;
      await expect.poll(() => seen.length, { timeout: 30_000 }).toBeGreaterThan(before + 20);
      await kafka.brokers[0]!.kill('SIGKILL');
      await kafka.brokers[0]!.restart();
    }
    const before = seen.length;
    await expect.poll(() => seen.length, { timeout: 30_000 }).toBeGreaterThan(before + 20);
    isOver = true;
    const acknowledged = await appending;
    await expectExactly(acknowledged);
    const all = (await readAll(log, TOPIC, P0)).map(textOf);
    await expect.poll(() => seen.length, { timeout: 30_000 }).toBe(all.length);
    stop.abort();
    await tailing;
    expect(seen).toEqual(all);
  });

  it('[L9] goes on counting after a broker was killed, though everything had expired', async () => {
    await open();
    for (const text of ['a', 'b', 'c']) await log.append(TOPIC, P0, [record(text)]);
    expect(await log.clean(TOPIC, { ageMs: 1 }, epochMs(NOW + 1_000))).toBe(3);
    await kafka.brokers[0]!.kill('SIGKILL');
    await kafka.brokers[0]!.restart();
    expect((await log.watermarks(TOPIC, P0)).end).toBe(3);
    expect(await log.append(TOPIC, P0, [record('d')])).toEqual({ firstOffset: 3, lastOffset: 3 });
  });
});
