/** Faults of the stream that are told by their numbers in docs/faults.md. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../schemas/avro/record-codec.ts';
import type { EpochMs, Offset, PartitionIndex } from '../schemas/ids.ts';
import type { DeadLetterRecord } from '../schemas/records.ts';
import { openLmdbEventLog } from '../storage/event-log/lmdb-event-log.ts';
import { openLmdbStateStore } from '../storage/state-store/lmdb-state-store.ts';
import {
  createStreamFixture,
  interaction,
  type StreamFixture,
  stillClock,
  T0,
  topicsOf,
} from '../test/stream/stream-fixture.ts';
import { createStream } from './stream.ts';
import type { StreamStatus } from './stream-status.ts';

const ONE = { userPartitions: 1, itemPartitions: 1 };
const P0 = 0 as PartitionIndex;
const DAY_MS = 86_400_000;

const settle = async (fixture: StreamFixture): Promise<StreamStatus> => {
  const stream = createStream(fixture.deps);
  await stream.start();
  await stream.caughtUp().catch(() => undefined);
  const status = await stream.status();
  await stream.stop();
  return status;
};

const click = (name: string, minute: number) =>
  interaction({ id: name, item: `item-${minute % 7}`, minute });

describe('a log that lost its end, on the disk', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'freshet-stream-faults-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const withStores = async <Result>(
    work: (fixture: StreamFixture) => Promise<Result>,
  ): Promise<Result> => {
    const eventLog = await openLmdbEventLog({
      directory: join(root, 'log'),
      topics: topicsOf(1, 1),
      clock: stillClock,
      random: () => 0.5,
    });
    const stateStore = await openLmdbStateStore({ directory: join(root, 'state') });
    try {
      return await work(createStreamFixture({ ...ONE, eventLog, stateStore }));
    } finally {
      await stateStore.close();
      await eventLog.close();
    }
  };
  const codeOf = ({ partitions }: StreamStatus): string | undefined =>
    partitions.find(({ partition }) => partition === 'interactions.0')?.problem?.code;
  const take = (name: string, count: number) => async (fixture: StreamFixture) => {
    await fixture.interact(...Array.from({ length: count }, (_, at) => click(`${name}-${at}`, at)));
    return settle(fixture);
  };

  it('[F13] halts as regressed; with other records in their place it halts as diverged', async () => {
    await withStores(take('kept', 20));
    cpSync(join(root, 'log'), join(root, 'earlier'), { recursive: true });
    expect(codeOf(await withStores(take('cut', 10)))).toBeUndefined();
    rmSync(join(root, 'log'), { recursive: true });
    cpSync(join(root, 'earlier'), join(root, 'log'), { recursive: true });
    const regressed = await withStores(settle);
    expect(codeOf(regressed)).toBe('log_regressed');
    expect(regressed.isHealthy).toBe(false);
    expect(codeOf(await withStores(take('other', 20)))).toBe('log_diverged');
  });
});

describe('a poison record', () => {
  const good = encodeRecord('Interaction', click('good', 0));
  const header = Uint8Array.of(0, 0, 0, 0, good[4]!);
  const withBytes = (...bytes: number[]): Uint8Array => Uint8Array.from([...header, ...bytes]);
  const POISONS: readonly (readonly [what: string, value: Uint8Array, reason: string])[] = [
    ['of no byte', new Uint8Array(0), 'bad_record'],
    ['of one byte', Uint8Array.of(0), 'bad_record'],
    ['with a wrong magic byte', Uint8Array.of(7, ...good.subarray(1)), 'bad_record'],
    ['of an unknown schema', Uint8Array.of(0, 0, 0, 255, 255, 1), 'unknown_schema'],
    ['cut short', good.subarray(0, good.length - 3), 'bad_record'],
    ['with bytes after its end', Uint8Array.from([...good, 0]), 'bad_record'],
    ['that claims 10^8 bytes', withBytes(0x80, 0xc2, 0xd7, 0x2f), 'bad_record'],
    ['of text that is not UTF-8', withBytes(4, 0xff, 0xfe), 'bad_record'],
    ['as large as the log takes', new Uint8Array(1_000_000).fill(1), 'bad_record'],
    ['of another kind', encodeRecord('Control', control()), 'bad_record'],
  ];
  for (const [what, value, reason] of POISONS) {
    it(`[F24] ${what} goes to the dead letters as ${reason}, its neighbours go on`, async () => {
      const fixture = createStreamFixture(ONE);
      await fixture.interact(click('before', 0));
      await fixture.deps.eventLog.append('interactions', P0, [{ key: null, value, timestamp: T0 }]);
      await fixture.interact(click('after', 1));
      const status = await settle(fixture);
      expect(status.isHealthy).toBe(true);
      expect(status.interactions).toMatchObject({ received: 3, accepted: 2, deadLettered: 1 });
      expect(await idsOf(fixture)).toEqual(['before', 'after']);
      const [letter, ...others] = await deadLetters(fixture);
      expect(others).toEqual([]);
      expect(letter).toMatchObject({ topic: 'interactions', offset: 1, reason });
      expect(letter!.value.length).toBeLessThanOrEqual(65_536);
    });
  }

  it('[F25] of a schema from a later version is kept whole, so that it can be replayed after the upgrade', async () => {
    const fixture = createStreamFixture(ONE);
    const ahead = Uint8Array.of(0, 0, 0, 3, 231, ...good.subarray(5));
    await fixture.deps.eventLog.append('interactions', P0, [
      { key: null, value: ahead, timestamp: T0 },
    ]);
    await fixture.interact(click('old', 0));
    await settle(fixture);
    const [letter] = await deadLetters(fixture);
    expect(letter).toMatchObject({ reason: 'unknown_schema' });
    expect(letter!.message).toContain('999');
    expect([...letter!.value]).toEqual([...ahead]);
    expect(await idsOf(fixture)).toEqual(['old']);
  });
});

describe('clocks', () => {
  const SKEWS = [-3_600_000, 3_600_000, -DAY_MS, DAY_MS, -T0, 4_294_967_296_000 - T0];
  it('[F26] of producers, each its own, move neither the partition clock nor a window', async () => {
    const fixture = createStreamFixture(ONE);
    const records = SKEWS.map((skew, at) => ({
      ...interaction({ id: `skewed-${at}`, user: `user-${at}`, item: 'a' }),
      occurredAt: (T0 + skew) as EpochMs,
    }));
    await fixture.interact(...records, click('straight', 0));
    const status = await settle(fixture);
    const partition = status.partitions.find((each) => each.partition === 'interactions.0');
    expect(partition?.clock).toBe(T0);
    expect(await idsOf(fixture)).toEqual(['straight']);
    for (const at of SKEWS.keys()) {
      const subject = await fixture.subject(`u:user-${at}`);
      for (const { occurredAt } of subject?.history ?? []) {
        expect(occurredAt).toBeLessThanOrEqual(T0 + 5 * 60_000);
      }
    }
  });

  it('[F26] of the server that goes back a day takes nobody’s events for late', async () => {
    const fixture = createStreamFixture(ONE);
    const later = click('later', 0);
    const earlier = { ...click('earlier', 1), receivedAt: (T0 - DAY_MS) as EpochMs };
    await fixture.interact(later, earlier);
    const status = await settle(fixture);
    const partition = status.partitions.find((each) => each.partition === 'interactions.0');
    expect(partition?.clock).toBe(T0);
    expect(status.interactions).toMatchObject({ received: 2, accepted: 2 });
  });
});

function control() {
  return { kind: 'x', subject: 'y', at: T0, body: '{}' };
}

const idsOf = async (fixture: StreamFixture): Promise<readonly string[]> =>
  ((await fixture.subject('u:ada'))?.history ?? []).map(({ eventId }) => eventId);

const deadLetters = async ({ deps }: StreamFixture): Promise<readonly DeadLetterRecord[]> => {
  const limits = { recordsMax: 100, bytesMax: 1_000_000 };
  const records = await deps.eventLog.read('dead-letters', P0, 0 as Offset, limits);
  return records.map(({ value }) => decodeRecord(value!).record as DeadLetterRecord);
};
