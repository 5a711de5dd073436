/** Retention over a log in memory: who is waited for, who is not, and when. */
import { describe, expect, it } from 'vitest';
import {
  type EpochMs,
  NO_OFFSET,
  type Offset,
  type PartitionIndex,
  partitionIndex,
  type StatePartition,
  statePartition,
} from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openMemoryEventLog } from '../../storage/event-log/memory-event-log.ts';
import type { SinkStatus } from '../../stream/warehouse-sink.ts';
import { T0, topicsOf } from '../../test/stream/stream-fixture.ts';
import { keepLogWithinLimits } from './log-retention.ts';

const P0 = partitionIndex(0);
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const { interactions, impressions, itemSignals, catalogue } = TOPICS;

const setUp = (options: { ageMs?: number; bytesMax?: number }) => {
  let drawn = 0;
  const log = openMemoryEventLog({
    topics: topicsOf(1, 1),
    random: () => {
      drawn += 1;
      return (drawn * 0.6180339887498949) % 1;
    },
  });
  let now = T0 as number;
  let wake: (() => void) | undefined;
  const clock = {
    now: () => now as EpochMs,
    monotonicMs: () => now,
    sleep: (_: unknown, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        wake = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  const snapshots = new Map<StatePartition, Offset>();
  const sinks: SinkStatus[] = [];
  const asked: StatePartition[] = [];
  const world = {
    /** What a snapshot that is asked for would cover. */
    covered: new Map<StatePartition, Offset>(),
    snapshots,
    sinks,
    asked,
    log,
    pass: async (ms: number) => {
      now += ms;
      wake?.();
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    append: (topic: string, count: number, key = 'k') =>
      log.append(
        topic,
        P0,
        Array.from({ length: count }, () => ({
          key: new TextEncoder().encode(key),
          value: new Uint8Array(1_000),
          timestamp: now as EpochMs,
        })),
      ),
    low: async (topic: string) => (await log.watermarks(topic, P0)).low,
    retention: keepLogWithinLimits(
      {
        log,
        state: { recoverableFrom: async (name) => snapshots.get(name) ?? (0 as Offset) },
        topics: Object.values(TOPICS),
        streamTopics: [itemSignals.name],
        stream: {
          status: async () => ({ sinks }),
          clean: ({ topic, retention, now: at }) => log.clean(topic, retention, at),
          snapshot: async (partitions) => {
            asked.push(...partitions);
            for (const name of partitions) {
              const covered = world.covered.get(name);
              if (covered !== undefined) snapshots.set(name, (covered + 1) as Offset);
            }
          },
        },
        clock,
        logger: silentLogger,
      },
      { ageMs: options.ageMs ?? 1_000 * DAY_MS, bytesMax: options.bytesMax ?? 1e12 },
    ),
  };
  return world;
};

const sink = (topic: string, coveredOffset: number): SinkStatus => ({
  table: topic,
  topic,
  partition: P0 as PartitionIndex,
  coveredOffset: coveredOffset as Offset,
  lag: 0,
  rows: 0,
  rejected: 0,
  lost: 0,
  problem: null,
});

const stateOf = (topic: string) => statePartition(topic, P0);

describe('retention of the log', () => {
  it('lets records expire by age on its own schedule, and leaves younger ones', async () => {
    const world = setUp({ ageMs: 10 * DAY_MS });
    await world.append(impressions.name, 3);
    await world.pass(9 * DAY_MS);
    await world.append(impressions.name, 2);
    expect(await world.low(impressions.name)).toBe(0);
    await world.pass(2 * DAY_MS);
    expect(await world.low(impressions.name)).toBe(3);
    expect(world.retention.status().removedRecords).toBe(3);
    await world.retention.stop();
  });

  it('brings the largest topics down to nine tenths of the budget, and leaves small ones whole', async () => {
    const world = setUp({ bytesMax: 200_000 });
    world.covered.set(stateOf(interactions.name), 299 as Offset);
    world.covered.set(stateOf(itemSignals.name), 199 as Offset);
    await world.append(interactions.name, 300);
    await world.append(itemSignals.name, 200);
    await world.append(impressions.name, 20);
    await world.pass(MINUTE_MS);
    const { liveBytes, heldBytes } = world.retention.status();
    expect(liveBytes).toBeLessThanOrEqual(180_000);
    expect(liveBytes).toBeGreaterThan(170_000);
    expect(heldBytes).toBe(0);
    expect(await world.low(impressions.name)).toBe(0);
    const [cut, other] = [await world.low(interactions.name), await world.low(itemSignals.name)];
    expect(300 - cut).toBe(200 - other);
    await world.retention.stop();
  });

  it('[I1] never passes the newest snapshot of the state, and asks for one where that is in the way', async () => {
    const world = setUp({ bytesMax: 50_000 });
    world.covered.set(stateOf(interactions.name), 59 as Offset);
    await world.append(interactions.name, 100);
    await world.pass(MINUTE_MS);
    expect(world.asked).toContain(stateOf(interactions.name));
    // The state covers up to 59: a power cut would begin at 60, however much too large the log is.
    expect(await world.low(interactions.name)).toBeGreaterThan(50);
    expect(await world.low(interactions.name)).toBeLessThanOrEqual(60);
    world.covered.set(stateOf(interactions.name), 60 as Offset);
    await world.append(interactions.name, 100);
    await world.pass(MINUTE_MS);
    expect(await world.low(interactions.name)).toBe(61);
    expect(world.retention.status().heldBytes).toBeGreaterThan(80_000);
    await world.retention.stop();
  });

  it('removes nothing of a topic whose state has no snapshot', async () => {
    const world = setUp({ bytesMax: 10_000, ageMs: DAY_MS });
    await world.append(interactions.name, 100);
    await world.pass(30 * DAY_MS);
    expect(await world.low(interactions.name)).toBe(0);
    expect(world.retention.status().heldBytes).toBeGreaterThan(90_000);
    await world.retention.stop();
  });

  it('waits for a sink that is behind, up to a quarter over the limit, then goes on without it', async () => {
    const world = setUp({ bytesMax: 100_000 });
    world.sinks.push(sink(impressions.name, NO_OFFSET));
    await world.append(impressions.name, 110);
    await world.pass(MINUTE_MS);
    expect(await world.low(impressions.name)).toBe(0);
    expect(world.retention.status().heldBytes).toBeGreaterThan(10_000);
    await world.append(impressions.name, 100);
    await world.pass(MINUTE_MS);
    expect(await world.low(impressions.name)).toBeGreaterThan(80);
    expect(world.retention.status().liveBytes).toBeLessThanOrEqual(125_000);
    world.sinks[0] = sink(impressions.name, 209);
    await world.pass(MINUTE_MS);
    expect(world.retention.status().liveBytes).toBeLessThanOrEqual(90_000);
    await world.retention.stop();
  });

  it('compacts the catalogue up to where state and sink have read it, and never lets it expire', async () => {
    const world = setUp({ ageMs: DAY_MS, bytesMax: 1_000 });
    world.snapshots.set(stateOf(catalogue.name), 5 as Offset);
    world.sinks.push(sink(catalogue.name, 3));
    await world.append(catalogue.name, 10, 'heat-1995');
    await world.pass(MINUTE_MS);
    // Of the four that both have read the last one stays, and the six that the sink has not.
    expect(await world.log.sizeBytes(catalogue.name)).toBeLessThan(7_300);
    expect(world.retention.status().removedRecords).toBe(3);
    await world.pass(40 * DAY_MS);
    expect(world.retention.status().removedRecords).toBe(3);
    await world.retention.stop();
  });
});
