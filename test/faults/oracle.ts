/**
 * What must be true after any number of crashes: the log holds every acknowledged event exactly as
 * the ledger has it, and nothing that was never sent; state and warehouse have taken in exactly the
 * log. It opens the data directory of a server that has stopped.
 */

import { systemClock } from '../../runtime/clock.ts';
import { dataPathsOf, readFacts } from '../../runtime/data-directory.ts';
import { openEmbeddedState, openLogToRead } from '../../runtime/embedded/stores.ts';
import { decodeRecord } from '../../schemas/avro/record-codec.ts';
import { partitionIndex } from '../../schemas/ids.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { fingerprintOf, fingerprintsBy } from './fingerprint.ts';
import type { SettledLedger } from './ledger.ts';

export interface LoggedInteraction {
  readonly partition: number;
  readonly offset: number;
  readonly record: InteractionRecord;
}

export interface Remains {
  readonly log: EventLog;
  readonly state: StateStore;
  readonly interactions: readonly LoggedInteraction[];
  close(): Promise<void>;
}

/** Opens what a stopped server left behind. */
export const openRemains = async (dataDirectory: string): Promise<Remains> => {
  const paths = dataPathsOf(dataDirectory);
  const facts = readFacts(paths.root);
  if (!facts) throw new Error(`Expected ${dataDirectory} to be a data directory`);
  const log = await openLogToRead(paths, facts, systemClock);
  const state = await openEmbeddedState({
    directory: paths.state,
    readOnly: true,
    clock: systemClock,
    logger: silentLogger,
  });
  return remainsOf({ log, state });
};

export const remainsOf = async ({
  log,
  state,
}: Pick<Remains, 'log' | 'state'>): Promise<Remains> => ({
  log,
  state,
  interactions: await readInteractions(log),
  close: async () => {
    await log.close();
    await state.close();
  },
});

const readInteractions = async (log: EventLog): Promise<readonly LoggedInteraction[]> => {
  const { name } = TOPICS.interactions;
  const { partitionCount } = await log.topic(name);
  const found: LoggedInteraction[] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const index = partitionIndex(partition);
    for await (const slice of partitionSlices(log, name, index)) {
      for (const { offset: at, value } of slice) {
        if (value === null) continue;
        const named = decodeRecord(value);
        if (named.name === 'Interaction') {
          found.push({ partition, offset: at, record: named.record });
        }
      }
    }
  }
  return found;
};

/** Differences between the ledger and the log, each in a sentence; empty where all is well. */
export const compareLedgerWithLog = (
  ledger: SettledLedger,
  interactions: readonly LoggedInteraction[],
): readonly string[] => {
  const problems: string[] = [];
  const logged = new Map<string, InteractionRecord>();
  for (const { record } of interactions) {
    if (!logged.has(record.eventId)) logged.set(record.eventId, record);
  }
  for (const id of ledger.acknowledged) {
    const record = logged.get(id);
    const sent = ledger.events.get(id);
    if (!record) problems.push(`${id} was acknowledged and is lost`);
    else if (sent && !isSame(record, sent)) problems.push(`${id} is in the log, but changed`);
  }
  for (const id of logged.keys()) {
    if (!ledger.events.has(id)) problems.push(`${id} is in the log, but nobody sent it`);
    if (ledger.refused.has(id)) problems.push(`${id} was refused, but is in the log`);
  }
  if (ledger.unknown.size > 0) problems.push(`${ledger.unknown.size} events were never answered`);
  return problems;
};

const isSame = (
  record: InteractionRecord,
  sent: {
    userId: string;
    itemId: string;
    kind: string;
    value: number | null;
    occurredAtMs: number;
  },
): boolean =>
  record.userId === sent.userId &&
  record.itemId === sent.itemId &&
  record.kind === sent.kind &&
  record.value === sent.value &&
  record.occurredAt === sent.occurredAtMs;

export interface PlainEvent {
  readonly eventId: string;
  readonly value: number | null;
  readonly itemId: string;
  readonly occurredAtMs: number;
}

/** Fingerprints of two places, as a whole and by item and hour; says where they first differ. */
export const compareFingerprints = (
  names: readonly [string, string],
  one: readonly PlainEvent[],
  other: readonly PlainEvent[],
): readonly string[] => {
  const whole = [fingerprintOf(one), fingerprintOf(other)].map((print) => JSON.stringify(print));
  if (whole[0] === whole[1]) return [];
  const group = (event: PlainEvent): string =>
    `${event.itemId} at hour ${Math.floor(event.occurredAtMs / 3_600_000)}`;
  const [ones, others] = [fingerprintsBy(one, group), fingerprintsBy(other, group)];
  const differing = [...new Set([...ones.keys(), ...others.keys()])].filter(
    (key) => JSON.stringify(ones.get(key)) !== JSON.stringify(others.get(key)),
  );
  const inGroup = (events: readonly PlainEvent[]): readonly PlainEvent[] =>
    events.filter((event) => group(event) === differing[0]);
  return [
    `${names[0]} has ${whole[0]}, ${names[1]} has ${whole[1]}`,
    `they differ for ${differing.length} groups, first ${differing[0]}`,
    firstDifferingId(names, inGroup(one), inGroup(other)),
  ];
};

const firstDifferingId = (
  names: readonly [string, string],
  one: readonly PlainEvent[],
  other: readonly PlainEvent[],
): string => {
  const timesIn = (events: readonly PlainEvent[], id: string): number =>
    events.filter(({ eventId }) => eventId === id).length;
  const ids = new Set([...one, ...other].map(({ eventId }) => eventId));
  for (const id of ids) {
    const [ones, others] = [timesIn(one, id), timesIn(other, id)];
    if (ones !== others) return `${id} is ${ones} times in ${names[0]}, ${others} in ${names[1]}`;
  }
  return 'the same events have other values';
};
