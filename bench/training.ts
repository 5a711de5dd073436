/**
 * How long a training takes from the warehouse to a stored release, in its own process, and how much
 * memory: on MovieLens 1M, and on synthetic histories of growing size (people of fifty tastes; the
 * largest has the shape of MovieLens 20M). ClickHouse runs as the program runs it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { randomSecret, systemRandom } from '../runtime/random.ts';
import { SETTINGS } from '../runtime/settings.ts';
import { trainingProcessRunner } from '../runtime/training/training-process-runner.ts';
import {
  type EpochMs,
  eventId,
  itemId,
  type Offset,
  type PartitionIndex,
  userId,
} from '../schemas/ids.ts';
import { MODEL_KINDS } from '../schemas/release.ts';
import { silentLogger } from '../schemas/silent-logger.fixture.ts';
import { interactionRow } from '../schemas/tables.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { ClickHouseConnection } from '../storage/clickhouse/clickhouse-connection.ts';
import { ClickHouseWarehouse } from '../storage/warehouse/clickhouse-warehouse.ts';
import { EmbeddedClickHouse } from '../storage/warehouse/embedded-clickhouse.ts';
import type { TrainingResult } from '../training/training-run.ts';
import { lineChartSvg } from './line-chart.ts';
import { isPresent } from './quality/datasets/location.ts';
import { ML_1M_FILE, readMovieLens1M } from './quality/datasets/movielens.ts';
import type { Benchmark, Figure } from './result.ts';

const SEED = 1;
const DATABASE = 'freshet_bench';
const GIB = 1024 ** 3;
const TOPIC = TOPICS.interactions.name;
const PARTITION = 0 as PartitionIndex;
const BLOCK = 50_000;

interface Shape {
  readonly events: number;
  readonly people: number;
  readonly items: number;
}

const SYNTHETIC: readonly Shape[] = [
  { events: 1_000_000, people: 6_900, items: 4_000 },
  { events: 5_000_000, people: 34_500, items: 12_000 },
  { events: 20_000_000, people: 138_000, items: 27_000 },
];

interface Measured {
  readonly seconds: number;
  readonly residentBytes: number;
  readonly result: TrainingResult;
}

export const trainingSpeed: Benchmark = {
  id: 'training',
  title: 'A training, from the warehouse to a stored release',
  async run() {
    const figures: Figure[] = [];
    const notes = [
      'All models of a release: als, item2vec, graph, next-item where it fits, blend.',
    ];
    if (isPresent(ML_1M_FILE)) {
      const measured = await measure(fillWithMovieLens);
      figures.push(
        { name: 'MovieLens 1M', value: measured.seconds, unit: 's', reach: { atMost: 300 } },
        {
          name: 'MovieLens 1M, memory',
          value: measured.residentBytes / GIB,
          unit: 'GiB',
          reach: { atMost: 2.5 },
        },
      );
      notes.push(`MovieLens 1M: ${shownOf(measured.result)}`);
    } else {
      notes.push(`${ML_1M_FILE} was not there: not measured.`);
    }
    const curve: { shape: Shape; measured: Measured }[] = [];
    for (const shape of SYNTHETIC) {
      const measured = await measure((warehouse) => fillWithTastes(warehouse, shape));
      curve.push({ shape, measured });
      const isLargest = shape === SYNTHETIC.at(-1);
      const name = `${shape.events.toLocaleString('en')} events`;
      figures.push(
        {
          name,
          value: measured.seconds,
          unit: 's',
          ...(isLargest ? { reach: { atMost: 600 } } : {}),
        },
        {
          name: `${name}, memory`,
          value: measured.residentBytes / GIB,
          unit: 'GiB',
          ...(isLargest ? { reach: { atMost: 6 } } : {}),
        },
      );
      notes.push(`${name}: ${shownOf(measured.result)}`);
    }
    return {
      id: 'training',
      title: trainingSpeed.title,
      seed: SEED,
      figures,
      notes,
      drawings: { 'training-size.svg': chartOf(curve) },
    };
  },
};

const shownOf = ({ facts, faults, remarks }: TrainingResult): string => {
  const models = Object.entries(facts.models).map(
    ([kind, { seconds }]) => `${kind} ${seconds.toFixed(1)} s`,
  );
  return [`fits: ${models.join(', ')}`, ...faults, ...remarks].join('; ');
};

const measure = async (
  fill: (warehouse: ClickHouseWarehouse) => Promise<void>,
): Promise<Measured> => {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
  const engine = await EmbeddedClickHouse.start({
    directory: join(directory, 'warehouse'),
    database: DATABASE,
    password: randomSecret(),
    clock: systemClock,
    logger: silentLogger,
    random: systemRandom,
    threads: SETTINGS.warehouseThreads.default,
    memoryBytes: SETTINGS.warehouseMemoryBytes.default,
  });
  try {
    const warehouse = new ClickHouseWarehouse({
      connection: engine.connection,
      database: DATABASE,
    });
    await warehouse.migrate();
    await fill(warehouse);
    await warehouse.close();
    return await train(engine.connection, join(directory, 'artifacts'));
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

const train = async (
  connection: ClickHouseConnection,
  artifactsDirectory: string,
): Promise<Measured> => {
  let residentBytes = 0;
  const runner = trainingProcessRunner({
    whyOff: () => undefined,
    clock: systemClock,
    onMemory: (bytes) => {
      residentBytes = bytes;
    },
    task: () => ({
      connection,
      database: DATABASE,
      artifactPlace: { kind: 'directory', directory: artifactsDirectory },
      userPartitions: 1,
      threads: SETTINGS.trainingThreads.default,
      memoryBytesMax: SETTINGS.trainingMemoryBytes.default,
      eventsMax: SETTINGS.trainingEventsMax.default,
      peopleMax: SETTINGS.peopleMax.default,
      logLevel: 'warn',
    }),
  });
  const begun = performance.now();
  const order = {
    runId: 'bench',
    kinds: MODEL_KINDS,
    formerVersion: null,
    seed: SEED,
    configVersion: 1,
  };
  const result = await runner.run(order, {
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  return { seconds: (performance.now() - begun) / 1_000, residentBytes, result };
};

const fillWithMovieLens = async (warehouse: ClickHouseWarehouse): Promise<void> => {
  const { ratings } = await readMovieLens1M();
  for (let from = 0; from < ratings.length; from += BLOCK) {
    const rows = ratings.slice(from, from + BLOCK).map(({ user, item, value, time }, place) => {
      const at = (time * 1_000) as EpochMs;
      const record = {
        source: 'bench',
        eventId: eventId(`r${from + place}`),
        userId: userId(`user${user}`),
        sessionId: null,
        itemId: itemId(`film${item}`),
        kind: 'rating',
        value,
        occurredAt: at,
        receivedAt: at,
        backfill: 'bench',
        sequence: from + place,
        context: null,
      };
      const offset = (from + place) as Offset;
      return interactionRow(record, { topic: TOPIC, partition: PARTITION, offset });
    });
    await warehouse.insert('interactions', rows, {
      topic: TOPIC,
      partition: PARTITION,
      firstOffset: from as Offset,
      lastOffset: (from + rows.length - 1) as Offset,
    });
  }
};

const TASTES = 50;
const CHUNK = 1_000_000;

/** Made by the engine itself: likes spread over a year, seven in ten on items of the person's taste. */
const fillWithTastes = async (
  warehouse: ClickHouseWarehouse,
  { events, people, items }: Shape,
): Promise<void> => {
  for (let from = 0; from < events; from += CHUNK) {
    await warehouse.command(
      {
        name: 'make events',
        sql: `INSERT INTO interactions
          (topic, partition, offset, subject, userId, itemId, kind, occurredAt, receivedAt, source, eventId)
          SELECT {topic:String}, 0, number, concat('u:user', toString(person)),
            concat('user', toString(person)), concat('item', toString(item)), 'like', at, at, 'bench',
            concat('e', toString(number))
          FROM (
            SELECT number,
              cityHash64(number, 1) % {people:UInt64} AS person,
              pow(cityHash64(number, 2) / 18446744073709551615, 2) AS skewed,
              if(cityHash64(number, 3) % 10 < 7,
                (person % {tastes:UInt64}) * intDiv({items:UInt64}, {tastes:UInt64})
                  + toUInt64(floor(skewed * intDiv({items:UInt64}, {tastes:UInt64}))),
                toUInt64(floor(skewed * {items:UInt64}))) AS item,
              fromUnixTimestamp64Milli(toInt64(1735689600000 + cityHash64(number, 4) % 31536000000)) AS at
            FROM numbers({from:UInt64}, {count:UInt64})
          )`,
      },
      {
        topic: TOPIC,
        people,
        items,
        tastes: TASTES,
        from,
        count: Math.min(CHUNK, events - from),
      },
    );
  }
  await warehouse.insert('interactions', [], {
    topic: TOPIC,
    partition: PARTITION,
    firstOffset: 0 as Offset,
    lastOffset: (events - 1) as Offset,
  });
};

const MILLION = 1_000_000;

const chartOf = (curve: readonly { shape: Shape; measured: Measured }[]): string =>
  lineChartSvg({
    title: 'A training, by the size of the history',
    xLabel: 'million events',
    yLabel: 'seconds; MiB ÷ 10',
    series: [
      {
        name: 'seconds',
        points: curve.map(({ shape, measured }) => [shape.events / MILLION, measured.seconds]),
      },
      {
        name: 'memory, MiB ÷ 10',
        points: curve.map(({ shape, measured }) => [
          shape.events / MILLION,
          measured.residentBytes / 1024 ** 2 / 10,
        ]),
      },
    ],
  });
