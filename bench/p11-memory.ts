/**
 * P11: what a person, an item and a pair of items take, as stored and in memory. People and items come
 * from a replay in which most histories and neighbour lists are full; then the real program is started
 * on a large population and asked for lists.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { dataPathsOf } from '../runtime/data-directory.ts';
import { openEmbeddedLog, openEmbeddedState } from '../runtime/embedded/stores.ts';
import { providePersonKeys } from '../runtime/person-keys.ts';
import { INGEST_TOPICS, STREAM_TOPICS } from '../runtime/topic-plan.ts';
import { encodeRecord } from '../schemas/avro/record-codec.ts';
import { catalogueItem } from '../schemas/catalogue-item.fixture.ts';
import type { Logger } from '../schemas/environment.ts';
import { epochMs, itemId, partitionIndex } from '../schemas/ids.ts';
import { decodeItemState } from '../schemas/state/item-codec.ts';
import { decodeSubjectState } from '../schemas/state/subject-codec.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../storage/event-log/event-log.ts';
import { partitionOf } from '../storage/event-log/partitioner.ts';
import {
  type InstanceProcess,
  makeDataDirectory,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { runProgram } from './program.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';
import type { GetLoadResult } from './serving-load.ts';
import { populateState } from './stream/populated-state.ts';
import { prepareReplay, replayOnce, scanValues } from './stream/replay-run.ts';

const SEED = 15;
const REPLAY = { seed: SEED, events: 200_000, people: 2_000, items: 1_000 };
const PARTITIONS = { userPartitions: 4, itemPartitions: 4 };
const FULL_HISTORY = 50;
const FULL_LIST = 48;
const POPULATION = { people: 1_000_000, items: 100_000 };
const KIB = 1_024;
const GIB = KIB ** 3;

export const memory: Benchmark = {
  id: 'P11',
  title: 'Bytes per person, item and pair; memory of a large population',
  async run(): Promise<BenchResult> {
    return {
      id: 'P11',
      title: memory.title,
      seed: SEED,
      figures: [...(await storedFigures()), ...(await populationFigures())],
      notes: [
        `stored sizes: ${REPLAY.events} events of ${REPLAY.people} people and ${REPLAY.items} items through the stream, values without the store's own overhead;`,
        'a page of a file that is mapped counts as resident, yet the kernel may take it back: both are given.',
      ],
    };
  },
};

const storedFigures = async (): Promise<readonly Figure[]> => {
  const { deps, close } = await prepareReplay({ ...REPLAY, ...PARTITIONS });
  try {
    await replayOnce(deps);
    const people: number[] = [];
    const { stateStore, partitions } = deps;
    await scanValues(
      stateStore,
      TOPICS.interactions.name,
      partitions.interactions,
      'subject:',
      (value) => {
        if (decodeSubjectState(value).history.length >= FULL_HISTORY) people.push(value.length);
      },
    );
    const items: { readonly bytes: number; readonly neighbours: number }[] = [];
    await scanValues(
      stateStore,
      TOPICS.itemSignals.name,
      partitions.itemSignals,
      'item:',
      (value) => {
        items.push({ bytes: value.length, neighbours: decodeItemState(value).neighbours.length });
      },
    );
    const full = items.filter(({ neighbours }) => neighbours >= FULL_LIST);
    const line = lineThrough(items.map(({ bytes, neighbours }) => [neighbours, bytes]));
    const most = { atMost: 2 * KIB };
    return [
      { name: 'a person with 50 events, mean', value: mean(people), unit: 'B', reach: most },
      { name: 'a person with 50 events, most', value: Math.max(...people), unit: 'B' },
      {
        name: 'an item with a full list of neighbours, mean',
        value: mean(full.map(({ bytes }) => bytes)),
        unit: 'B',
        reach: most,
      },
      {
        name: 'an item with a full list of neighbours, most',
        value: Math.max(...full.map(({ bytes }) => bytes)),
        unit: 'B',
      },
      { name: 'an item without neighbours', value: line.at0, unit: 'B' },
      { name: 'a neighbour (one side of a pair)', value: line.slope, unit: 'B' },
      { name: 'a pair of items, both sides', value: 2 * line.slope, unit: 'B' },
    ];
  } finally {
    await close();
  }
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Least squares. */
const lineThrough = (points: readonly (readonly [number, number])[]) => {
  const x = mean(points.map(([left]) => left));
  const y = mean(points.map(([, right]) => right));
  const slope =
    points.reduce((sum, [left, right]) => sum + (left - x) * (right - y), 0) /
    points.reduce((sum, [left]) => sum + (left - x) ** 2, 0);
  return { slope, at0: y - slope * x };
};

const populationFigures = async (): Promise<readonly Figure[]> => {
  const directory = makeDataDirectory();
  try {
    const empty = await startInstanceProcess(directory);
    const emptyUse = empty.use();
    await empty.stop();
    await populate(directory);
    const instance = await startInstanceProcess(directory);
    try {
      await instance.caughtUp();
      return await askedFigures(instance, { directory, emptyUse });
    } finally {
      await instance.stop();
    }
  } finally {
    removeDataDirectory(directory);
  }
};

const askedFigures = async (
  instance: InstanceProcess,
  given: {
    readonly directory: string;
    readonly emptyUse: ReturnType<InstanceProcess['use']>;
  },
): Promise<readonly Figure[]> => {
  const load = await runProgram<GetLoadResult>('bench/serving-load.ts', {
    port: instance.port,
    path: '/v1/users/person-{n}/recommendations',
    spread: POPULATION.people,
    seconds: 15,
  });
  const use = instance.use();
  const stateBytes = bytesUnder(join(given.directory, 'state'));
  const { memory: owners } = await instance.system();
  const figures: Figure[] = [
    { name: 'state on the disk', value: stateBytes / GIB, unit: 'GiB' },
    { name: 'lists asked for', value: 15 * load.requestsPerSecond, unit: '' },
    { name: 'lists that failed', value: load.failures, unit: '', reach: { atMost: 0 } },
    {
      name: 'memory that serving holds per item',
      value: (owners.items ?? 0) / POPULATION.items,
      unit: 'B',
      reach: { atMost: 2 * KIB },
    },
  ];
  if (use === undefined || given.emptyUse === undefined) return figures;
  const own = (each: typeof use): number => each.residentBytes - each.fileBytes;
  const size = `${POPULATION.people.toLocaleString('en')} people, ${POPULATION.items.toLocaleString('en')} items`;
  return [
    ...figures,
    {
      name: 'resident with nothing, ClickHouse included',
      value: own(given.emptyUse) / GIB,
      unit: 'GiB',
    },
    {
      name: `resident, ${size}`,
      value: own(use) / GIB,
      unit: 'GiB',
      reach: { atMost: 3.5 },
    },
    { name: 'resident, mapped files included', value: use.residentBytes / GIB, unit: 'GiB' },
  ];
};

const bytesUnder = (directory: string): number =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => {
      const { blocks } = statSync(join(entry.parentPath, entry.name));
      return sum + 512 * blocks;
    }, 0);

const silent: Logger = { debug() {}, info() {}, warn() {}, error: console.error };

const populate = async (directory: string): Promise<void> => {
  const log = await openEmbeddedLog({
    directory: join(directory, 'log'),
    keys: providePersonKeys(dataPathsOf(directory)),
    counts: PARTITIONS,
    writableTopics: [...INGEST_TOPICS, ...STREAM_TOPICS],
    clock: systemClock,
  });
  const state = await openEmbeddedState({
    directory: join(directory, 'state'),
    readOnly: false,
    clock: systemClock,
    logger: silent,
  });
  const now = systemClock.now();
  await populateState(log, state, {
    ...POPULATION,
    ...PARTITIONS,
    seed: SEED,
    historyEvents: FULL_HISTORY,
    neighbours: FULL_LIST,
    now,
  });
  await logCatalogue(log, now);
  await state.close();
  await log.close();
};

const logCatalogue = async (log: EventLog, now: number): Promise<void> => {
  const batches: AppendRecord[][] = Array.from({ length: PARTITIONS.itemPartitions }, () => []);
  const flush = async (index: number): Promise<void> => {
    await log.append(TOPICS.catalogue.name, partitionIndex(index), batches[index]!.splice(0));
  };
  for (let number = 0; number < POPULATION.items; number++) {
    const id = itemId(`film-${number}`);
    const index = partitionOf(id, PARTITIONS.itemPartitions);
    const value = encodeRecord(
      'CatalogueItem',
      catalogueItem(id, {
        title: `Film ${number}`,
        categories: [`Genre ${number % 20}`, `Type ${number % 7}`],
        tags: [`tag-${number % 300}`],
        people: [`Person ${number % 2_000}`],
        attributes: { year: 1950 + (number % 75) },
        publishedAt: epochMs(now - (number % 20_000) * 86_400_000),
        updatedAt: epochMs(now),
      }),
    );
    const key = new TextEncoder().encode(id);
    batches[index]!.push({ key, value, timestamp: epochMs(now) });
    if (batches[index]!.length === 500) await flush(index);
  }
  for (const [index, batch] of batches.entries()) if (batch.length > 0) await flush(index);
};
