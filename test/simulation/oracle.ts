/**
 * What must hold when everything has come to rest: the log has what was acknowledged and nothing that
 * nobody sent; each event counts once in state and warehouse; the counters account for every record;
 * what was set aside lies in the dead letters; followers have what is stored; and the state is what
 * the naive twin makes of the log, and what a rebuild makes of it, to the last bit.
 */
import { decodeRecord, decodeRecordAs } from '../../schemas/avro/record-codec.ts';
import type { PartitionIndex, StatePartition } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { decodeItemState } from '../../schemas/state/item-codec.ts';
import type { ItemState } from '../../schemas/state/item-state.ts';
import { PARTITION_KEY } from '../../schemas/state/item-state.ts';
import { decodeUserPartition, type StageCounters } from '../../schemas/state/partition-state.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import type { SubjectState } from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { LogRecord } from '../../storage/event-log/event-log.ts';
import { MemoryEventLog } from '../../storage/event-log/memory-event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { MemoryStateStore } from '../../storage/state-store/memory-state-store.ts';
import { rebuildState } from '../../stream/rebuild.ts';
import { compareWithTwin, type PlainState } from '../faults/state-oracle.ts';
import { runNaiveTwin } from '../stream/naive-twin.ts';
import { collectingBus, stillClock, topicsOf } from '../stream/stream-fixture.ts';
import { type Book, identityOf } from './book.ts';
import type { importOf } from './load.ts';
import { LANDMARK, type World } from './world.ts';

interface Arrival {
  readonly partition: number;
  readonly log: LogRecord;
  readonly record: InteractionRecord;
}

type Verdict = 'new' | 'duplicate' | 'conflict';

interface LoggedInteractions {
  readonly arrivals: readonly Arrival[];
  readonly verdicts: ReadonlyMap<Arrival, Verdict>;
  /** How many records of the topic are no interaction that can be used. */
  readonly unusable: number;
}

const KINDS = kindTable(DEFAULT_KINDS);
const INTERACTIONS = TOPICS.interactions.name;

export interface OracleInput {
  readonly world: World;
  readonly book: Book;
  readonly imported: ReturnType<typeof importOf>;
}

/** Sentences about what is wrong; empty where all is well. */
export const judge = async (input: OracleInput): Promise<readonly string[]> => {
  const { world } = input;
  const logged = readInteractions(world);
  return [
    ...checkLog(input, logged),
    ...checkCounters(world, logged),
    ...checkWarehouse(world, logged),
    ...checkDeadLetters(world, logged),
    ...checkFollowers(world),
    ...(world.wasFarAhead ? [] : checkTwin(world, logged)),
    ...(await checkRebuild(world)),
  ];
};

const recordsOf = (world: World, topic: string): readonly (readonly LogRecord[])[] =>
  world.log.disk.topics.get(topic)!.partitions.map(({ durable }) => durable);

const readInteractions = (world: World): LoggedInteractions => {
  const arrivals: Arrival[] = [];
  let unusable = 0;
  recordsOf(world, INTERACTIONS).forEach((records, partition) => {
    for (const log of records) {
      const record = interactionIn(log);
      if (record === undefined) unusable += 1;
      else arrivals.push({ partition, log, record });
    }
  });
  return { arrivals, verdicts: verdictsOn(arrivals), unusable };
};

const interactionIn = ({ value }: LogRecord): InteractionRecord | undefined => {
  try {
    const named = decodeRecord(value!);
    return named.name === 'Interaction' ? named.record : undefined;
  } catch {
    return undefined;
  }
};

/** The first of an identity counts; later ones are duplicates, or conflicts where they name another item. */
const verdictsOn = (arrivals: readonly Arrival[]): ReadonlyMap<Arrival, Verdict> => {
  const firsts = new Map<string, InteractionRecord>();
  const verdicts = new Map<Arrival, Verdict>();
  for (const arrival of arrivals) {
    const identity = identityOf(arrival.record as never);
    const first = firsts.get(identity);
    if (first === undefined) {
      firsts.set(identity, arrival.record);
      verdicts.set(arrival, 'new');
    } else {
      verdicts.set(arrival, first.itemId === arrival.record.itemId ? 'duplicate' : 'conflict');
    }
  }
  return verdicts;
};

const checkLog = ({ book, imported }: OracleInput, { arrivals }: LoggedInteractions): string[] => {
  const problems: string[] = [];
  const logged = new Set<unknown>();
  const numbers = new Set<number>();
  for (const { record } of arrivals) {
    if (record.backfill !== null) {
      numbers.add(record.sequence!);
      continue;
    }
    const form = book.formOfRecord(record);
    if (form === undefined)
      problems.push(`${identityOf(record as never)} is in the log as nobody sent it`);
    else if (form.isCertainlyRefused) {
      problems.push(`${identityOf(record as never)} was refused, but is in the log`);
    }
    logged.add(form);
  }
  for (const form of book.all()) {
    if (form.isAcknowledged && !logged.has(form)) {
      problems.push(`${identityOf(form.input)} was acknowledged and is lost`);
    }
  }
  for (const { sequence } of imported) {
    if (!numbers.has(sequence)) problems.push(`event ${sequence} of the import is lost`);
  }
  return problems;
};

const countersOf = (world: World): StageCounters => {
  const sum = { received: 0, accepted: 0, duplicate: 0, refused: 0, deadLettered: 0 };
  for (const [, values] of statesOf(world, INTERACTIONS)) {
    const value = values.get(PARTITION_KEY);
    if (value === undefined) continue;
    const { counters } = decodeUserPartition(value);
    for (const name of Object.keys(sum) as (keyof StageCounters)[]) sum[name] += counters[name];
  }
  return sum;
};

const statesOf = (
  world: World,
  topic: string,
): readonly (readonly [StatePartition, ReadonlyMap<string, Uint8Array>])[] =>
  world.statePartitions
    .filter((partition) => partition.startsWith(`${topic}.`))
    .map((partition) => [partition, world.state.disk.current.get(partition)?.values ?? new Map()]);

const checkCounters = (world: World, logged: LoggedInteractions): string[] => {
  const { arrivals, verdicts, unusable } = logged;
  const counters = countersOf(world);
  const problems: string[] = [];
  if (counters.received !== arrivals.length + unusable) {
    problems.push(`received ${counters.received} of ${arrivals.length + unusable} records`);
  }
  if (world.wasFarAhead) return problems;
  const count = (verdict: Verdict): number =>
    [...verdicts.values()].filter((each) => each === verdict).length;
  const wanted = {
    accepted: count('new'),
    duplicate: count('duplicate'),
    refused: 0,
    deadLettered: count('conflict') + unusable,
  };
  for (const [name, number] of Object.entries(wanted)) {
    const got = counters[name as keyof StageCounters];
    if (got !== number) problems.push(`${name} is ${got}, the log makes ${number}`);
  }
  return problems;
};

const checkWarehouse = (world: World, { arrivals, verdicts }: LoggedInteractions): string[] => {
  const rows = world.warehouse.rows(INTERACTIONS);
  if (world.wasFarAhead) {
    const { accepted } = countersOf(world);
    return rows.length >= accepted ? [] : [`${rows.length} rows of ${accepted} accepted events`];
  }
  const name = (partition: unknown, offset: unknown): string => `${partition}@${offset}`;
  const wanted = new Set(
    arrivals
      .filter((arrival) => verdicts.get(arrival) === 'new')
      .map(({ partition, log }) => name(partition, log.offset)),
  );
  const got = new Set(rows.map((row) => name(row.partition, row.offset)));
  return [
    ...[...wanted].filter((place) => !got.has(place)).map((at) => `no row of event ${at}`),
    ...[...got].filter((place) => !wanted.has(place)).map((at) => `a row of rejected record ${at}`),
  ];
};

const checkDeadLetters = (world: World, { arrivals, verdicts }: LoggedInteractions): string[] => {
  const letters = new Set(
    recordsOf(world, TOPICS.deadLetters.name)
      .flat()
      .map(({ value }) => decodeRecordAs('DeadLetter', value!))
      .map(({ topic, partition, offset }) => `${topic}.${partition}@${offset}`),
  );
  const conflicts = arrivals.filter((arrival) => verdicts.get(arrival) === 'conflict');
  const wanted = world.wasFarAhead
    ? []
    : conflicts.map(({ partition, log }) => `${INTERACTIONS}.${partition}@${log.offset}`);
  recordsOf(world, INTERACTIONS).forEach((records, partition) => {
    for (const log of records) {
      if (interactionIn(log) === undefined)
        wanted.push(`${INTERACTIONS}.${partition}@${log.offset}`);
    }
  });
  return wanted.filter((place) => !letters.has(place)).map((at) => `no dead letter about ${at}`);
};

const isHinted = (key: string): boolean => !/^(dedupe|mark):/.test(key);

const checkFollowers = (world: World): string[] => {
  const problems: string[] = [];
  for (const edge of world.edges()) {
    for (const partition of world.statePartitions) {
      const stored = world.state.disk.current.get(partition)?.values ?? new Map();
      const copy = edge.copies.get(partition) ?? new Map<string, Uint8Array>();
      const keys = new Set([...stored.keys(), ...copy.keys()].filter(isHinted));
      for (const key of keys) {
        const isSame = Buffer.compare(copy.get(key) ?? NOTHING, stored.get(key) ?? NOTHING) === 0;
        if (!isSame) problems.push(`${edge.process.name} has an old ${key} of ${partition}`);
      }
    }
  }
  return problems;
};

const NOTHING = new Uint8Array(0);

const plainState = (world: World): PlainState => {
  const subjects = new Map<string, SubjectState>();
  const items = new Map<string, ItemState>();
  for (const [, values] of statesOf(world, INTERACTIONS)) {
    for (const [key, value] of values) {
      if (key.startsWith('subject:')) subjects.set(key.slice(8), decodeSubjectState(value));
    }
  }
  for (const [, values] of statesOf(world, TOPICS.itemSignals.name)) {
    for (const [key, value] of values) {
      if (key.startsWith('item:')) items.set(key.slice(5), decodeItemState(value));
    }
  }
  return { subjects, items };
};

const checkTwin = (world: World, { arrivals }: LoggedInteractions): readonly string[] => {
  const state = plainState(world);
  const { userPartitions } = world.profile;
  const twin = runNaiveTwin({
    arrivals: arrivals.map(({ record }) => record),
    partitionOf: (subject) => partitionOf(subject, userPartitions),
    kinds: KINDS,
    options: world.streamOptions,
    landmark: LANDMARK,
  });
  const problems: string[] = [];
  for (const [id, { sessions }] of twin.subjects) {
    const got = JSON.stringify(state.subjects.get(id)?.sessions);
    const wanted = JSON.stringify(sessions);
    if (got !== wanted) problems.push(`sessions of ${id}: ${got}, the log makes ${wanted}`);
  }
  return [...compareWithTwin(state, twin), ...problems];
};

/** State thrown away and made anew from the log is the same, and adds nothing to the signals. */
const checkRebuild = async (world: World): Promise<readonly string[]> => {
  const { userPartitions, itemPartitions } = world.profile;
  const topics = topicsOf(userPartitions, itemPartitions);
  const before = valuesIn(world);
  const endsBefore = world.log.disk.topics
    .get(TOPICS.itemSignals.name)!
    .partitions.map(({ end }) => end);
  await rebuildState({
    ...world.streamSurroundings(),
    eventLog: new MemoryEventLog({ topics, random: () => 0.5, disk: world.log.disk }),
    stateStore: new MemoryStateStore({ disk: world.state.disk }),
    liveBus: collectingBus(),
    clock: stillClock,
    logger: silentLogger,
    crashPoint: () => undefined,
  });
  const after = valuesIn(world);
  const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => Buffer.compare(before.get(key) ?? NOTHING, after.get(key) ?? NOTHING) !== 0,
  );
  const grown = endsBefore.some(
    (end, index) => world.watch.endOf(TOPICS.itemSignals.name, index as PartitionIndex) !== end,
  );
  return [
    ...(grown ? ['a rebuild added signals to the log'] : []),
    ...differing
      .slice(0, 5)
      .map(
        (key) =>
          `a rebuild changes ${key}: ${shownText(before.get(key))} becomes ${shownText(after.get(key))}`,
      ),
  ];
};

const shownText = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? 'nothing' : Buffer.from(bytes).toString('latin1').slice(0, 200);

const valuesIn = (world: World): ReadonlyMap<string, Uint8Array> => {
  const values = new Map<string, Uint8Array>();
  for (const [partition, { values: stored }] of world.state.disk.current) {
    for (const [key, value] of stored) values.set(`${partition} ${key}`, value);
  }
  return values;
};
