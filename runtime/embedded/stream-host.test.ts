import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import {
  type EpochMs,
  type EventId,
  type ItemId,
  partitionIndex,
  statePartition,
  type UserId,
} from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { openLmdbStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import { rebaseRecord } from '../../stream/rebase.ts';
import type { StreamStatus } from '../../stream/stream-status.ts';
import { systemClock } from '../clock.ts';
import { dataPathsOf } from '../data-directory.ts';
import { providePersonKeys } from '../person-keys.ts';
import { SETTINGS, type Settings } from '../settings.ts';
import { INGEST_TOPICS } from '../topic-plan.ts';
import { openEmbeddedLog } from './stores.ts';
import { startStreamHost } from './stream-host.ts';

const COUNTS = { userPartitions: 4, itemPartitions: 3 };
const EVENTS = 600;
const PEOPLE = 23;
/** Fewer than a neighbour list holds, so that the order in which envelopes meet leaves no trace. */
const ITEMS = 29;
const T0 = 1_755_000_000_000;
const encoder = new TextEncoder();
const settings = {
  ...Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => [name, setting.default])),
  logLevel: 'error',
} as unknown as Settings;

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

const makeDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-host-'));
  directories.push(directory);
  return directory;
};

const openLog = (directory: string): Promise<EventLog> =>
  openEmbeddedLog({
    directory: join(directory, 'log'),
    keys: providePersonKeys(dataPathsOf(directory)),
    counts: COUNTS,
    writableTopics: INGEST_TOPICS,
    clock: systemClock,
  });

const fill = async (log: EventLog): Promise<void> => {
  const { interactions, control, catalogue } = TOPICS;
  const first = partitionIndex(0);
  const rebase = encodeRecord('Control', rebaseRecord(T0 as EpochMs, T0 as EpochMs));
  await log.append(control.name, first, [
    { key: encoder.encode('rebase'), value: rebase, timestamp: T0 as EpochMs },
  ]);
  const batches: AppendRecord[][] = Array.from({ length: COUNTS.userPartitions }, () => []);
  for (let number = 0; number < EVENTS; number++) {
    const person = (number * 7) % PEOPLE;
    const at = (T0 + number * 60_000) as EpochMs;
    const key = encoder.encode(`u:person-${person}`);
    const value = encodeRecord('Interaction', {
      source: 'test',
      eventId: `event-${number}` as EventId,
      userId: `person-${person}` as UserId,
      sessionId: null,
      itemId: `film-${(number * number) % ITEMS}` as ItemId,
      kind: 'click',
      value: null,
      occurredAt: at,
      receivedAt: at,
      backfill: null,
      sequence: null,
      context: null,
    });
    batches[partitionOf(key, COUNTS.userPartitions)]!.push({ key, value, timestamp: at });
  }
  for (const [index, batch] of batches.entries()) {
    // One that nobody can read, in every partition: each worker has dead letters to write.
    const broken = { key: encoder.encode('u:x'), value: encoder.encode('broken') };
    const records = [...batch, { ...broken, timestamp: (T0 + 1) as EpochMs }];
    await log.append(interactions.name, partitionIndex(index), records);
  }
  await log.append(catalogue.name, partitionOf(encoder.encode('film-1'), COUNTS.itemPartitions), [
    { key: encoder.encode('film-1'), value: null, timestamp: (T0 + 2) as EpochMs },
  ]);
};

/** Runs the stream to the end of the log. */
const run = async (directory: string, workers: number): Promise<StreamStatus> => {
  const host = await startStreamHost(
    {
      logDirectory: join(directory, 'log'),
      keysDirectory: dataPathsOf(directory).keys,
      stateDirectory: join(directory, 'state'),
      artifactsDirectory: join(directory, 'artifacts'),
      counts: COUNTS,
      busName: directory,
      settings,
      workers,
    },
    (error) => {
      throw error;
    },
  );
  await host.caughtUp();
  const status = await host.status();
  await host.stop();
  return status;
};

const valuesOf = async (
  directory: string,
  prefixes: readonly string[],
): Promise<Map<string, string>> => {
  const store = await openLmdbStateStore({ directory: join(directory, 'state'), readOnly: true });
  const values = new Map<string, string>();
  for (const [topic, count] of [
    [TOPICS.interactions.name, COUNTS.userPartitions],
    [TOPICS.itemSignals.name, COUNTS.itemPartitions],
  ] as const) {
    for (let index = 0; index < count; index++) {
      const partition = statePartition(topic, partitionIndex(index));
      for (const prefix of prefixes) {
        for (const { key, value } of await store.scan(partition, { prefix, limit: 10_000 })) {
          values.set(`${partition} ${key}`, Buffer.from(value).toString('hex'));
        }
      }
    }
  }
  await store.close();
  return values;
};

const endsOf = async (log: EventLog, topic: string, count: number): Promise<number[]> => {
  const ends: number[] = [];
  for (let index = 0; index < count; index++) {
    ends.push((await log.watermarks(topic, partitionIndex(index))).end);
  }
  return ends;
};

/** Threads start slowly on a busy machine. */
vi.setConfig({ testTimeout: 240_000 });

describe('the host of stream workers', () => {
  it('comes to the same state with two workers as with one, and loses no record', async () => {
    const [one, two] = [makeDirectory(), makeDirectory()];
    for (const [directory, workers] of [
      [one, 1],
      [two, 2],
    ] as const) {
      const log = await openLog(directory);
      await fill(log);
      const status = await run(directory, workers);
      expect(status).toMatchObject({ isHealthy: true, isCaughtUp: true, lag: 0 });
      expect(status.partitions).toHaveLength(4 + 3 + 3 + 1);
      expect(status.interactions).toMatchObject({
        received: EVENTS + COUNTS.userPartitions,
        accepted: EVENTS,
        deadLettered: COUNTS.userPartitions,
      });
      const letters = await endsOf(log, TOPICS.deadLetters.name, 1);
      expect(letters).toEqual([COUNTS.userPartitions]);
      await log.close();
    }
    const values = await valuesOf(two, ['subject:', 'item:', 'dedupe:']);
    expect(values.size).toBeGreaterThan(PEOPLE + ITEMS / 2);
    expect(values).toEqual(await valuesOf(one, ['subject:', 'item:', 'dedupe:']));
  });

  it('makes lost state anew with other workers, to the same bits, and adds nothing to the log', async () => {
    const directory = makeDirectory();
    const log = await openLog(directory);
    await fill(log);
    await run(directory, 2);
    const before = await valuesOf(directory, ['']);
    const ends = await endsOf(log, TOPICS.itemSignals.name, COUNTS.itemPartitions);
    for (const workers of [3, 1]) {
      rmSync(join(directory, 'state'), { recursive: true });
      await run(directory, workers);
      expect(await valuesOf(directory, [''])).toEqual(before);
      expect(await endsOf(log, TOPICS.itemSignals.name, COUNTS.itemPartitions)).toEqual(ends);
    }
    await log.close();
  });

  it('goes on where others stopped when the number of workers changes', async () => {
    const directory = makeDirectory();
    const log = await openLog(directory);
    await fill(log);
    await run(directory, 2);
    const before = await valuesOf(directory, ['']);
    const status = await run(directory, 4);
    expect(status).toMatchObject({ isHealthy: true, lag: 0 });
    expect(await valuesOf(directory, [''])).toEqual(before);
    await log.close();
  });
});
