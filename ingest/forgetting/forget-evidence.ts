/**
 * What can be known of a person's share in the counts before it is taken back: how many of their events
 * the history still holds, and which caps they met. Beyond a cap nothing can be taken back exactly.
 */
import { itemHashHex } from '../../schemas/hash.ts';
import {
  type ItemId,
  type PartitionIndex,
  type SubjectId,
  statePartition,
} from '../../schemas/ids.ts';
import { decodeItemState } from '../../schemas/state/item-codec.ts';
import { type ItemState, itemKey, PARTITION_KEY } from '../../schemas/state/item-state.ts';
import { decodeItemPartition } from '../../schemas/state/partition-state.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import { type SubjectState, subjectKey } from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';

export interface ForgetEvidence {
  readonly events: number;
  readonly takenBack: number;
  readonly residue: readonly string[];
}

export interface EvidenceOptions {
  readonly stateStore: Pick<StateStore, 'getMany'>;
  readonly userPartitions: number;
  readonly itemPartitions: number;
}

/** From so many people on a pair's people are no longer told apart. */
const PEOPLE_ENOUGH = 3;
const NOTHING: ForgetEvidence = { events: 0, takenBack: 0, residue: [] };

export const evidenceOf = async (
  subject: SubjectId,
  options: EvidenceOptions,
): Promise<ForgetEvidence> => {
  const state = await subjectState(subject, options);
  if (state === undefined) return NOTHING;
  const { eventCount: events, history, evictedCount } = state;
  const residue: string[] = [];
  if (evictedCount > 0) {
    residue.push(
      `Events that had left the history before: ${evictedCount}; what they counted stays and decays.`,
    );
  }
  const pairs = await pairsAtThreshold(history, options);
  if (pairs > 0) {
    residue.push(
      `Pairs of items that three people had seen: ${pairs}; their weight was taken back, the number of people stays three.`,
    );
  }
  return { events, takenBack: history.length, residue };
};

/** How often a taking-back met a neighbour that had been pruned, over all items. */
export const missedTakingsBack = async ({
  stateStore,
  itemPartitions,
}: EvidenceOptions): Promise<number> => {
  let missed = 0;
  for (let index = 0; index < itemPartitions; index++) {
    const name = statePartition(TOPICS.itemSignals.name, index as PartitionIndex);
    const [stored] = await stateStore.getMany(name, [PARTITION_KEY]);
    if (stored !== undefined) missed += decodeItemPartition(stored).counters.missed;
  }
  return missed;
};

const subjectState = async (
  subject: SubjectId,
  { stateStore, userPartitions }: EvidenceOptions,
): Promise<SubjectState | undefined> => {
  const partition = partitionOf(subject, userPartitions);
  const name = statePartition(TOPICS.interactions.name, partition);
  const [stored] = await stateStore.getMany(name, [subjectKey(subject)]);
  return stored && decodeSubjectState(stored);
};

/** Pairs among the items that count for the person whose people are counted no further. */
const pairsAtThreshold = async (
  history: SubjectState['history'],
  options: EvidenceOptions,
): Promise<number> => {
  const items = [
    ...new Set(history.filter(({ isCounted }) => isCounted).map(({ itemId }) => itemId)),
  ];
  const states = await itemStates(items, options);
  let pairs = 0;
  states.forEach((state, index) => {
    const later = new Set(items.slice(index + 1).map(itemHashHex));
    for (const { itemHash, people } of state?.neighbours ?? []) {
      if (people >= PEOPLE_ENOUGH && later.has(itemHash)) pairs++;
    }
  });
  return pairs;
};

const itemStates = (
  items: readonly ItemId[],
  { stateStore, itemPartitions }: EvidenceOptions,
): Promise<readonly (ItemState | undefined)[]> =>
  Promise.all(
    items.map(async (item) => {
      const name = statePartition(TOPICS.itemSignals.name, partitionOf(item, itemPartitions));
      const [stored] = await stateStore.getMany(name, [itemKey(item)]);
      return stored && decodeItemState(stored);
    }),
  );
