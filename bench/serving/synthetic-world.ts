/**
 * A catalogue, its items' state and people's histories out of a seed, written into an embedded log
 * and state as ingest and the stream would have: what serving is measured on.
 */
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { catalogueItem } from '../../schemas/catalogue-item.fixture.ts';
import {
  epochMs,
  eventId,
  itemId,
  type LogId,
  NO_OFFSET,
  offset,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { itemKey, PARTITION_KEY } from '../../schemas/state/item-state.ts';
import { emptyItemPartition, encodePartitionState } from '../../schemas/state/partition-state.ts';
import { encodeSubjectState } from '../../schemas/state/subject-codec.ts';
import { subjectKey } from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { StateChange, StateStore } from '../../storage/state-store/state-store.ts';
import { type Draws, syntheticItemState } from '../stream/synthetic-item-state.ts';

export interface SyntheticWorldOptions {
  readonly items: number;
  readonly people: number;
  readonly historyEvents: number;
  readonly neighbours: number;
  readonly userPartitions: number;
  readonly itemPartitions: number;
  readonly seed: number;
  readonly now: number;
}

const DAY_MS = 86_400_000;
const APPLY_KEYS = 150;

export const writeSyntheticWorld = async (
  eventLog: EventLog,
  stateStore: StateStore,
  options: SyntheticWorldOptions,
): Promise<void> => {
  const random = seededRandom(options.seed);
  const below = (count: number): number => Math.floor(random.next() * count);
  /** Few items are picked often: Zipf, near enough. */
  const popular = (): number => Math.floor(options.items * random.next() ** 3);
  await writeCatalogue(eventLog, options, below);
  await writeItems(stateStore, options, { below, popular });
  await writePeople(stateStore, options, { below, popular });
};

const writeCatalogue = async (
  eventLog: EventLog,
  { items, itemPartitions, now }: SyntheticWorldOptions,
  below: (count: number) => number,
): Promise<void> => {
  const batches = Array.from({ length: itemPartitions }, () => [] as Uint8Array[][]);
  for (let index = 0; index < items; index++) {
    const id = itemId(`item-${index}`);
    const value = encodeRecord(
      'CatalogueItem',
      catalogueItem(id, {
        title: `The ${WORDS[below(WORDS.length)]} ${WORDS[below(WORDS.length)]} ${index}`,
        categories: [...new Set([below(20), below(20), below(20)])].map((n) => `Category ${n}`),
        tags: [`tag-${below(300)}`, `tag-${below(300)}`],
        people: [`Person ${below(2_000)}`],
        attributes: { year: 1950 + below(75) },
        publishedAt: epochMs(now - below(20_000) * DAY_MS),
        updatedAt: epochMs(now - 1_000),
      }),
    );
    batches[partitionOf(id, itemPartitions)]!.push([new TextEncoder().encode(id), value]);
  }
  for (let index = 0; index < itemPartitions; index++) {
    const records = batches[index]!.map(([key, value]) => ({
      key: key!,
      value: value!,
      timestamp: epochMs(now),
    }));
    for (let at = 0; at < records.length; at += 500) {
      const batch = records.slice(at, at + 500);
      await eventLog.append(TOPICS.catalogue.name, partitionIndex(index), batch);
    }
  }
};

const WORDS =
  'River Night Stone Glass Winter Silver Harbour Garden Mirror Thunder Paper Ocean Copper Lantern'.split(
    ' ',
  );

const writeItems = async (
  stateStore: StateStore,
  options: SyntheticWorldOptions,
  draws: Draws,
): Promise<void> => {
  const { items, itemPartitions, neighbours, now } = options;
  const changes = Array.from({ length: itemPartitions }, () => [] as StateChange[]);
  for (let index = 0; index < items; index++) {
    const id = itemId(`item-${index}`);
    const times = { lastEventAt: epochMs(now), landmark: epochMs(now) };
    const item = { prefix: 'item-', number: index, neighbours, ...times };
    const value = syntheticItemState(item, draws);
    changes[partitionOf(id, itemPartitions)]!.push({ key: itemKey(id), value });
  }
  const facts = encodePartitionState({ ...emptyItemPartition(), clock: epochMs(now) });
  for (let index = 0; index < itemPartitions; index++) {
    const own = [{ key: PARTITION_KEY, value: facts }, ...changes[index]!];
    await applyAll(stateStore, TOPICS.itemSignals.name, index, own);
  }
};

const KINDS = ['click', 'view', 'watch', 'like', 'rating'] as const;

const writePeople = async (
  stateStore: StateStore,
  options: SyntheticWorldOptions,
  { below, popular }: Draws,
): Promise<void> => {
  const { people, userPartitions, historyEvents, now } = options;
  const changes = Array.from({ length: userPartitions }, () => [] as StateChange[]);
  for (let person = 0; person < people; person++) {
    const history = Array.from({ length: historyEvents }, (_, index) => {
      const kind = KINDS[below(KINDS.length)]!;
      return {
        eventId: eventId(
          `${String(person).padStart(8, '0')}-0000-4000-8000-${String(index).padStart(12, '0')}`,
        ),
        itemId: itemId(`item-${popular()}`),
        kind,
        value: kind === 'rating' ? 1 + below(9) / 2 : null,
        occurredAt: epochMs(now - (historyEvents - index) * 3_600_000),
        isCounted: true,
        busy: 1,
      };
    });
    const ratings = history.flatMap(({ value }) => (value === null ? [] : [value]));
    const value = encodeSubjectState({
      lastOffset: offset(person),
      lastEventAt: history.at(-1)!.occurredAt,
      eventCount: historyEvents,
      history,
      evictedCount: 0,
      ownValueSumThousandths: ratings.reduce((sum, rating) => sum + rating * 1000, 0),
      ownValueCount: ratings.length,
      evictedSeen: Array.from({ length: 100 }, () => ({
        itemHash: below(2 ** 32),
        untilDay: 65_535,
      })),
      evictedCounts: [],
      pendingUndos: [],
      sessions: [],
    });
    const subject = `u:p${person}`;
    changes[partitionOf(subject, userPartitions)]!.push({ key: subjectKey(subject), value });
  }
  for (let index = 0; index < userPartitions; index++) {
    await applyAll(stateStore, TOPICS.interactions.name, index, changes[index]!);
  }
};

const applyAll = async (
  stateStore: StateStore,
  topic: string,
  index: number,
  changes: readonly StateChange[],
): Promise<void> => {
  const partition = statePartition(topic, partitionIndex(index));
  const { epoch } = await stateStore.claim(partition);
  let covered = NO_OFFSET;
  for (let at = 0; at < changes.length; at += APPLY_KEYS) {
    const next = offset(covered + 1);
    const result = await stateStore.apply(partition, {
      epoch,
      expectedOffset: covered,
      coveredOffset: next,
      logId: 'synthetic' as LogId,
      recordHash: 1,
      changes: changes.slice(at, at + APPLY_KEYS),
    });
    if (result.outcome !== 'applied') throw new Error(`Expected an apply, got ${result.outcome}.`);
    covered = next;
  }
};
