/**
 * P11, the soak: events made to overflow whatever has no cap, lap after lap through one partition on
 * either side. What lives in memory must not grow from lap to lap, no stored value may pass the bound
 * that its caps make, and each cap that is reached must show in a counter.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeRecord } from '../schemas/avro/record-codec.ts';
import { catalogueItem } from '../schemas/catalogue-item.fixture.ts';
import { itemId, partitionIndex } from '../schemas/ids.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../storage/event-log/event-log.ts';
import { DEFAULT_STREAM_OPTIONS } from '../stream/options.ts';
import { createStream, type Stream } from '../stream/stream.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';
import { hostileEvents } from './stream/hostile-events.ts';
import { prepareReplay, scanValues } from './stream/replay-run.ts';

const SEED = 16;
const LAPS = 4;
const LAP_EVENTS = 100_000;
/** A fifth of the default, so that a run of some seconds reaches it. */
const IDS_MAX = 200_000;
const CATEGORIES = 10_000;
const APPEND_RECORDS = 2_000;
const MIB = 1_024 ** 2;
/** Growth of memory from the second lap, when caches are full, to the last. */
const GROWTH_MAX = 1.15;
const FIRST = partitionIndex(0);

const { history, item } = DEFAULT_STREAM_OPTIONS;
const OPTIONS = {
  ...DEFAULT_STREAM_OPTIONS,
  dedupe: { ...DEFAULT_STREAM_OPTIONS.dedupe, idsMax: IDS_MAX },
};
/** As the caps are documented, with ids of a hundred bytes. */
const PERSON_BYTES_MAX =
  256 +
  history.historyMax * 140 +
  history.evictedSeenMax * 6 +
  history.evictedCountsMax * 6 +
  history.pendingUndosMax * 106 +
  history.sessionsMax * 16;
const ITEM_BYTES_MAX = 512 + item.neighboursMax * 36;

export const soak: Benchmark = {
  id: 'P11-soak',
  title: 'Caps under events made to overflow them',
  async run(): Promise<BenchResult> {
    const plan = { seed: SEED, events: 0, people: 1, items: 1 };
    const { deps, close } = await prepareReplay({ ...plan, userPartitions: 1, itemPartitions: 1 });
    const stream = createStream({ ...deps, options: OPTIONS });
    try {
      await logCategories(deps.eventLog);
      await stream.start();
      const laps: number[] = [];
      for (let lap = 0; lap < LAPS; lap++) {
        await logLap(deps.eventLog, lap);
        await stream.caughtUp();
        laps.push(memoryBytes());
      }
      return resultOf(laps, [...(await storedFigures(deps)), ...(await capFigures(stream))]);
    } finally {
      await stream.stop();
      await close();
    }
  },
};

const resultOf = (laps: readonly number[], figures: readonly Figure[]): BenchResult => ({
  id: soak.id,
  title: soak.title,
  seed: SEED,
  figures: [
    ...laps.map(
      (bytes, lap): Figure => ({
        name: `memory of the process after ${((lap + 1) * LAP_EVENTS).toLocaleString('en')} events`,
        value: bytes / MIB,
        unit: 'MiB',
      }),
    ),
    {
      name: 'memory, last lap ÷ second lap',
      value: laps.at(-1)! / laps[1]!,
      unit: '×',
      isRatio: true,
      reach: { atMost: GROWTH_MAX },
    },
    ...figures,
  ],
  notes: [
    `${LAPS} laps of ${LAP_EVENTS.toLocaleString('en')} events through one partition on either side, default caps but for ${IDS_MAX.toLocaleString('en')} ids;`,
    'memory is what is left after a collection: JavaScript heap and buffers, without mapped files.',
  ],
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const memoryBytes = (): number => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const logLap = async (eventLog: EventLog, lap: number): Promise<void> => {
  let batch: AppendRecord[] = [];
  const events = { seed: SEED, first: lap * LAP_EVENTS, events: LAP_EVENTS };
  for (const record of hostileEvents(events)) {
    batch.push(recordOf(record));
    if (batch.length < APPEND_RECORDS) continue;
    await eventLog.append(TOPICS.interactions.name, FIRST, batch);
    batch = [];
  }
  if (batch.length > 0) await eventLog.append(TOPICS.interactions.name, FIRST, batch);
};

const encoder = new TextEncoder();

const recordOf = (record: InteractionRecord): AppendRecord => ({
  key: encoder.encode(record.userId === null ? `s:${record.sessionId}` : `u:${record.userId}`),
  value: encodeRecord('Interaction', record),
  timestamp: record.receivedAt,
});

/** An item a category, more categories than are kept. */
const logCategories = async (eventLog: EventLog): Promise<void> => {
  const [first] = hostileEvents({ seed: SEED, first: 0, events: 1 });
  const at = first!.receivedAt;
  const records = Array.from({ length: CATEGORIES }, (_, number): AppendRecord => {
    const id = itemId(`item-${number}`);
    const value = encodeRecord(
      'CatalogueItem',
      catalogueItem(id, {
        title: `Item ${number}`,
        categories: [`category-${number}`],
        updatedAt: at,
      }),
    );
    return { key: encoder.encode(id), value, timestamp: at };
  });
  for (let from = 0; from < records.length; from += APPEND_RECORDS) {
    const batch = records.slice(from, from + APPEND_RECORDS);
    await eventLog.append(TOPICS.catalogue.name, FIRST, batch);
  }
};

type Dependencies = Parameters<typeof createStream>[0];

const storedFigures = async ({ stateStore }: Dependencies): Promise<readonly Figure[]> => {
  const largest = async (topic: string, prefix: string): Promise<number> => {
    let most = 0;
    await scanValues(stateStore, topic, [FIRST], prefix, (value) => {
      most = Math.max(most, value.length);
    });
    return most;
  };
  return [
    {
      name: 'the largest person',
      value: await largest(TOPICS.interactions.name, 'subject:'),
      unit: 'B',
      reach: { atMost: PERSON_BYTES_MAX },
    },
    {
      name: 'the largest item',
      value: await largest(TOPICS.itemSignals.name, 'item:'),
      unit: 'B',
      reach: { atMost: ITEM_BYTES_MAX },
    },
  ];
};

const capFigures = async (stream: Stream): Promise<readonly Figure[]> => {
  const { partitions, interactions } = await stream.status();
  const sum = (of: 'sizes' | 'counters', name: string): number =>
    partitions.reduce((total, partition) => total + (partition[of][name] ?? 0), 0);
  const { received, accepted, duplicate, refused, deadLettered } = interactions;
  return [
    {
      name: 'event ids remembered',
      value: sum('sizes', 'dedupeIds'),
      unit: '',
      reach: { atMost: IDS_MAX },
    },
    {
      name: 'categories with counters',
      value: sum('sizes', 'categories'),
      unit: '',
      reach: { atMost: item.categoriesMax },
    },
    ...(['dedupeShrunk', 'categoriesRefused', 'pruned', 'undoPending'] as const).map(
      (name): Figure => ({
        name: `visible: ${name}`,
        value: sum('counters', name),
        unit: '',
        reach: { atLeast: 1 },
      }),
    ),
    {
      name: 'events unaccounted for',
      value: received - accepted - duplicate - refused - deadLettered,
      unit: '',
      reach: { atMost: 0 },
    },
  ];
};
