/**
 * The stream alone on Kafka and Redis, in a process of its own: replays what the log holds, keeps every
 * apply, and writes them again without the stream. Its last line is JSON.
 *
 *     node bench/distributed/replay-process.ts --brokers HOST:PORT --redis URL --namespace NAME
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../../runtime/clock.ts';
import { planAllTopics } from '../../runtime/topic-plan.ts';
import { openKafkaEventLog } from '../../storage/event-log/kafka/kafka-event-log.ts';
import { openRedisStateStore } from '../../storage/state-store/redis-state-store.ts';
import { measure, replayOnce, streamDependencies } from '../stream/replay-run.ts';
import { SILENT } from './bench-site.ts';
import { RecordedApplies } from './recorded-applies.ts';

export interface ReplayAnswer {
  readonly streamMs: number;
  readonly streamCpuMs: number;
  readonly rawMs: number;
  readonly rawCpuMs: number;
  readonly applies: number;
  readonly values: number;
  readonly bytes: number;
}

interface ReplayProcessOptions {
  readonly brokers: string;
  readonly redis: string;
  readonly namespace: string;
  readonly userPartitions: number;
  readonly itemPartitions: number;
}

export const replayAndWriteAgain = async ({
  brokers,
  redis,
  namespace,
  ...counts
}: ReplayProcessOptions): Promise<ReplayAnswer> => {
  const eventLog = await openKafkaEventLog({
    brokers: brokers.split(','),
    namespace,
    topics: planAllTopics(counts),
    rules: { replicationFactor: 1, minInsyncReplicas: 1, retentionMs: 400 * 86_400_000 },
    clock: systemClock,
    logger: SILENT,
  });
  const servers = { urls: [redis] };
  const store = await openRedisStateStore({ servers, namespace });
  const again = await openRedisStateStore({ servers, namespace: `${namespace}_raw` });
  const recorded = new RecordedApplies();
  try {
    const plan = { seed: 0, events: 0, people: 0, items: 0, ...counts };
    const deps = streamDependencies(plan, eventLog, recorded.recording(store));
    const stream = await replayOnce(deps);
    const raw = await measure(() => recorded.writeAgain(again));
    const { applies, values, bytes } = recorded;
    return {
      streamMs: stream.wallMs,
      streamCpuMs: stream.cpuMs,
      rawMs: raw.wallMs,
      rawCpuMs: raw.cpuMs,
      applies,
      values,
      bytes,
    };
  } finally {
    await Promise.all([store.close(), again.close(), eventLog.close()]);
  }
};

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      brokers: { type: 'string', default: '' },
      redis: { type: 'string', default: '' },
      namespace: { type: 'string', default: '' },
      userPartitions: { type: 'string', default: '4' },
      itemPartitions: { type: 'string', default: '4' },
    },
  });
  const { userPartitions, itemPartitions, ...rest } = values;
  const answer = await replayAndWriteAgain({
    ...rest,
    userPartitions: Number(userPartitions),
    itemPartitions: Number(itemPartitions),
  });
  console.log(JSON.stringify(answer));
}
