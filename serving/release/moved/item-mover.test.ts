/** Items of a release that follow what people do: the same whenever the log is read, and exact to search. */
import { afterEach, describe, expect, it } from 'vitest';
import { FoldIn } from '../../../algorithms/factors/fold-in.ts';
import { inlineEngine } from '../../../algorithms/kernels/kernel-engine.ts';
import { seededRandom } from '../../../algorithms/random/seeded-random.ts';
import { TopItems } from '../../../algorithms/selection/top-items.ts';
import { encodeRecord } from '../../../schemas/avro/record-codec.ts';
import {
  itemId,
  type Offset,
  partitionIndex,
  type SubjectId,
  subjectOfUser,
  userId,
} from '../../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../../schemas/kinds.ts';
import type { TrainedPosition } from '../../../schemas/release.ts';
import { silentLogger } from '../../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { trainRelease } from '../../../test/serving/release.fixture.ts';
import { releaseItemsOn } from '../../../test/serving/release-items.fixture.ts';
import { settled, World } from '../../../test/serving/serving-fixture.ts';
import { Catalogue } from '../../catalogue.ts';
import { ItemSlots } from '../../item-slots.ts';
import { DEFAULT_SERVING_OPTIONS } from '../../options.ts';
import { type Profile, profileOf } from '../../profile.ts';
import type { ServingRelease } from '../serving-release.ts';
import { TasteModel } from '../taste-model.ts';
import { ItemMover } from './item-mover.ts';

const SEED = 5;
const COUNT = 300;
const IDS = Array.from({ length: COUNT }, (_, index) => itemId(`i${index}`));
const TOPIC = TOPICS.interactions.name;
const PARTITIONS = 2;
const { ladder, moved } = DEFAULT_SERVING_OPTIONS;
const KINDS = kindTable(DEFAULT_KINDS);

const engine = inlineEngine();
const { als } = (await trainRelease({ version: 'r', itemIds: IDS, dimensions: 6 })).models;
const NOTHING_ALIKE = { neighboursOf: () => new Float32Array(0) };
const itemIndex = { neighboursOf: () => new Float32Array(0), pairScale: () => 1 };

const movers: ItemMover[] = [];
afterEach(async () => {
  for (const mover of movers.splice(0)) await mover.stop();
});

interface Bench {
  readonly taste: TasteModel;
  readonly mover: ItemMover;
  readonly slots: ItemSlots;
}

/** A release in use over the log of a world, trained up to these positions. */
const openMover = (
  world: World,
  { isOn = true, positions = [] as readonly TrainedPosition[], lookBack = 1_000 } = {},
): Bench => {
  const slots = new ItemSlots();
  const taste = new TasteModel({
    engine,
    foldIn: new FoldIn(engine, als),
    topItems: new TopItems(engine, { ...als, dimensions: als.options.dimensions }),
    itemCount: als.itemCount,
    items: releaseItemsOn(IDS, slots),
    vectorsMax: 10,
    newItemsMax: 0,
    ground: { catalogue: new Catalogue(slots), content: NOTHING_ALIKE, itemIndex },
  });
  const mover = new ItemMover({
    eventLog: world.eventLog,
    userPartitions: PARTITIONS,
    options: { ...moved, isOn, lookBack },
    slots,
    deeds: {
      kinds: KINDS,
      prior: { mean: ladder.ownMeanPrior, strength: ladder.ownMeanPriorStrength },
      limits: { positives: ladder.eventsMax, negatives: ladder.negativesMax },
    },
    logger: silentLogger,
  });
  movers.push(mover);
  mover.switchTo({ taste, positions } as unknown as ServingRelease);
  return { taste, mover, slots };
};

interface Deed {
  readonly person: number;
  readonly item: number;
  readonly kind?: string;
  readonly undoes?: number;
}

/** People of partition `person` mod 2; the event's id is its place in the log of its partition. */
const append = async (world: World, deeds: readonly Deed[]): Promise<void> => {
  for (const { person, item, kind = 'like', undoes } of deeds) {
    const partition = partitionIndex(person % PARTITIONS);
    const { end } = await world.eventLog.watermarks(TOPIC, partition);
    const value = encodeRecord('Interaction', {
      source: 'test',
      eventId: `e${end}` as never,
      userId: `p${person}` as never,
      sessionId: null,
      itemId: IDS[item]!,
      kind,
      value: null,
      occurredAt: (world.clock.now() + end) as never,
      receivedAt: world.clock.now(),
      backfill: null,
      sequence: null,
      context:
        undoes === undefined
          ? null
          : { listId: null, rank: null, placement: null, undoes: `e${undoes}` as never },
    });
    await world.eventLog.append(TOPIC, partition, [
      { key: null, value, timestamp: world.clock.now() },
    ]);
  }
};

const untilRead = async (mover: ItemMover, events: number): Promise<void> => {
  for (let turn = 0; turn < 500 && mover.counts().events < events; turn++) await settled();
  await settled();
};

const randomDeeds = (count: number, seed: number): Deed[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => ({
    person: random.below(12),
    item: random.below(COUNT),
    kind: random.below(10) === 0 ? 'dislike' : 'like',
  }));
};

const vectorsOf = ({ taste }: Bench): readonly (readonly number[])[] =>
  IDS.map((_, item) => [...taste.moved.vectorOf(item)]);

const personWho = ({ slots }: Bench, items: readonly number[]): Profile => {
  const history = items.map((item, place) => ({
    eventId: `h${place}` as never,
    itemId: IDS[item]!,
    kind: 'like',
    value: null,
    occurredAt: place as never,
    isCounted: true,
    busy: 0,
  }));
  const state = {
    history,
    evictedSeen: [],
    ownValueSumThousandths: 0,
    ownValueCount: 0,
    lastOffset: items.length as Offset,
  };
  return profileOf('u:ada' as SubjectId, state, 0 as never, { slots, kinds: KINDS, ladder });
};

const scoresOf = (bench: Bench, profile: Profile, count = COUNT): Map<number, number> => {
  const scores = new Map<number, number>();
  const proposals = { count, leftOut: new Set<number>(), now: 0 as never };
  bench.taste.propose(profile, proposals, (slot, score) => void scores.set(slot, score));
  return scores;
};

describe(`items that follow people, seed ${SEED}`, () => {
  it('[I7] have the same vectors to the bit, read as it came or afterwards, with pieces of any size', async () => {
    const world = new World();
    const live = openMover(world);
    const deeds = randomDeeds(700, SEED);
    for (let from = 0; from < deeds.length; from += 90) {
      await append(world, deeds.slice(from, from + 90));
      await settled();
    }
    const replayed = openMover(world);
    await untilRead(replayed.mover, 600);
    await untilRead(live.mover, replayed.mover.counts().events);
    expect(live.mover.counts()).toEqual(replayed.mover.counts());
    expect(live.mover.counts().items).toBeGreaterThan(256);
    expect(vectorsOf(live)).toEqual(vectorsOf(replayed));
  });

  it('are found and explained exactly, packed anew or not, and leave people’s vectors alone', async () => {
    const world = new World();
    const still = openMover(world, { isOn: false });
    const bench = openMover(world);
    await append(world, randomDeeds(700, SEED));
    await untilRead(bench.mover, 600);
    await append(world, randomDeeds(30, SEED + 1));
    await untilRead(bench.mover, bench.mover.counts().events + 1);
    expect(still.mover.counts()).toEqual({ items: 0, events: 0, leftOut: 0 });
    const profile = personWho(bench, [3, 8, 21]);
    const vector = bench.taste.vectorOf(profile)!;
    expect([...vector]).toEqual([...still.taste.vectorOf(personWho(still, [3, 8, 21]))!]);
    const scores = scoresOf(bench, profile);
    const sums = new Map<number, number>();
    bench.taste.contribute(profile, [...scores.keys()], (slot, _, amount) =>
      sums.set(slot, (sums.get(slot) ?? 0) + amount),
    );
    for (let item = 0; item < COUNT; item++) {
      const own = bench.taste.moved.vectorOf(item);
      const product = own.reduce((sum, value, k) => sum + value * vector[k]!, 0);
      const slot = bench.slots.find(IDS[item]!)!;
      if (product > 1e-4) {
        expect(scores.get(slot)).toBeCloseTo(product, 4);
        expect(sums.get(slot)).toBeCloseTo(product, 4);
      }
    }
    expect(scores).not.toEqual(scoresOf(still, personWho(still, [3, 8, 21])));
  });

  it('are moved only by what came after the training, which knows what people had done before', async () => {
    const world = new World();
    await append(world, [
      { person: 0, item: 1 },
      { person: 0, item: 2 },
      { person: 0, item: 5 },
    ]);
    const positions = [{ topic: TOPIC, partition: 0, offset: 1 }];
    const knowing = openMover(world, { positions });
    const unknowing = openMover(world, { positions, lookBack: 0 });
    await untilRead(knowing.mover, 1);
    await settled();
    expect(knowing.mover.counts()).toMatchObject({ items: 1, events: 1 });
    expect([...knowing.taste.moved.vectorOf(5)]).not.toEqual([...knowing.taste.factorsOf(5)]);
    expect([...knowing.taste.moved.vectorOf(2)]).toEqual([...knowing.taste.factorsOf(2)]);
    expect(unknowing.mover.counts()).toMatchObject({ items: 0, events: 0 });
  });

  it('count an event once however often it stands in the log, and not what was taken back', async () => {
    const world = new World();
    const bench = openMover(world);
    await append(world, [
      { person: 0, item: 1 },
      { person: 0, item: 1, kind: 'undo', undoes: 0 },
      { person: 0, item: 2 },
    ]);
    await settled();
    expect(bench.mover.counts().events).toBe(0);
    const partition = partitionIndex(0);
    await append(world, [{ person: 0, item: 3 }]);
    await untilRead(bench.mover, 1);
    const [record] = await world.eventLog.read(TOPIC, partition, 3 as Offset, {
      recordsMax: 1,
      bytesMax: 1,
    });
    await world.eventLog.append(TOPIC, partition, [
      { key: null, value: record!.value!, timestamp: world.clock.now() },
    ]);
    await append(world, [{ person: 0, item: 4 }]);
    await untilRead(bench.mover, 2);
    expect(bench.mover.counts()).toMatchObject({ items: 2, events: 2 });
  });

  it('are moved by nobody’s deeds of before they were forgotten, hint or record', async () => {
    const world = new World();
    const bench = openMover(world);
    const begun = [
      { person: 0, item: 1 },
      { person: 1, item: 1 },
      { person: 2, item: 1 },
    ];
    await append(world, begun);
    await settled();
    bench.mover.letGoOf(subjectOfUser(userId('p0')));
    await world.eventLog.append(TOPIC, partitionIndex(1), [
      {
        key: null,
        value: encodeRecord('Forget', {
          userId: userId('p1'),
          requestId: 'r',
          receivedAt: world.clock.now(),
        }),
        timestamp: world.clock.now(),
      },
    ]);
    await append(
      world,
      begun.map(({ person }) => ({ person, item: 2 + person })),
    );
    await untilRead(bench.mover, 1);
    expect(bench.mover.counts()).toMatchObject({ items: 1, events: 1 });
    expect([...bench.taste.moved.vectorOf(4)]).not.toEqual([...bench.taste.factorsOf(4)]);
  });

  it('are where the release has them again, and begin anew, when lists come back to it', async () => {
    const world = new World();
    const bench = openMover(world);
    await append(world, randomDeeds(60, SEED));
    await untilRead(bench.mover, 40);
    const before = vectorsOf(bench);
    bench.mover.switchTo(undefined);
    bench.mover.switchTo({ taste: bench.taste, positions: [] } as unknown as ServingRelease);
    expect(vectorsOf(bench)).toEqual(IDS.map((_, item) => [...bench.taste.factorsOf(item)]));
    await untilRead(bench.mover, 40);
    expect(vectorsOf(bench)).toEqual(before);
  });
});
