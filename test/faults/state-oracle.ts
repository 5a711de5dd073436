/**
 * The state that a stopped server left behind, held against what the naive twin makes of its log:
 * every person's history and every item's counters, to the last bit.
 */
import { streamOptionsOf } from '../../runtime/option-mapping.ts';
import type { Settings } from '../../runtime/settings.ts';
import { itemHashHex } from '../../schemas/hash.ts';
import { type EpochMs, partitionIndex, statePartition } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { decodeItemState } from '../../schemas/state/item-codec.ts';
import type { ItemState } from '../../schemas/state/item-state.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import type { SubjectState } from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { runNaiveTwin, type Twin, type TwinItem, type TwinSubject } from '../stream/naive-twin.ts';
import type { Remains } from './oracle.ts';

const SCAN_PAGE = 1_000;
const PROBLEMS_MAX = 5;

export const compareStateWithLog = async (
  remains: Remains,
  settings: Settings,
): Promise<readonly string[]> => {
  const subjects = await scanAll(remains, TOPICS.interactions.name, 'subject:', decodeSubjectState);
  const items = await scanAll(remains, TOPICS.itemSignals.name, 'item:', decodeItemState);
  const countOf = async (topic: string): Promise<number> =>
    (await remains.log.topic(topic)).partitionCount;
  const userPartitions = await countOf(TOPICS.interactions.name);
  const itemPartitions = await countOf(TOPICS.itemSignals.name);
  const landmark = [...items.values()][0]?.landmark ?? (0 as EpochMs);
  const twin = runNaiveTwin({
    arrivals: remains.interactions.map(({ record }) => record),
    partitionOf: (subject) => partitionOf(subject, userPartitions),
    kinds: kindTable(DEFAULT_KINDS),
    options: streamOptionsOf(settings, { userPartitions, itemPartitions }),
    landmark,
  });
  return compareWithTwin({ subjects, items }, twin);
};

export interface PlainState {
  readonly subjects: ReadonlyMap<string, SubjectState>;
  readonly items: ReadonlyMap<string, ItemState>;
}

/** Differences between a state and the twin's, each in a sentence; empty where all is well. */
export const compareWithTwin = ({ subjects, items }: PlainState, twin: Twin): readonly string[] => {
  const problems = [
    ...differences('person', subjects, twin.subjects, plainSubject, plainTwinSubject),
    ...differences('item', items, twin.items, plainItem, plainTwinItem),
  ];
  return problems.length > PROBLEMS_MAX
    ? [...problems.slice(0, PROBLEMS_MAX), `and ${problems.length - PROBLEMS_MAX} more`]
    : problems;
};

export const scanAll = async <Value>(
  remains: Remains,
  topic: string,
  prefix: string,
  decode: (bytes: Uint8Array) => Value,
): Promise<ReadonlyMap<string, Value>> => {
  const { partitionCount } = await remains.log.topic(topic);
  const found = new Map<string, Value>();
  for (let index = 0; index < partitionCount; index += 1) {
    const partition = statePartition(topic, partitionIndex(index));
    let after: string | undefined;
    for (;;) {
      const page = await remains.state.scan(partition, {
        prefix,
        limit: SCAN_PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (const { key, value } of page) found.set(key.slice(prefix.length), decode(value));
      after = page.at(-1)?.key;
      if (after === undefined || page.length < SCAN_PAGE) break;
    }
  }
  return found;
};

const differences = <Got, Wanted>(
  what: string,
  got: ReadonlyMap<string, Got>,
  wanted: ReadonlyMap<string, Wanted>,
  plainGot: (value: Got) => unknown,
  plainWanted: (value: Wanted) => unknown,
): readonly string[] => {
  const problems: string[] = [];
  for (const id of new Set([...got.keys(), ...wanted.keys()])) {
    const left = got.get(id);
    const right = wanted.get(id);
    const texts = [
      left === undefined ? 'nothing' : textOf(plainGot(left)),
      right === undefined ? 'nothing' : textOf(plainWanted(right)),
    ];
    if (texts[0] !== texts[1] && !(right === undefined && isEmpty(left))) {
      problems.push(`${what} ${id}: ${firstDifference(texts[0]!, texts[1]!)}`);
    }
  }
  return problems;
};

/** Two texts from shortly before where they part. */
const firstDifference = (left: string, right: string): string => {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  const cut = (text: string): string => text.slice(Math.max(0, at - 60), at + 60);
  return `state has ${cut(left)}, the log makes ${cut(right)}`;
};

/** An item whose events were all negative is known to the state, with nothing counted. */
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'interactionCount' in value &&
  value.interactionCount === 0;

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? inner.toString() : inner,
  );

const plainSubject = (state: SubjectState): unknown => ({
  history: state.history.map(({ eventId, itemId, kind, value, occurredAt }) => ({
    eventId,
    itemId,
    kind,
    value,
    at: occurredAt,
  })),
  eventCount: state.eventCount,
});

const plainTwinSubject = ({ history, eventCount }: TwinSubject): unknown => ({
  history,
  eventCount,
});

const plainItem = (state: ItemState): unknown => ({
  interactionCount: state.interactionCount,
  popularity: state.popularity,
  trendFast: state.trendFast,
  trendSlow: state.trendSlow,
  ratingCount: state.ratingCount,
  ratingSumTenths: state.ratingSumTenths,
  histogram: [...state.ratingHistogram],
  neighbours: state.neighbours.map(({ itemHash, forward, backward }) => ({
    itemHash,
    forward,
    backward,
  })),
});

const plainTwinItem = (item: TwinItem): unknown => ({
  interactionCount: item.interactionCount,
  popularity: item.popularity,
  trendFast: item.trendFast,
  trendSlow: item.trendSlow,
  ratingCount: item.ratingCount,
  ratingSumTenths: item.ratingSumTenths,
  histogram: item.histogram,
  neighbours: [...item.neighbours]
    .map(([name, { forward, backward }]) => ({ itemHash: itemHashHex(name), forward, backward }))
    .sort((left, right) => (left.itemHash < right.itemHash ? -1 : 1)),
});
