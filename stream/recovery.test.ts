import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { catalogueItem } from '../schemas/catalogue-item.fixture.ts';
import type { EpochMs, Offset, PartitionIndex, StatePartition } from '../schemas/ids.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import { openLmdbEventLog } from '../storage/event-log/lmdb-event-log.ts';
import { openMemoryEventLog } from '../storage/event-log/memory-event-log.ts';
import { openLmdbStateStore } from '../storage/state-store/lmdb-state-store.ts';
import {
  createStreamFixture,
  interaction,
  type StreamFixture,
  stillClock,
  T0,
  topicsOf,
} from '../test/stream/stream-fixture.ts';
import { STREAM_CRASH_POINTS } from './crash-points.ts';
import { rebaseRecord } from './rebase.ts';
import { rebuildState } from './rebuild.ts';
import { createStream, type Stream } from './stream.ts';

const halfRandom = (): number => 0.5;

/** Events of six people on eight items, with repetitions, an undo and a poison record. */
const events = (count: number): InteractionRecord[] =>
  Array.from({ length: count }, (_, index) =>
    interaction({
      id: `event-${index % 11 === 10 ? index - 1 : index}`,
      user: `user-${(index * 7) % 6}`,
      item: `item-${(index * index) % 8}`,
      kind: index % 3 === 0 ? 'like' : 'click',
      minute: index % 11 === 10 ? index - 1 : index,
    }),
  );

const fill = async (fixture: StreamFixture, count: number): Promise<void> => {
  await fixture.append('control', 'Control', [{ key: 'rebase', record: rebaseRecord(T0, T0) }]);
  await fixture.append('catalogue', 'CatalogueItem', [
    {
      key: 'item-1',
      record: catalogueItem('item-1', { title: 'One', categories: ['drama'], updatedAt: T0 }),
    },
  ]);
  await fixture.interact(...events(count));
  await fixture.deps.eventLog.append('interactions', 0 as PartitionIndex, [
    { key: null, value: new Uint8Array([9, 9, 9]), timestamp: T0 },
  ]);
};

const settle = async (fixture: StreamFixture): Promise<Map<string, string>> => {
  const stream = createStream(fixture.deps);
  await stream.start();
  await stream.caughtUp();
  await stream.stop();
  return fixture.dump();
};

/** Item partitions' own counters say how many envelopes came, which a crash may change. */
const ENVELOPE_COUNTERS = /^partition$/;

class Crash extends Error {}

describe('after a crash', () => {
  const points = STREAM_CRASH_POINTS.filter((name) => !/sink|rebuild/.test(name));
  for (const point of points) {
    for (const pass of [1, 2, 5]) {
      it(`at ${point}, pass ${pass}, the state becomes what it would have been`, async () => {
        const calm = createStreamFixture();
        await fill(calm, 60);
        await settle(calm);
        const fixture = createStreamFixture();
        let passes = 0;
        const stream = createStream({
          ...fixture.deps,
          crashPoint: (name) => {
            if (name === point && ++passes >= pass) throw new Crash(name);
          },
        });
        await stream.start();
        await fill(fixture, 60);
        await stream.caughtUp().catch(() => undefined);
        await stream.stop();
        await settle(fixture);
        expect(await fixture.dump({ without: ENVELOPE_COUNTERS })).toEqual(
          await calm.dump({ without: ENVELOPE_COUNTERS }),
        );
      });
    }
  }

  it('signals that were appended before the crash are dropped by their marks', async () => {
    const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
    await fill(fixture, 30);
    const stream = createStream({
      ...fixture.deps,
      partitions: { ...fixture.deps.partitions, itemSignals: [] },
      crashPoint: (name) => {
        if (name === 'stream.between-append-and-apply') throw new Crash(name);
      },
    });
    await stream.start();
    await stream.caughtUp().catch(() => undefined);
    await stream.stop();
    await settle(fixture);
    const again = createStream(fixture.deps);
    await again.start();
    await again.caughtUp();
    const status = await again.status();
    await again.stop();
    const item = status.partitions.find(({ partition }) => partition === 'item-signals.0');
    expect(item?.counters.signals).toBeGreaterThan(0);
    const calm = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
    await fill(calm, 30);
    await settle(calm);
    expect(await fixture.item('item-1')).toEqual(await calm.item('item-1'));
  });
});

describe('a rebuild', () => {
  it('gives a state that is the same bit for bit, and adds nothing to the log', async () => {
    const fixture = createStreamFixture();
    const stream = createStream(fixture.deps);
    await stream.start();
    // Bit by bit, so that batches are cut elsewhere than in the rebuild.
    for (const event of events(80)) {
      await fixture.interact(event);
      await stream.caughtUp();
    }
    await fill(fixture, 20);
    await stream.caughtUp();
    await stream.stop();
    const before = await fixture.dump();
    const endsBefore = await fixture.signalsEnd();
    await rebuildState(fixture.deps);
    expect(await fixture.dump()).toEqual(before);
    expect(await fixture.signalsEnd()).toEqual(endsBefore);
  });
});

describe('on LMDB', () => {
  const directories: string[] = [];
  afterEach(async () => {
    for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
  });

  it('state survives closing and opening, and equals the state in memory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'freshet-stream-'));
    directories.push(directory);
    const open = async (): Promise<StreamFixture> =>
      createStreamFixture({
        eventLog: await openLmdbEventLog({
          directory: join(directory, 'log'),
          topics: topicsOf(2, 2),
          clock: stillClock,
          random: halfRandom,
        }),
        stateStore: await openLmdbStateStore({ directory: join(directory, 'state') }),
      });
    const first = await open();
    await fill(first, 40);
    await settle(first);
    await first.deps.stateStore.close();
    await first.deps.eventLog.close();
    const second = await open();
    await second.interact(interaction({ id: 'last', user: 'user-1', item: 'item-2', minute: 99 }));
    await settle(second);
    const calm = createStreamFixture();
    await fill(calm, 40);
    await settle(calm);
    await calm.interact(interaction({ id: 'last', user: 'user-1', item: 'item-2', minute: 99 }));
    await settle(calm);
    const without = /^partition$/;
    expect(await second.dump({ without })).toEqual(await calm.dump({ without }));
    await second.deps.stateStore.close();
    await second.deps.eventLog.close();
  });
});

describe('a log that is not the one the state was made from', () => {
  const statusAfter = async (
    fixture: StreamFixture,
  ): Promise<Awaited<ReturnType<Stream['status']>>> => {
    const stream = createStream(fixture.deps);
    await stream.start();
    await stream.caughtUp().catch(() => undefined);
    const status = await stream.status();
    await stream.stop();
    return status;
  };
  const interactionsOf = (status: Awaited<ReturnType<Stream['status']>>) =>
    status.partitions.find(({ partition }) => partition === 'interactions.0')!;
  const filled = async (): Promise<StreamFixture> => {
    const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
    await fill(fixture, 10);
    await settle(fixture);
    return fixture;
  };

  /** Moves the stored position by an apply of the owner's own. */
  const movePosition = async (
    fixture: StreamFixture,
    change: { readonly coveredOffset?: Offset; readonly recordHash?: number },
  ): Promise<void> => {
    const { stateStore, eventLog } = fixture.deps;
    const partition = 'interactions.0' as StatePartition;
    const { logId } = await eventLog.topic('interactions');
    const position = await stateStore.claim(partition);
    const result = await stateStore.apply(partition, {
      epoch: position.epoch,
      expectedOffset: position.coveredOffset,
      coveredOffset: change.coveredOffset ?? position.coveredOffset,
      logId,
      recordHash: change.recordHash ?? position.recordHash,
      changes: [],
    });
    expect(result.outcome).toBe('applied');
  };

  it('halts the partition with log_diverged where the covered record is another', async () => {
    const fixture = await filled();
    await movePosition(fixture, { recordHash: 12_345 });
    const status = await statusAfter(fixture);
    expect(status.isHealthy).toBe(false);
    expect(status.halted).toEqual(['interactions.0']);
    expect(interactionsOf(status).problem?.code).toBe('log_diverged');
  });

  it('halts with log_regressed where the log ends before what was covered', async () => {
    const fixture = await filled();
    await movePosition(fixture, { coveredOffset: 1_000 as Offset });
    const status = await statusAfter(fixture);
    expect(interactionsOf(status).problem?.code).toBe('log_regressed');
  });

  it('halts with log_diverged where the log was made anew', async () => {
    const fixture = await filled();
    const renewed = createStreamFixture({
      userPartitions: 1,
      itemPartitions: 1,
      stateStore: fixture.deps.stateStore,
      eventLog: openMemoryEventLog({ topics: topicsOf(1, 1), random: () => 0.9 }),
    });
    await fill(renewed, 30);
    const status = await statusAfter(renewed);
    expect(interactionsOf(status).problem?.code).toBe('log_diverged');
  });

  it('halts with gap_detected where the log no longer reaches back', async () => {
    const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
    await fill(fixture, 10);
    await fixture.deps.eventLog.clean(
      'interactions',
      { ageMs: 0 },
      (T0 + 10 * 86_400_000) as EpochMs,
    );
    const { low } = await fixture.deps.eventLog.watermarks('interactions', 0 as PartitionIndex);
    expect(low).toBeGreaterThan(0);
    const status = await statusAfter(fixture);
    expect(interactionsOf(status).problem?.code).toBe('gap_detected');
    expect(status.halted).toEqual(['interactions.0']);
  });
});
