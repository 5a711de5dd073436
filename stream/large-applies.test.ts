/**
 * What changes much at once: applies stay near what a store on a network should hold, and no record is too
 * much for it. With the limits of such a store, which the memory model has, too.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { catalogueItem } from '../schemas/catalogue-item.fixture.ts';
import {
  createStreamFixture,
  DAY_MS,
  interaction,
  type StreamFixture,
  T0,
} from '../test/stream/stream-fixture.ts';
import { createStream, type Stream } from './stream.ts';

const started: Stream[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((stream) => stream.stop()));
});

/** Takes all in; says what the largest apply held. */
const takeIn = async ({ deps }: StreamFixture) => {
  const applies = vi.spyOn(deps.stateStore, 'apply');
  const stream = createStream(deps);
  started.push(stream);
  await stream.start();
  await stream.caughtUp();
  const { partitions } = await stream.status();
  await stream.stop();
  expect(partitions.flatMap(({ problem }) => problem ?? [])).toEqual([]);
  const changes = applies.mock.calls.map(([, request]) => request.changes);
  const ofItems = applies.mock.calls
    .filter(([partition]) => partition.startsWith('item-signals'))
    .map(([, request]) => request.changes.length);
  applies.mockRestore();
  const bytesOf = (each: (typeof changes)[number]) =>
    each.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
  return {
    keys: Math.max(0, ...changes.map((each) => each.length)),
    bytes: Math.max(0, ...changes.map(bytesOf)),
    ofItems,
  };
};

describe('an apply', () => {
  it('holds some of the ids of many events that change nobody, when they are too late', async () => {
    const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
    const { keysPerApply, bytesPerApply } = fixture.deps.stateStore.limits;
    const days = 30;
    const late = Array.from({ length: 30_000 }, (_, at) =>
      interaction({ id: `late-${at}`, item: 'a', minute: 0, receivedMinute: days * 1_440 }),
    );
    await fixture.interact(interaction({ item: 'a', minute: days * 1_440 }), ...late);
    const { keys, bytes } = await takeIn(fixture);
    expect(keys).toBeLessThanOrEqual(keysPerApply);
    expect(bytes).toBeLessThanOrEqual(bytesPerApply);
    expect((await fixture.subject('u:ada'))?.history).toHaveLength(1);
  });

  it('is nearly full of items while their partition is far behind', async () => {
    const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
    const { keysPerApply, bytesPerApply } = fixture.deps.stateStore.limits;
    const events = Array.from({ length: 4_000 }, (_, at) =>
      interaction({
        id: `${at}`,
        user: `person-${at % 900}`,
        item: `item-${(at * 7_919) % 1_009}`,
        minute: Math.floor(at / 100),
      }),
    );
    await fixture.interact(...events);
    const { partitions, clock } = fixture.deps;
    const sources = { ...fixture.deps, partitions: { ...partitions, itemSignals: [] } };
    await takeIn({ ...fixture, deps: sources });
    // No time passes: nothing but what an apply holds ends it.
    const deps = {
      ...fixture.deps,
      partitions: { ...partitions, interactions: [], catalogue: [], control: [] },
      clock: { ...clock, monotonicMs: () => 0 },
    };
    const { keys, bytes, ofItems } = await takeIn({ ...fixture, deps });
    expect(keys).toBeLessThanOrEqual(keysPerApply);
    expect(bytes).toBeLessThanOrEqual(bytesPerApply);
    // The last of them ends with the log.
    expect(Math.min(...ofItems.slice(0, -1))).toBeGreaterThan(0.7 * keysPerApply);
  });

  it('of items with more categories than it should hold is taken all the same', async () => {
    const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
    const { keysPerApply, keysPerApplyMax } = fixture.deps.stateStore.limits;
    const records = Array.from({ length: 80 }, (_, at) => {
      const categories = Array.from({ length: 40 }, (_unused, each) => `category-${at}-${each}`);
      const fields = { title: `Item ${at}`, categories, updatedAt: T0 };
      return { key: `item-${at}`, record: catalogueItem(`item-${at}`, fields) };
    });
    await fixture.append('catalogue', 'CatalogueItem', records);
    const { keys } = await takeIn(fixture);
    expect(keys).toBeGreaterThan(keysPerApply);
    expect(keys).toBeLessThanOrEqual(keysPerApplyMax);
    expect((await fixture.item('item-79'))?.categories).toHaveLength(40);
  });

  it('lets go of ids in small parts when the clock has moved by days', async () => {
    const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
    const early = Array.from({ length: 20_000 }, (_, at) =>
      interaction({ id: `${at}`, item: 'a' }),
    );
    await fixture.interact(...early);
    await takeIn(fixture);
    const kept = async () =>
      [...(await fixture.dump()).keys()].filter((key) => key.includes('dedupe:')).length;
    expect(await kept()).toBe(Math.ceil(20_000 / 256));
    const minute = (9 * DAY_MS) / 60_000;
    await fixture.interact(interaction({ item: 'b', minute }));
    await takeIn(fixture);
    expect(await kept()).toBe(Math.ceil(20_000 / 256) - 4);
    for (let at = 0; at < 30; at++) await fixture.interact(interaction({ item: 'b', minute }));
    await takeIn(fixture);
    expect(await kept()).toBe(1);
  });
});
