/**
 * People's vectors beside their state: what a list would solve, to the bit; renewed by every event and
 * by no clock; named by their release; and no part of the state that replay must give again.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { FoldIn } from '../../algorithms/factors/fold-in.ts';
import { readImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { itemId, subjectOfUser, userId } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { PROMOTION, type Promotion } from '../../schemas/release.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { decodeVector, type StoredVector, vectorKey } from '../../schemas/state/vector-state.ts';
import { ItemSlots } from '../../serving/item-slots.ts';
import { DEFAULT_SERVING_OPTIONS } from '../../serving/options.ts';
import { profileOf } from '../../serving/profile.ts';
import { MemoryArtifactStore } from '../../storage/artifact-store/memory-artifact-store.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { trainRelease } from '../../test/serving/release.fixture.ts';
import {
  createStreamFixture,
  interaction,
  type StreamFixture,
  stillClock,
  T0,
} from '../../test/stream/stream-fixture.ts';
import { rebaseRecord } from '../rebase.ts';
import { rebuildState } from '../rebuild.ts';
import { createStream, type Stream } from '../stream.ts';
import { followVectorModels, type VectorModels } from './vector-models.ts';
import { VectorView } from './vector-view.ts';

const ITEMS = Array.from({ length: 12 }, (_, k) => itemId(`item-${k}`));
const PEOPLE = 5;
const SEED = 4;
const { ladder } = DEFAULT_SERVING_OPTIONS;
const KINDS = kindTable(DEFAULT_KINDS);

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface Bench {
  readonly fixture: StreamFixture;
  readonly store: MemoryArtifactStore;
  readonly models: VectorModels;
  readonly stream: Stream;
  promote(version: string | null): Promise<void>;
  vector(person: number): Promise<StoredVector | undefined>;
}

const bench = async (): Promise<Bench> => {
  const fixture = createStreamFixture();
  const { eventLog, stateStore } = fixture.deps;
  const store = new MemoryArtifactStore();
  for (const [version, seed] of [
    ['r1', 1],
    ['r2', 2],
  ] as const) {
    const { manifest, files } = await trainRelease({
      version,
      itemIds: ITEMS,
      seed,
      dimensions: 6,
    });
    await store.publish(manifest, files);
  }
  await fixture.append('control', 'Control', [{ key: 'rebase', record: rebaseRecord(T0, T0) }]);
  const models = await followVectorModels({
    eventLog,
    artifactStore: store,
    clock: stillClock,
    logger: silentLogger,
  });
  stops.push(() => models.stop());
  const vectors = new VectorView({
    model: () => models.current,
    kinds: KINDS,
    ownMeanPrior: { mean: ladder.ownMeanPrior, strength: ladder.ownMeanPriorStrength },
    limits: { positives: ladder.eventsMax, negatives: ladder.negativesMax },
  });
  const stream = createStream({ ...fixture.deps, vectors });
  stops.push(() => stream.stop());
  await stream.start();
  return {
    fixture,
    store,
    models,
    stream,
    async promote(version) {
      const body: Promotion = { version, formerVersion: null, by: 'person' };
      const record = { kind: PROMOTION, subject: '', at: T0, body: JSON.stringify(body) };
      await fixture.append('control', 'Control', [{ key: PROMOTION, record }]);
      while ((models.current?.release ?? null) !== version) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async vector(person) {
      const id = subjectOfUser(userId(`user-${person}`));
      const partition = `interactions.${partitionOf(id, 2)}`;
      const [bytes] = await stateStore.getMany(partition as never, [vectorKey(id)]);
      return bytes && decodeVector(bytes);
    },
  };
};

/** Choices, ratings on both sides of the mean, dislikes and undos; items that no release knows, too. */
const randomEvents = (count: number, from: number, seed: number): InteractionRecord[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, k) => {
    const kind = ['like', 'click', 'dislike', 'rating', 'watch', 'hide'][random.below(6)]!;
    const given =
      kind === 'rating'
        ? { value: 1 + random.below(9) / 2 }
        : kind === 'watch'
          ? { value: 0.5 }
          : {};
    return interaction({
      id: `e-${from + k}`,
      user: `user-${random.below(PEOPLE)}`,
      item: random.next() < 0.1 ? `unknown-${random.below(3)}` : ITEMS[random.below(12)]!,
      kind,
      minute: from + k,
      ...given,
    });
  });
};

/** What serving would solve from the same state. */
const solvedByLists = async ({ fixture, store }: Bench, person: number, version: string) => {
  const state = (await fixture.subject(`u:user-${person}`))!;
  const slots = new ItemSlots();
  for (const { itemId: id } of state.history) slots.ofId(id);
  const profile = profileOf(null, state, T0, { slots, kinds: KINDS, ladder });
  const { files } = await store.read(version);
  const model = readImplicitAls(files.get('als.model')!);
  const numberOf = (slot: number): number => ITEMS.indexOf(slots.idOf(slot)!);
  const known = [
    ...profile.positives.map(({ slot, weight }) => ({ item: numberOf(slot), weight })),
    ...profile.negatives.map(({ slot, weight }) => ({ item: numberOf(slot), weight: -weight })),
  ].filter(({ item }) => item >= 0);
  const vector = new Float32Array(model.options.dimensions);
  const events = {
    items: known.map(({ item }) => item),
    weights: known.map(({ weight }) => weight),
  };
  new FoldIn(inlineEngine(), model).solve(events, vector);
  return { vector, isForSomething: known.some(({ weight }) => weight > 0), state };
};

describe(`people’s vectors, seed ${SEED}`, () => {
  it('are what lists would solve from the same state, to the bit, after every batch', async () => {
    const under = await bench();
    await under.promote('r1');
    for (let batch = 0; batch < 6; batch++) {
      await under.fixture.interact(...randomEvents(12, batch * 12, SEED + batch));
      await under.stream.caughtUp();
      for (let person = 0; person < PEOPLE; person++) {
        if ((await under.fixture.subject(`u:user-${person}`)) === undefined) continue;
        const { vector, isForSomething, state } = await solvedByLists(under, person, 'r1');
        const stored = await under.vector(person);
        if (!isForSomething) expect(stored).toBeUndefined();
        else expect(stored).toEqual({ release: 'r1', offset: state.lastOffset, vector });
      }
    }
  });

  it('name their release, and go over to the next with the next event', async () => {
    const under = await bench();
    const like = (id: string, item: string) =>
      interaction({ id, user: 'user-1', item, kind: 'like', minute: 1 });
    await under.fixture.interact(like('a', 'item-1'));
    await under.stream.caughtUp();
    expect(await under.vector(1)).toBeUndefined();
    await under.promote('r1');
    await under.fixture.interact(like('b', 'item-3'));
    await under.stream.caughtUp();
    expect((await under.vector(1))?.release).toBe('r1');
    await under.promote('r2');
    expect((await under.vector(1))?.release).toBe('r1');
    await under.fixture.interact(like('c', 'item-5'));
    await under.stream.caughtUp();
    const { vector } = await solvedByLists(under, 1, 'r2');
    expect(await under.vector(1)).toMatchObject({ release: 'r2', vector });
  });

  it('go over to a release that could not be read at once, as soon as the store answers', async () => {
    const { store, models, promote } = await bench();
    await promote('r1');
    const read = store.read.bind(store);
    let failures = 0;
    store.read = (version) => {
      failures += 1;
      if (failures > 3) return read(version);
      return Promise.reject(new FreshetError('warehouse_unavailable', { problem: 'away' }));
    };
    await promote('r2');
    expect(failures).toBe(4);
    expect(models.current?.release).toBe('r2');
  });

  it('are no part of the state that a replay gives again, whatever was promoted when', async () => {
    const under = await bench();
    await under.fixture.interact(...randomEvents(20, 0, SEED));
    await under.promote('r1');
    await under.fixture.interact(...randomEvents(20, 20, SEED + 1));
    await under.promote('r2');
    await under.fixture.interact(...randomEvents(20, 40, SEED + 2));
    await under.stream.caughtUp();
    await under.stream.stop();
    const withoutVectors = { without: /^vector:/ };
    const before = await under.fixture.dump(withoutVectors);
    const all = await under.fixture.dump();
    expect(all.size).toBeGreaterThan(before.size);
    await rebuildState(under.fixture.deps);
    expect(await under.fixture.dump()).toEqual(before);
  });

  it('end with the person', async () => {
    const under = await bench();
    await under.promote('r1');
    await under.fixture.interact(
      interaction({ id: 'a', user: 'user-1', item: 'item-1', kind: 'like', minute: 1 }),
    );
    await under.stream.caughtUp();
    expect(await under.vector(1)).toBeDefined();
    const record = { userId: userId('user-1'), receivedAt: T0, requestId: 'forget-1' };
    await under.fixture.append('interactions', 'Forget', [{ key: 'u:user-1', record }]);
    await under.stream.caughtUp();
    expect(await under.vector(1)).toBeUndefined();
  });
});
