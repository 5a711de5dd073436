/**
 * What a topic of ours must be like on the brokers: made so when it is missing, compared when it is
 * there. Nothing is changed behind an operator's back: a difference is an error that names the setting
 * and both values.
 */
import type { Admin, ITopicConfig, ITopicMetadata } from 'kafkajs';
import { FreshetError } from '../../../schemas/errors.ts';
import type { TopicSpec } from '../../../schemas/topics.ts';
import type { EventLogLimits } from '../event-log.ts';
import { KafkaFailure } from './kafka-errors.ts';
import { RECORD_OVERHEAD_BYTES_MAX } from './record-batch.ts';

export interface TopicRules {
  readonly replicationFactor: number;
  /** How many replicas must have a record before it is acknowledged. */
  readonly minInsyncReplicas: number;
  /** How long the brokers keep records of topics that expire; -1 is for ever. */
  readonly retentionMs: number;
  /** How many bytes of a partition they keep; -1 is without a limit. */
  readonly retentionBytes: number;
  /** How long a compacted topic remembers that a key was removed. */
  readonly tombstonesKeptMs: number;
}

export interface WantedTopic {
  readonly kafkaName: string;
  readonly spec: TopicSpec;
  readonly partitionCount: number;
}

interface Setting {
  readonly value: string;
  /** How what is found must relate to it. */
  readonly must: 'be' | 'be at least' | 'be at most';
}

/** Times are ours, not the broker's, and may be of any year. */
const ANY_TIME = '9223372036854775807';
const BATCH_HEADER_BYTES = 61;

/** What was replaced is cleaned as soon as a broker looks again, and its file removed a second later. */
const SHREDDED: Readonly<Record<string, Setting>> = {
  'segment.ms': { value: '1000', must: 'be at most' },
  'min.cleanable.dirty.ratio': { value: '0.001', must: 'be at most' },
  'max.compaction.lag.ms': { value: '1000', must: 'be at most' },
  'file.delete.delay.ms': { value: '1000', must: 'be at most' },
};

export const settingsOf = (
  { cleanup, isShredded }: Pick<TopicSpec, 'cleanup' | 'isShredded'>,
  { rules, limits }: { readonly rules: TopicRules; readonly limits: EventLogLimits },
): Readonly<Record<string, Setting>> => {
  const messageBytes =
    limits.batchBytesMax + limits.batchRecordsMax * RECORD_OVERHEAD_BYTES_MAX + BATCH_HEADER_BYTES;
  return {
    'cleanup.policy': exactly(cleanup),
    'max.message.bytes': atLeast(messageBytes),
    'min.insync.replicas': atLeast(rules.minInsyncReplicas),
    'unclean.leader.election.enable': exactly('false'),
    'message.timestamp.type': exactly('CreateTime'),
    'message.timestamp.before.max.ms': exactly(ANY_TIME),
    'message.timestamp.after.max.ms': exactly(ANY_TIME),
    ...(cleanup === 'compact'
      ? { 'delete.retention.ms': atLeast(rules.tombstonesKeptMs) }
      : {
          'retention.ms': exactly(rules.retentionMs),
          'retention.bytes': exactly(rules.retentionBytes),
        }),
    ...(isShredded ? SHREDDED : {}),
  };
};

const exactly = (value: string | number): Setting => ({ value: `${value}`, must: 'be' });
const atLeast = (value: number): Setting => ({ value: `${value}`, must: 'be at least' });

export interface TopicCheck {
  readonly admin: Admin;
  readonly topics: readonly WantedTopic[];
  readonly rules: TopicRules;
  readonly limits: EventLogLimits;
}

/** Several processes may do this at once. */
export const makeMissingTopics = async (
  { admin, topics, rules, limits }: TopicCheck,
  timeoutMs: number,
): Promise<void> => {
  const there = new Set(await reached(() => admin.listTopics()));
  const missing = topics.filter(({ kafkaName }) => !there.has(kafkaName));
  if (missing.length === 0) return;
  const wanted = missing.map(
    ({ kafkaName, spec, partitionCount }): ITopicConfig => ({
      topic: kafkaName,
      numPartitions: partitionCount,
      replicationFactor: rules.replicationFactor,
      configEntries: Object.entries(settingsOf(spec, { rules, limits })).map(
        ([name, { value }]) => ({ name, value }),
      ),
    }),
  );
  await admin.createTopics({ topics: wanted, timeout: timeoutMs, waitForLeaders: true });
};

/** Where the client reaches no broker in time, it answers itself with nothing and trips over that. */
const reached = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    const problem = 'no broker that could be asked for the topics';
    throw new KafkaFailure(problem, { remedy: 'reconnect', mayHaveAppended: false, cause });
  }
};

const TOPIC_RESOURCE = 2;

/** Throws `topic_mismatch` at the first difference. */
export const checkTopics = async (check: TopicCheck): Promise<void> => {
  const names = check.topics.map(({ kafkaName }) => kafkaName);
  const { topics: found } = await reached(() => check.admin.fetchTopicMetadata({ topics: names }));
  const { resources } = await check.admin.describeConfigs({
    resources: names.map((name) => ({ type: TOPIC_RESOURCE, name })),
    includeSynonyms: false,
  });
  for (const wanted of check.topics) {
    checkShape(
      wanted,
      found.find(({ name }) => name === wanted.kafkaName),
      check.rules,
    );
    const entries = resources.find(({ resourceName }) => resourceName === wanted.kafkaName);
    const values = new Map(
      entries?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
    );
    for (const [setting, { value, must }] of Object.entries(settingsOf(wanted.spec, check))) {
      const foundValue = values.get(setting);
      if (!isAsItMust(must, value, foundValue))
        throw mismatch(wanted, setting, { expected: value, must, found: foundValue });
    }
  }
};

const isAsItMust = (must: Setting['must'], value: string, found: string | undefined): boolean => {
  switch (must) {
    case 'be':
      return found === value;
    case 'be at least':
      return Number(found) >= Number(value);
    case 'be at most':
      return Number(found) <= Number(value);
  }
};

const checkShape = (
  wanted: WantedTopic,
  found: ITopicMetadata | undefined,
  { replicationFactor }: TopicRules,
): void => {
  const partitions = found?.partitions ?? [];
  if (partitions.length !== wanted.partitionCount) {
    throw mismatch(wanted, 'partitions', {
      expected: `${wanted.partitionCount}`,
      must: 'be',
      found: `${partitions.length}`,
    });
  }
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  if (replicas < replicationFactor) {
    throw mismatch(wanted, 'replication.factor', {
      expected: `${replicationFactor}`,
      must: 'be at least',
      found: `${replicas}`,
    });
  }
};

const mismatch = (
  { kafkaName }: WantedTopic,
  setting: string,
  { expected, must, found }: { expected: string; must: Setting['must']; found: string | undefined },
): FreshetError =>
  new FreshetError('topic_mismatch', {
    topic: kafkaName,
    setting,
    must,
    expected,
    found: found ?? 'nothing',
  });
