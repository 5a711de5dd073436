import { afterEach, describe, expect, it } from 'vitest';
import { counterValue, DEFAULT_HALF_LIVES } from '../algorithms/popularity/decayed-counter.ts';
import { itemHashHex } from '../schemas/hash.ts';
import type { EpochMs } from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import { DEFAULT_EVENT_LOG_LIMITS } from '../storage/event-log/append-batch.ts';
import { openMemoryEventLog } from '../storage/event-log/memory-event-log.ts';
import {
  createStreamFixture,
  interaction,
  type StreamFixture,
  T0,
  topicsOf,
} from '../test/stream/stream-fixture.ts';
import { rebuildState } from './rebuild.ts';
import { createStream, type Stream } from './stream.ts';

const started: Stream[] = [];
const run = async (fixture: StreamFixture): Promise<Stream> => {
  const stream = createStream(fixture.deps);
  started.push(stream);
  await stream.start();
  await stream.caughtUp();
  return stream;
};

afterEach(async () => {
  await Promise.all(started.splice(0).map((stream) => stream.stop()));
});

describe('the stream', () => {
  it('[I1] refuses to rebuild what the log no longer holds, and leaves the state as it is', async () => {
    const fixture = createStreamFixture({ userPartitions: 1 });
    const stream = await run(fixture);
    await fixture.interact(
      interaction({ item: 'a', minute: 0 }),
      interaction({ item: 'b', minute: 1 }),
    );
    await stream.caughtUp();
    await stream.stop();
    const before = await fixture.dump();
    const now = (T0 + 30 * 86_400_000) as EpochMs;
    await fixture.deps.eventLog.clean('interactions', { ageMs: 1 }, now);
    await expect(rebuildState(fixture.deps)).rejects.toMatchObject({ code: 'log_expired' });
    expect(await fixture.dump()).toEqual(before);
  });

  it('says more to an item partition than fits one batch of the log, in several', async () => {
    const seen: Map<string, string>[] = [];
    const sizes: number[] = [];
    for (const batchBytesMax of [150_000, DEFAULT_EVENT_LOG_LIMITS.batchBytesMax]) {
      const eventLog = openMemoryEventLog({
        topics: topicsOf(1, 1),
        random: () => 0.5,
        limits: { ...DEFAULT_EVENT_LOG_LIMITS, batchBytesMax },
      });
      const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1, eventLog });
      await fixture.interact(
        ...Array.from({ length: 1_500 }, (_, at) =>
          interaction({ id: `e-${at}`, user: `user-${at % 7}`, item: `item-${at}`, minute: at }),
        ),
      );
      const stream = await run(fixture);
      await stream.caughtUp();
      expect((await stream.status()).partitions.every(({ restarts }) => restarts === 0)).toBe(true);
      seen.push(await fixture.dump({ without: /^partition$/ }));
      sizes.push(await eventLog.sizeBytes(TOPICS.itemSignals.name));
    }
    expect(sizes[0]).toBeGreaterThan(150_000);
    expect(seen[0]).toEqual(seen[1]);
  });

  it('takes one interaction all the way to the history, the item and a hint', async () => {
    const fixture = createStreamFixture();
    const stream = await run(fixture);
    await fixture.interact(interaction({ item: 'heat-1995', kind: 'like' }));
    await stream.caughtUp();
    const ada = await fixture.subject('u:ada');
    expect(ada?.history.map(({ itemId }) => itemId)).toEqual(['heat-1995']);
    expect(ada?.history[0]?.isCounted).toBe(true);
    const heat = await fixture.item('heat-1995');
    expect(heat?.interactionCount).toBe(1);
    expect(
      counterValue(heat!.popularity, T0, heat!.landmark, DEFAULT_HALF_LIVES.popularity),
    ).toBeCloseTo(1, 5);
    expect(fixture.bus.messages).toContainEqual(
      expect.objectContaining({ from: -1, to: 0, keys: ['subject:u:ada', 'partition'] }),
    );
    const status = await stream.status();
    expect(status).toMatchObject({ isHealthy: true, isCaughtUp: true, lag: 0 });
    expect(status.interactions).toMatchObject({ received: 1, accepted: 1 });
  });

  it('makes neighbours of what one person did in turn, forward and backward', async () => {
    const fixture = createStreamFixture();
    const stream = await run(fixture);
    await fixture.interact(
      interaction({ item: 'a', minute: 0 }),
      interaction({ item: 'b', minute: 1 }),
    );
    await stream.caughtUp();
    const a = await fixture.item('a');
    const b = await fixture.item('b');
    expect(a?.neighbours).toMatchObject([{ itemHash: itemHashHex('b'), people: 1, backward: 0n }]);
    expect(b?.neighbours).toMatchObject([{ itemHash: itemHashHex('a'), people: 1, forward: 0n }]);
    const weight = counterValue(
      a!.neighbours[0]!.forward,
      (T0 + 60_000) as EpochMs,
      a!.landmark,
      DEFAULT_HALF_LIVES.covisitation,
    );
    expect(weight).toBeCloseTo(1 / Math.sqrt(1 + 1 / 20), 5);
    expect(b!.neighbours[0]!.backward).toBe(a!.neighbours[0]!.forward);
  });
});
