import { describe, expect, it } from 'vitest';
import { seededRandom } from '../algorithms/random/seeded-random.ts';
import { planTopics } from '../runtime/topic-plan.ts';
import type { Clock } from '../schemas/environment.ts';
import type { DurationMs, EpochMs } from '../schemas/ids.ts';
import type { ReleaseFacts } from '../schemas/release.ts';
import { silentLogger } from '../schemas/silent-logger.fixture.ts';
import { MemoryArtifactStore } from '../storage/artifact-store/memory-artifact-store.ts';
import { MemoryEventLog } from '../storage/event-log/memory-event-log.ts';
import { settled } from '../test/serving/serving-fixture.ts';
import { TrainingDesk, type TrainingRunner } from './training-desk.ts';
import { keepTraining } from './training-keeper.ts';
import type { TrainingOrder, TrainingResult } from './training-run.ts';

const START = Date.UTC(2026, 0, 31, 12);

const FACTS: ReleaseFacts = {
  format: 1,
  configVersion: 1,
  seed: 1,
  positions: [],
  history: { events: 1, users: 1, items: 1, eventsCut: 0 },
  models: {},
  holdOut: { users: 0, scores: [] },
};

/** Trainings that end when the test says so. */
class HeldRunner implements TrainingRunner {
  whyOff: string | undefined = undefined;
  readonly orders: TrainingOrder[] = [];
  #end: ((result: TrainingResult | Error) => void) | undefined;

  run: TrainingRunner['run'] = (order, { signal, onProgress }) => {
    this.orders.push(order);
    onProgress({ stage: 'fitting', model: 'als', share: 0.6, eventsRead: 10 });
    return new Promise((resolve, reject) => {
      this.#end = (result) => (result instanceof Error ? reject(result) : resolve(result));
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };

  end(result: Partial<TrainingResult> | Error): void {
    this.#end!(
      result instanceof Error
        ? result
        : { version: null, faults: [], remarks: [], facts: FACTS, ...result },
    );
  }
}

const bench = async () => {
  let now = START;
  const wakers: (() => void)[] = [];
  const clock: Clock = {
    now: () => now as EpochMs,
    monotonicMs: () => now,
    sleep: (_: DurationMs, signal) =>
      new Promise((resolve, reject) => {
        wakers.push(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  const log = new MemoryEventLog({
    topics: planTopics({ userPartitions: 1, itemPartitions: 1 }),
    random: () => 0.5,
  });
  const artifactStore = new MemoryArtifactStore();
  const runner = new HeldRunner();
  const draws = seededRandom(1);
  const open = (unrecordedKeptMs = 0 as DurationMs) =>
    TrainingDesk.open({
      log,
      artifactStore,
      runner,
      clock,
      random: () => draws.next(),
      logger: silentLogger,
      configVersion: 1,
      releasesKept: 2,
      unrecordedKeptMs,
    });
  return {
    clock,
    runner,
    artifactStore,
    open,
    desk: await open(),
    publish: (version: string) =>
      artifactStore.publish({ version, createdAt: now as EpochMs, facts: { ...FACTS } }, []),
    advance: (ms: number) => {
      now += ms;
      for (const wake of wakers.splice(0)) wake();
    },
  };
};

describe('the training desk', () => {
  it('puts what passed to use, and finds it in the log again', async () => {
    const { desk, runner, publish, open } = await bench();
    const { runId, ended } = desk.train();
    expect(desk.status().running).toMatchObject({ runId, progress: { share: 0.6 } });
    await publish('v1');
    runner.end({ version: 'v1' });
    expect(await ended).toMatchObject({ outcome: 'promoted', version: 'v1' });
    for (const status of [desk.status(), (await open()).status()]) {
      expect(status.running).toBeUndefined();
      expect(status.promotion).toMatchObject({
        version: 'v1',
        formerVersion: null,
        by: 'training',
      });
      expect(status.runs).toHaveLength(1);
    }
  });

  it('refuses a second training while one runs', async () => {
    const { desk, runner } = await bench();
    const { ended, runId } = desk.train();
    expect(() => desk.train()).toThrow(runId);
    runner.end({ faults: ['worse'] });
    await ended;
    expect(() => desk.train()).not.toThrow();
  });

  it('keeps the release in use where a new one is refused, and the reasons on record', async () => {
    const { desk, runner, publish, open } = await bench();
    await publish('v1');
    await desk.promote('v1');
    const { ended } = desk.train();
    expect(runner.orders[0]).toMatchObject({ formerVersion: 'v1' });
    runner.end({ faults: ['its lists are worse'] });
    expect(await ended).toMatchObject({ outcome: 'refused', reasons: ['its lists are worse'] });
    const { promotion, runs } = (await open()).status();
    expect(promotion?.version).toBe('v1');
    expect(runs[0]).toMatchObject({ outcome: 'refused', reasons: ['its lists are worse'] });
  });

  it('records a failure with its words, and a cancelled run as cancelled', async () => {
    const { desk, runner } = await bench();
    const failing = desk.train();
    runner.end(new Error('no memory left'));
    expect(await failing.ended).toMatchObject({ outcome: 'failed', reasons: ['no memory left'] });
    const { runId } = desk.train();
    expect(await desk.cancel()).toBe(runId);
    expect(desk.status().runs[0]).toMatchObject({ runId, outcome: 'cancelled' });
    expect(await desk.cancel()).toBeNull();
  });

  it('goes back to the release before, and forth again', async () => {
    const { desk, publish } = await bench();
    for (const version of ['v1', 'v2']) {
      await publish(version);
      await desk.promote(version);
    }
    await desk.rollback();
    expect(desk.status().promotion).toMatchObject({ version: 'v1', formerVersion: 'v2' });
    await desk.rollback();
    expect(desk.status().promotion).toMatchObject({ version: 'v2', by: 'rollback' });
  });

  it('promotes nothing that is not stored', async () => {
    const { desk } = await bench();
    await expect(desk.promote('never-published')).rejects.toThrow('never-published');
    await expect(desk.rollback()).rejects.toThrow('a release before the one in use');
    expect(desk.status().promotion).toBeUndefined();
  });

  it('removes the oldest releases beyond what is kept, never the one in use', async () => {
    const { desk, runner, publish, artifactStore } = await bench();
    for (const version of ['v1', 'v2', 'v3', 'v4']) {
      await publish(version);
      const { ended } = desk.train();
      runner.end({ version });
      await ended;
    }
    expect((await artifactStore.list()).map(({ version }) => version)).toEqual(['v4', 'v3']);
  });

  it('removes what a training published that was ended before it passed', async () => {
    const { desk, runner, publish, artifactStore } = await bench();
    const used = desk.train();
    await publish('20260131T120000Z-used');
    runner.end({ version: '20260131T120000Z-used' });
    await used.ended;
    const { runId, ended } = desk.train();
    await publish(`20260131T120001Z-${runId}`);
    runner.end(new Error('its process ended with SIGKILL'));
    await ended;
    const versions = (await artifactStore.list()).map(({ version }) => version);
    expect(versions).toEqual(['20260131T120000Z-used']);
  });

  it('removes at the start what nobody lived to put on record, of others only what is old', async () => {
    const { open, publish, advance, artifactStore, runner } = await bench();
    const versions = async () => (await artifactStore.list()).map(({ version }) => version);
    await publish('20260131T120000Z-lost');
    await publish('brought-by-hand');
    const hour = 3_600_000 as DurationMs;
    const other = await open(hour);
    expect(await versions()).toHaveLength(2);
    await other.stop();
    const next = await open();
    expect(await versions()).toEqual(['brought-by-hand']);
    await next.stop();
    await publish('20260131T120001Z-young');
    const shared = await open(hour);
    const trains = async (): Promise<void> => {
      const { ended } = shared.train();
      runner.end({ faults: ['worse'] });
      await ended;
    };
    await trains();
    expect(await versions()).toContain('20260131T120001Z-young');
    advance(hour);
    await trains();
    expect(await versions()).toEqual(['brought-by-hand']);
    await shared.stop();
  });

  it('knows what another process trained and promoted, and goes on from there', async () => {
    const { desk, open, runner, publish } = await bench();
    const other = await open();
    for (const version of ['v1', 'v2']) {
      await publish(version);
      const { ended } = desk.train();
      runner.end({ version });
      await ended;
    }
    while (other.status().runs.length < 2) await settled();
    expect(other.status().promotion).toMatchObject({ version: 'v2', formerVersion: 'v1' });
    expect(other.status().runs).toEqual(desk.status().runs);
    const { ended } = other.train();
    expect(runner.orders.at(-1)).toMatchObject({ formerVersion: 'v2' });
    runner.end({ faults: ['worse'] });
    await ended;
    expect(other.status().runs[0]).toMatchObject({ outcome: 'refused', number: 2 });
    await desk.rollback();
    // At once, however late the log tells of it.
    await other.rollback();
    expect(other.status().promotion).toMatchObject({ version: 'v2', formerVersion: 'v1' });
    while (desk.status().promotion?.version !== 'v2') await settled();
    await Promise.all([desk.stop(), other.stop()]);
  });

  it('says why there can be no training', async () => {
    const { desk, runner } = await bench();
    runner.whyOff = 'the warehouse is off.';
    expect(() => desk.train()).toThrow('the warehouse is off.');
  });
});

describe('trainings that start by themselves', () => {
  const turnsOf = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };

  it('are started by whichever process is elected, and not again by the next one on the same day', async () => {
    const { desk, open, runner, clock, publish, advance } = await bench();
    await publish('v1');
    await desk.promote('v1');
    let elected = 'one';
    const keeperOf = (name: string, own: TrainingDesk) =>
      keepTraining({
        desk: own,
        clock,
        logger: silentLogger,
        at: '03:00',
        isTrainable: async () => true,
        isElected: () => elected === name,
      });
    const other = await open();
    const keepers = [keeperOf('one', desk), keeperOf('other', other)];
    await turnsOf();
    expect(runner.orders).toHaveLength(0);
    advance(24 * 3_600_000);
    await turnsOf();
    expect(runner.orders).toHaveLength(1);
    runner.end({ faults: ['worse'] });
    while (other.status().runs.length === 0) await settled();
    elected = 'other';
    advance(60_000);
    await turnsOf();
    expect(runner.orders).toHaveLength(1);
    advance(24 * 3_600_000);
    await turnsOf();
    expect(runner.orders).toHaveLength(2);
    runner.end({ faults: ['worse'] });
    await Promise.all([...keepers.map((keeper) => keeper.stop()), desk.stop(), other.stop()]);
  });

  it('begin once this process is the one that trains, though another was when it started', async () => {
    const { desk, runner, clock, publish, advance } = await bench();
    await publish('v1');
    await desk.promote('v1');
    runner.whyOff = 'another process trains.';
    const keeper = keepTraining({
      desk,
      clock,
      logger: silentLogger,
      at: '03:00',
      isTrainable: async () => true,
    });
    await turnsOf();
    advance(24 * 3_600_000);
    await turnsOf();
    expect([runner.orders, keeper.nextAt()]).toEqual([[], undefined]);
    runner.whyOff = undefined;
    advance(30_000);
    await turnsOf();
    expect(runner.orders).toHaveLength(1);
    expect(keeper.nextAt()).toBeDefined();
    await Promise.all([keeper.stop(), desk.stop()]);
  });

  it('begin at once on history without a release, quick ones first, then complete', async () => {
    const { desk, runner, clock, publish, advance } = await bench();
    const turns = async () => {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    };
    let isTrainable = false;
    const keeper = keepTraining({
      desk,
      clock,
      logger: silentLogger,
      at: '03:00',
      isTrainable: async () => isTrainable,
    });
    await turns();
    expect(runner.orders).toHaveLength(0);
    isTrainable = true;
    advance(500);
    await turns();
    expect(runner.orders.map(({ kinds }) => kinds)).toEqual([['als', 'item2vec', 'blend']]);
    await publish('v1');
    runner.end({ version: 'v1' });
    await turns();
    advance(500);
    await turns();
    expect(runner.orders[1]).toMatchObject({ formerVersion: 'v1' });
    expect(runner.orders[1]!.kinds).toContain('next-item');
    await publish('v2');
    runner.end({ version: 'v2' });
    await turns();
    advance(1_000);
    await turns();
    expect(runner.orders).toHaveLength(2);
    advance(24 * 3_600_000);
    await turns();
    expect(runner.orders).toHaveLength(3);
    await Promise.all([keeper.stop(), desk.stop()]);
  });
});
