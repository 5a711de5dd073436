import { describe, expect, it } from 'vitest';
import { decodeRecordAs } from '../schemas/avro/record-codec.ts';
import type { EpochMs, Offset, PartitionIndex } from '../schemas/ids.ts';
import { silentLogger } from '../schemas/silent-logger.fixture.ts';
import { createStreamFixture, DAY_MS, T0 } from '../test/stream/stream-fixture.ts';
import { keepLandmark } from './landmark-keeper.ts';
import { landmarkOf } from './rebase.ts';

const setUp = () => {
  const { eventLog } = createStreamFixture().deps;
  let now = T0 as number;
  let wake: (() => void) | undefined;
  const clock = {
    now: () => now as EpochMs,
    monotonicMs: () => 0,
    sleep: (_: unknown, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        wake = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  return {
    deps: { eventLog, clock, logger: silentLogger },
    pass: async (ms: number) => {
      now += ms;
      wake?.();
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
    landmarks: async () => {
      const limits = { recordsMax: 100, bytesMax: 100_000 };
      const records = await eventLog.read('control', 0 as PartitionIndex, 0 as Offset, limits);
      return records.map(({ value }) => landmarkOf(decodeRecordAs('Control', value!)));
    },
  };
};

describe('the landmark', () => {
  it('is in the log as soon as the keeper has started, and again after a day', async () => {
    const { deps, pass, landmarks } = setUp();
    const keeper = await keepLandmark(deps);
    expect(await landmarks()).toEqual([T0]);
    await pass(DAY_MS - 1);
    expect(await landmarks()).toEqual([T0]);
    await pass(1);
    expect(await landmarks()).toEqual([T0, T0 + DAY_MS]);
    await keeper.stop();
  });

  it('of an earlier start is kept while it is less than a day old', async () => {
    const { deps, pass, landmarks } = setUp();
    await (await keepLandmark(deps)).stop();
    await pass(DAY_MS / 2);
    await (await keepLandmark(deps)).stop();
    expect(await landmarks()).toEqual([T0]);
    await pass(DAY_MS / 2);
    await (await keepLandmark(deps)).stop();
    expect(await landmarks()).toEqual([T0, T0 + DAY_MS]);
  });
});
