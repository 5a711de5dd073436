import { afterAll, describe, expect, it } from 'vitest';
import { readImplicitAls } from '../algorithms/factors/implicit-als.ts';
import { readRatingForecast } from '../algorithms/ratings/rating-forecast.ts';
import { systemClock } from '../runtime/clock.ts';
import { catalogueItem } from '../schemas/catalogue-item.fixture.ts';
import { FreshetError } from '../schemas/errors.ts';
import { itemId } from '../schemas/ids.ts';
import { DEFAULT_KINDS } from '../schemas/kinds.ts';
import { type LearnedWeights, type ReleaseFacts, readItemIds } from '../schemas/release.ts';
import { MemoryArtifactStore } from '../storage/artifact-store/memory-artifact-store.ts';
import { ClickHouseWarehouse } from '../storage/warehouse/clickhouse-warehouse.ts';
import { startTestEngine, type TestEngine } from '../storage/warehouse/embedded-engine.fixture.ts';
import {
  fillCatalogue,
  fillWarehouse,
  PLANTED_NOW,
  PLANTED_PARTITIONS,
  type PlantedEvent,
  plantedHistory,
  plantedRandom,
  SMALL_TRAINING,
  trainingDependencies,
  trainingOrder,
} from '../test/training/training-fixture.ts';
import { readCatalogue } from './content-model.ts';
import { readHistory } from './histories/history-reader.ts';
import { runTraining, type TrainingProgress } from './training-run.ts';

const DATABASE = 'planted';
const engines: TestEngine[] = [];
afterAll(() => Promise.all(engines.map((engine) => engine.remove())));

/** An engine of its own each: what one test stores is in no other's history. */
const warehouseWith = async (events: readonly PlantedEvent[]): Promise<ClickHouseWarehouse> => {
  const engine = await startTestEngine(systemClock, { database: DATABASE });
  engines.push(engine);
  const { connection } = engine.engine;
  const warehouse = new ClickHouseWarehouse({ connection, database: DATABASE });
  await warehouse.migrate();
  await fillWarehouse(warehouse, events);
  return warehouse;
};

const read = (warehouse: ClickHouseWarehouse, limits = SMALL_TRAINING.limits) =>
  readHistory({
    warehouse,
    userPartitions: PLANTED_PARTITIONS,
    kinds: DEFAULT_KINDS,
    ownMeanPrior: SMALL_TRAINING.ownMeanPrior,
    limits,
    formerItems: [],
  });

const HOUR_MS = 3_600_000;

describe('what a training reads', () => {
  it('is each person’s deeds in their order, without what an undo took back', async () => {
    const warehouse = await warehouseWith([
      { user: 'a', item: 'late', at: PLANTED_NOW },
      { user: 'a', item: 'early', at: PLANTED_NOW - 2 * HOUR_MS },
      { user: 'a', item: 'regretted', at: PLANTED_NOW - HOUR_MS, id: 'r' },
      { user: 'a', item: 'regretted', kind: 'undo', at: PLANTED_NOW, undoes: 'r' },
      { user: 'b', item: 'early', kind: 'dislike', at: PLANTED_NOW },
      { user: 'b', item: 'regretted', at: PLANTED_NOW, id: 'of-another-person' },
    ]);
    const { itemIds, starts, events, positions } = await read(warehouse);
    expect([...events.items].map((item) => itemIds[item])).toEqual([
      'early',
      'late',
      'early',
      'regretted',
    ]);
    expect([...starts]).toEqual([0, 2, 4]);
    expect([...events.strengths]).toEqual([1, 1, -1, 1]);
    expect(positions.map(({ offset }) => offset + 1).reduce((sum, end) => sum + end, 0)).toBe(6);
    await warehouse.close();
  });

  it('is the catalogue as it is now, for weighing what is alike by content', async () => {
    const warehouse = await warehouseWith([{ user: 'a', item: 'heat', at: PLANTED_NOW }]);
    const first = catalogueItem('heat', {
      updatedAt: PLANTED_NOW,
      title: 'Heat',
      attributes: { year: 1995 },
    });
    await fillCatalogue(warehouse, [
      { id: 'heat', record: { ...first, title: 'Another' } },
      { id: 'gone', record: { ...first, title: 'Gone' } },
      { id: 'heat', record: { ...first, categories: ['Crime'], people: ['Mann'] } },
      { id: 'gone', record: null },
    ]);
    const catalogue = await readCatalogue(warehouse);
    expect(catalogue).toEqual([
      {
        itemId: 'heat',
        title: 'Heat',
        categories: ['Crime'],
        tags: first.tags,
        people: ['Mann'],
        attributes: { year: 1995 },
      },
    ]);
    await warehouse.close();
  });

  it('ends at the positions that it names, whatever arrives later', async () => {
    const warehouse = await warehouseWith([{ user: 'a', item: 'x', at: PLANTED_NOW }]);
    const before = await read(warehouse);
    await warehouse.command({
      name: 'a row beyond what is covered',
      sql: `INSERT INTO interactions (topic, partition, offset, subject, itemId, kind, occurredAt)
        SELECT topic, partition, offset + 1, subject, 'uncovered', kind, occurredAt FROM interactions`,
    });
    expect(await read(warehouse)).toEqual(before);
    await warehouse.close();
  });

  it('keeps the newest of a person and the newest of all where the limits cut, and counts the rest', async () => {
    const day = 24 * HOUR_MS;
    const events = Array.from({ length: 40 }, (_, k) => ({
      user: `u${k % 2}`,
      item: `i${k}`,
      at: PLANTED_NOW - (40 - k) * day,
    }));
    const warehouse = await warehouseWith(events);
    const ofPerson = await read(warehouse, { ...SMALL_TRAINING.limits, eventsPerPersonMax: 3 });
    expect([...ofPerson.events.items].map((item) => ofPerson.itemIds[item])).toEqual([
      'i34',
      'i36',
      'i38',
      'i35',
      'i37',
      'i39',
    ]);
    expect(ofPerson.eventsCut).toBe(34);
    const ofAll = await read(warehouse, { ...SMALL_TRAINING.limits, eventsMax: 10 });
    expect(ofAll.events.items.length).toBeLessThanOrEqual(10);
    expect(ofAll.events.items.length).toBeGreaterThanOrEqual(8);
    expect(Math.min(...ofAll.events.times)).toBeGreaterThan(PLANTED_NOW - 12 * day);
    expect(ofAll.eventsCut).toBe(40 - ofAll.events.items.length);
    await warehouse.close();
  });

  it('keeps items of the former release in their places and the most chosen of the others', async () => {
    const events = ['a', 'b', 'c'].flatMap((user, k) =>
      ['often', 'seldom', 'former'].slice(0, 3 - k).map((item, at) => ({
        user,
        item,
        at: PLANTED_NOW + at,
      })),
    );
    const warehouse = await warehouseWith(events);
    const history = await readHistory({
      warehouse,
      userPartitions: PLANTED_PARTITIONS,
      kinds: DEFAULT_KINDS,
      ownMeanPrior: SMALL_TRAINING.ownMeanPrior,
      limits: { ...SMALL_TRAINING.limits, itemsMax: 2 },
      formerItems: ['former' as (typeof history.itemIds)[number]],
    });
    expect(history.itemIds).toEqual(['former', 'often']);
    expect(history.events.items).toHaveLength(4);
    await warehouse.close();
  });
});

describe('a training', () => {
  it('publishes models that beat what is popular on people’s later choices, and says what it read', async () => {
    const events = plantedHistory(200, plantedRandom(7));
    const warehouse = await warehouseWith(events);
    const artifactStore = new MemoryArtifactStore();
    const shares: number[] = [];
    const stages = new Set<string>();
    const { version, faults, facts } = await runTraining(
      trainingOrder(),
      trainingDependencies(warehouse, {
        artifactStore,
        onProgress: ({ share, stage }: TrainingProgress) => {
          shares.push(share);
          stages.add(stage);
        },
      }),
    );
    expect(faults).toEqual([]);
    const { manifest, files } = await artifactStore.read(version!);
    expect(manifest.facts).toEqual(facts);
    const stored = manifest.facts as unknown as ReleaseFacts;
    expect(stored.history).toMatchObject({ events: events.length, users: 200, items: 48 });
    expect(Object.keys(stored.models).sort()).toEqual(
      ['als', 'blend', 'ease', 'graph', 'item2vec', 'next-item'].sort(),
    );
    const ndcgOf = (name: string) =>
      stored.holdOut.scores.find((score) => score.name === name)!.ndcg;
    for (const name of ['taste', 'embedding', 'graph', 'sequence', 'habit', 'blend']) {
      expect([name, ndcgOf(name) > ndcgOf('popular')]).toEqual([name, true]);
    }
    const itemIds = readItemIds(files.get('items.json')!);
    expect(readImplicitAls(files.get('als.model')!).itemCount).toBe(itemIds.length);
    const weights = JSON.parse(
      new TextDecoder().decode(files.get('blend.json')!),
    ) as LearnedWeights;
    expect(Object.values(weights).every(({ weight }) => weight >= 0)).toBe(true);
    expect(Object.keys(weights)).toContain('taste');
    expect(shares).toEqual(shares.toSorted((one, other) => one - other));
    expect(shares.at(-1)).toBe(1);
    expect([...stages]).toEqual(['reading', 'trying', 'fitting', 'publishing']);
    await warehouse.close();
  }, 60_000);

  it('predicts stars where there are ratings to learn from, and says how well', async () => {
    const random = plantedRandom(9);
    const events = Array.from({ length: 120 }, (_, person) =>
      Array.from({ length: 12 }, (_, k) => {
        const item = random.below(30);
        // Two camps: what one half of the people loves, the other half does not.
        const likes = person % 2 === item % 2;
        return {
          user: `person${person}`,
          item: `film${item}`,
          kind: 'rating',
          value: (likes ? 4 : 2) + random.below(3) / 2,
          at: PLANTED_NOW - (12 - k) * HOUR_MS + person,
        };
      }),
    ).flat();
    const warehouse = await warehouseWith(events);
    const artifactStore = new MemoryArtifactStore();
    const { version, facts } = await runTraining(
      trainingOrder({ kinds: ['als', 'ratings'] }),
      trainingDependencies(warehouse, { artifactStore }),
    );
    const { rmse, usualRmse, ratings } = facts.holdOut.ratings!;
    expect(rmse).toBeLessThan(usualRmse * 0.8);
    expect(ratings).toBeGreaterThan(100);
    const { files } = await artifactStore.read(version!);
    const stars = readRatingForecast(files.get('ratings.model')!);
    const itemIds = readItemIds(files.get('items.json')!);
    const place = (name: string) => itemIds.indexOf(itemId(name));
    const evens = [2, 4, 6].map((k) => place(`film${k}`));
    const history = {
      items: Uint32Array.from(evens),
      weights: Float32Array.from([5, 5, 5]),
      times: null,
    };
    const even = stars.forecast(history, place('film8'))!;
    const odd = stars.forecast(history, place('film9'))!;
    expect(even.value).toBeGreaterThan(odd.value + 1);
    expect(even.low).toBeLessThan(even.value);
    expect(even.high).toBeLessThanOrEqual(5);
    await warehouse.close();
  }, 60_000);

  it('gives the same bytes for the same history and seed', async () => {
    const warehouse = await warehouseWith(plantedHistory(80, plantedRandom(3)));
    const artifactStore = new MemoryArtifactStore();
    const sums: string[][] = [];
    for (const runId of ['one', 'two']) {
      const order = trainingOrder({ runId, kinds: ['als', 'item2vec', 'blend'] });
      const { version } = await runTraining(
        order,
        trainingDependencies(warehouse, { artifactStore }),
      );
      const { manifest } = await artifactStore.read(version!);
      sums.push(manifest.files.map(({ sha256 }) => sha256));
    }
    expect(sums[0]).toEqual(sums[1]);
    await warehouse.close();
  }, 60_000);

  it('takes over the models that it was not asked to train, whose items keep their places', async () => {
    const warehouse = await warehouseWith(plantedHistory(80, plantedRandom(5)));
    const artifactStore = new MemoryArtifactStore();
    const dependencies = trainingDependencies(warehouse, { artifactStore });
    const first = await runTraining(
      trainingOrder({ runId: 'a', kinds: ['als', 'item2vec'] }),
      dependencies,
    );
    const second = await runTraining(
      trainingOrder({ runId: 'b', kinds: ['als'], formerVersion: first.version }),
      dependencies,
    );
    const one = await artifactStore.read(first.version!);
    const other = await artifactStore.read(second.version!);
    expect(other.files.get('item2vec.model')).toEqual(one.files.get('item2vec.model'));
    expect(readItemIds(other.files.get('items.json')!)).toEqual(
      readItemIds(one.files.get('items.json')!),
    );
    expect(second.facts.models.item2vec?.trainedIn).toBe(first.version);
    expect(second.facts.models.als?.trainedIn).toBe(second.version);
    await warehouse.close();
  }, 60_000);

  it('goes on where the release in use is lost, and says so; not where its store is away', async () => {
    const warehouse = await warehouseWith(plantedHistory(80, plantedRandom(5)));
    const order = trainingOrder({ kinds: ['als'], formerVersion: 'lost' });
    const { version, remarks, facts } = await runTraining(order, trainingDependencies(warehouse));
    expect(version).not.toBeNull();
    expect(remarks[0]).toMatch(
      /^The release in use, lost, was compared with nothing.*release lost/,
    );
    expect(Object.keys(facts.models)).toEqual(['als']);
    const artifactStore = Object.assign(new MemoryArtifactStore(), {
      read: () => Promise.reject(new FreshetError('unavailable', { why: 'it is away' })),
    });
    const dependencies = trainingDependencies(warehouse, { artifactStore });
    await expect(runTraining(order, dependencies)).rejects.toThrow('it is away');
    await warehouse.close();
  }, 60_000);

  it('stops where it is told to, and leaves nothing behind', async () => {
    const warehouse = await warehouseWith(plantedHistory(80, plantedRandom(5)));
    const artifactStore = new MemoryArtifactStore();
    const stop = new AbortController();
    const running = runTraining(
      trainingOrder(),
      trainingDependencies(warehouse, {
        artifactStore,
        signal: stop.signal,
        onProgress: ({ stage }) => {
          if (stage === 'fitting') stop.abort(new Error('told to stop'));
        },
      }),
    );
    await expect(running).rejects.toThrow('told to stop');
    expect(await artifactStore.list()).toEqual([]);
    await warehouse.close();
  }, 60_000);
});
