/**
 * A warehouse with a planted history, for tests of training: people of a few tastes, each choosing
 * mostly from the items of their own, one after another in a ring, so that factors, company and order
 * all have something to find.
 */
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { type SeededRandom, seededRandom } from '../../algorithms/random/seeded-random.ts';
import { systemClock } from '../../runtime/clock.ts';
import {
  type EpochMs,
  eventId,
  itemId,
  type Offset,
  type PartitionIndex,
  userId,
} from '../../schemas/ids.ts';
import { DEFAULT_KINDS } from '../../schemas/kinds.ts';
import type { CatalogueItemRecord, InteractionRecord } from '../../schemas/records.ts';
import { interactionRow, itemRow } from '../../schemas/tables.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { MemoryArtifactStore } from '../../storage/artifact-store/memory-artifact-store.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { Warehouse } from '../../storage/warehouse/warehouse.ts';
import { DEFAULT_TRAINING_OPTIONS, type TrainingOptions } from '../../training/options.ts';
import type { TrainingDependencies, TrainingOrder } from '../../training/training-run.ts';

export const PLANTED_PARTITIONS = 2;
export const PLANTED_NOW = Date.UTC(2026, 0, 31, 12) as EpochMs;
const HOUR_MS = 3_600_000;
const TASTES = 4;
const ITEMS_PER_TASTE = 12;

export interface PlantedEvent {
  readonly user: string;
  readonly item: string;
  readonly kind?: string;
  readonly value?: number;
  readonly at: number;
  readonly id?: string;
  readonly undoes?: string;
}

export const plantedItem = (taste: number, place: number): string => `taste${taste}-item${place}`;

/** People walk the ring of their taste, now and then taking something from another. */
export const plantedHistory = (people: number, random: SeededRandom): PlantedEvent[] => {
  const events: PlantedEvent[] = [];
  for (let person = 0; person < people; person++) {
    const taste = person % TASTES;
    let place = random.below(ITEMS_PER_TASTE);
    const length = 6 + random.below(5);
    for (let step = 0; step < length; step++) {
      const isAstray = random.next() < 0.1;
      const item = isAstray
        ? plantedItem(random.below(TASTES), random.below(ITEMS_PER_TASTE))
        : plantedItem(taste, place);
      if (!isAstray) place = (place + 1) % ITEMS_PER_TASTE;
      const at = PLANTED_NOW - (length - step) * 20 * HOUR_MS + random.below(HOUR_MS);
      events.push({ user: `person${person}`, item, kind: 'like', at });
    }
  }
  return events;
};

/** Writes events as the stream's sink would: by partition, in offset order, covered to the end. */
export const fillWarehouse = async (
  warehouse: Warehouse,
  events: readonly PlantedEvent[],
): Promise<void> => {
  const offsets = new Array<number>(PLANTED_PARTITIONS).fill(0);
  const rows: ReturnType<typeof interactionRow>[][] = offsets.map(() => []);
  events.forEach((event, index) => {
    const partition = partitionOf(`u:${event.user}`, PLANTED_PARTITIONS);
    const offset = offsets[partition]!++ as Offset;
    rows[partition]!.push(
      interactionRow(recordOf(event, index), {
        topic: TOPICS.interactions.name,
        partition: partition as PartitionIndex,
        offset,
      }),
    );
  });
  for (const [partition, own] of rows.entries()) {
    if (own.length === 0) continue;
    await warehouse.insert('interactions', own, {
      topic: TOPICS.interactions.name,
      partition: partition as PartitionIndex,
      firstOffset: 0 as Offset,
      lastOffset: (own.length - 1) as Offset,
    });
  }
};

/** Writes items as the sink would; of an item that stands there twice the later one counts. */
export const fillCatalogue = async (
  warehouse: Warehouse,
  items: readonly { readonly id: string; readonly record: CatalogueItemRecord | null }[],
): Promise<void> => {
  const place = { topic: TOPICS.catalogue.name, partition: 0 as PartitionIndex };
  const rows = items.map(({ id, record }, index) =>
    itemRow(itemId(id), record, { ...place, offset: index as Offset }),
  );
  const lastOffset = (rows.length - 1) as Offset;
  await warehouse.insert('items', rows, { ...place, firstOffset: 0 as Offset, lastOffset });
};

const recordOf = (event: PlantedEvent, index: number): InteractionRecord => ({
  source: 'planted',
  eventId: eventId(event.id ?? `e${index}`),
  userId: userId(event.user),
  sessionId: null,
  itemId: itemId(event.item),
  kind: event.kind ?? 'like',
  value: event.value ?? null,
  occurredAt: event.at as EpochMs,
  receivedAt: event.at as EpochMs,
  backfill: null,
  sequence: null,
  context:
    event.undoes === undefined
      ? null
      : { listId: null, rank: null, placement: null, undoes: eventId(event.undoes) },
});

/** Small models and small limits; the same steps. */
export const SMALL_TRAINING: TrainingOptions = {
  ...DEFAULT_TRAINING_OPTIONS,
  holdOut: { ...DEFAULT_TRAINING_OPTIONS.holdOut, share: 0.2, peopleMin: 20 },
  als: { ...DEFAULT_TRAINING_OPTIONS.als, dimensions: 8, epochs: 6 },
  item2vec: { ...DEFAULT_TRAINING_OPTIONS.item2vec, dimensions: 8 },
  graph: { ...DEFAULT_TRAINING_OPTIONS.graph, dimensions: 8, epochs: 3 },
};

export const trainingDependencies = (
  warehouse: Warehouse,
  more: Partial<TrainingDependencies> = {},
): TrainingDependencies => ({
  warehouse,
  artifactStore: new MemoryArtifactStore(),
  userPartitions: PLANTED_PARTITIONS,
  kinds: DEFAULT_KINDS,
  engine: inlineEngine(),
  clock: systemClock,
  options: SMALL_TRAINING,
  crashPoint: () => {},
  ...more,
});

export const trainingOrder = (more: Partial<TrainingOrder> = {}): TrainingOrder => ({
  runId: 'test',
  kinds: ['als', 'item2vec', 'graph', 'next-item', 'ease', 'blend'],
  formerVersion: null,
  seed: 1,
  configVersion: 1,
  ...more,
});

export const plantedRandom = (seed: number): SeededRandom => seededRandom(seed);
