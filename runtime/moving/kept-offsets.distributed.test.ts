/** Topics while a site is moved onto them, and the offsets that records keep there, on a real broker. */
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { type EpochMs, type Offset, offset, partitionIndex } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TOPICS, type TopicSpec } from '../../schemas/topics.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { HELD_RULES, letGoTopics, siteTopics } from '../../storage/event-log/kafka/held-topics.ts';
import {
  deleteNamespace,
  newNamespace,
  openTestLog,
} from '../../storage/event-log/kafka/kafka-log.fixture.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { fillerFor, KeptOffsets } from './kept-offsets.ts';

const TOPIC_NAMES = [TOPICS.interactions, TOPICS.catalogue] as const satisfies readonly TopicSpec[];
/** As of a site; what a record is older than expires. */
const RULES = { replicationFactor: 1, minInsyncReplicas: 1, retentionMs: 86_400_000_000 };
const PARTITION = partitionIndex(0);
const NOW = 1_760_000_000_000 as EpochMs;

const brokers = inject('kafka').addresses.plain;
const topics = TOPIC_NAMES.map((spec) => ({ spec, partitionCount: 1 }));
let namespace: string;
let logs: EventLog[];
beforeEach(() => {
  namespace = newNamespace();
  logs = [];
});
afterEach(async () => {
  for (const log of logs) await log.close();
  await deleteNamespace(brokers, namespace);
});

const open = async (rules: typeof HELD_RULES | Record<string, never>): Promise<EventLog> => {
  const log = await openTestLog({ brokers, namespace, topics, rules: { ...RULES, ...rules } });
  logs.push(log);
  return log;
};

const site = () => ({ access: { brokers }, namespace, topics, logger: silentLogger });

it('are nobody’s, then held, and then a site’s', async () => {
  expect(await siteTopics(site())).toBe('none');
  await open(HELD_RULES);
  expect(await siteTopics(site())).toBe('held');
  await expect(open({})).rejects.toMatchObject({ code: 'topic_mismatch' });
  await letGoTopics({ ...site(), rules: RULES });
  expect(await siteTopics(site())).toBe('in use');
  await open({});
});

const put = async (log: EventLog, spec: TopicSpec, offsets: readonly number[]): Promise<void> => {
  const { end } = await log.watermarks(spec.name, PARTITION);
  const kept = new KeptOffsets({
    log,
    topic: spec.name,
    partition: PARTITION,
    cleanup: spec.cleanup,
    end,
    onAppended: () => undefined,
  });
  for (const at of offsets) {
    const text = Buffer.from(`record ${at}`);
    await kept.put(offset(at), { key: text, value: text, timestamp: NOW });
  }
  await kept.finish();
};

const read = async (log: EventLog, { name }: TopicSpec): Promise<readonly LogRecord[]> => {
  const found: LogRecord[] = [];
  for await (const slice of partitionSlices(log, name, PARTITION)) found.push(...slice);
  return found;
};

it('give records the offsets that they had, whatever is missing in between', async () => {
  const log = await open(HELD_RULES);
  const { interactions, catalogue } = TOPICS;
  for (const spec of [interactions, catalogue]) {
    await put(log, spec, [5_000, 5_001, 5_004]);
    await put(log, spec, [5_006]);
    const records = await read(log, spec);
    for (const { offset: at, key, value, timestamp } of records) {
      const isOurs = [5_000, 5_001, 5_004, 5_006].includes(at);
      const filler = fillerFor(spec.cleanup);
      expect({ key: key && `${key}`, value: value && `${value}`, timestamp }).toEqual(
        isOurs
          ? { key: `record ${at}`, value: `record ${at}`, timestamp: NOW }
          : { ...filler, key: filler.key && '' },
      );
    }
    expect(records.length).toBe(5_007);
  }
  const keepFrom = [5_000 as Offset];
  await log.clean(interactions.name, { ageMs: NOW - 1, keepFrom }, NOW);
  expect(await log.watermarks(interactions.name, PARTITION)).toEqual({ low: 5_000, end: 5_007 });
});

it('notice somebody else who writes', async () => {
  const log = await open(HELD_RULES);
  await put(log, TOPICS.interactions, [0, 1]);
  const text = Buffer.from('x');
  const kept = new KeptOffsets({
    log,
    topic: TOPICS.interactions.name,
    partition: PARTITION,
    cleanup: 'delete',
    end: offset(1),
    onAppended: () => undefined,
  });
  await kept.put(offset(1), { key: text, value: text, timestamp: NOW });
  await expect(kept.finish()).rejects.toThrow(/that belongs at 1/);
});
