import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../schemas/environment.ts';
import { type EpochMs, epochMs, type Offset, partitionIndex } from '../../../schemas/ids.ts';
import { silentLogger } from '../../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { AppendRecord, EventLog, LogRecord } from '../event-log.ts';
import { MemoryEventLog } from '../memory-event-log.ts';
import { partitionSlices } from '../partition-slices.ts';
import { KEY_PARTITION, KEY_TOPIC, punctureRecords, readKeys, staleOffsets } from './key-topic.ts';
import { KeyTree } from './key-tree.ts';
import { PersonKeys } from './person-keys.ts';
import { SealedEventLog } from './sealed-event-log.ts';
import { seededBytes } from './seeded-bytes.fixture.ts';
import {
  openSharedKeys,
  readPersonKeys,
  type SharedKeys,
  type SharedKeysOptions,
} from './shared-keys.ts';

const TOPIC = TOPICS.interactions.name;
const P0 = partitionIndex(0);
const SIGNAL = new AbortController().signal;

/** Time passes only while somebody sleeps, and all sleepers wake together: as many turns as it takes. */
class LeapingClock implements Clock {
  time = 1_000_000;
  onSleep: () => void = () => undefined;
  now = (): EpochMs => epochMs(this.time);
  monotonicMs = (): number => this.time;
  sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    this.time += ms;
    this.onSleep();
  };
}

let drawn = 0;
const random = (): number => {
  drawn += 1;
  return (drawn * 0.6180339887498949) % 1;
};
const emptyLog = (): MemoryEventLog =>
  new MemoryEventLog({
    topics: [TOPICS.interactions, TOPICS.impressions, TOPICS.deadLetters, TOPICS.peopleKeys].map(
      (spec) => ({ spec, partitionCount: 1 }),
    ),
    random,
  });

const opened: SharedKeys[] = [];
afterEach(async () => {
  for (const keys of opened.splice(0)) await keys.close();
});

let seeds = 0;
const open = async (log: EventLog, given: Partial<SharedKeysOptions> = {}): Promise<SharedKeys> => {
  seeds += 1;
  const keys = await openSharedKeys({
    log,
    clock: new LeapingClock(),
    logger: silentLogger,
    randomBytes: seededBytes(seeds),
    onFatal: (error) => {
      throw error;
    },
    ...given,
  });
  opened.push(keys);
  return keys;
};

const edgeOf = (log: EventLog, keys: SharedKeys): SealedEventLog =>
  new SealedEventLog({
    log,
    keys: keys.edge,
    untilCertain: (sealed) => keys.untilCertain(sealed),
  });

const eventOf = (subject: string, text: string): AppendRecord => ({
  key: Buffer.from(subject),
  value: Buffer.from(text),
  timestamp: epochMs(1),
});

const textsIn = async (log: EventLog): Promise<readonly string[]> => {
  const texts: string[] = [];
  for await (const slice of partitionSlices(log, TOPIC, P0)) {
    for (const { value } of slice) {
      texts.push(value === null ? 'erased' : Buffer.from(value).toString());
    }
  }
  return texts;
};

const recordsOfKeys = async (log: EventLog): Promise<readonly LogRecord[]> => {
  const records: LogRecord[] = [];
  for await (const slice of partitionSlices(log, KEY_TOPIC, KEY_PARTITION)) records.push(...slice);
  return records;
};

/** Brokers that clean whenever time passes. */
const cleaning = (log: MemoryEventLog): LeapingClock => {
  const clock = new LeapingClock();
  clock.onSleep = () => void log.clean(KEY_TOPIC, {}, clock.now());
  return clock;
};

describe('keys that several processes share', () => {
  it('are the same for all who find none at once, and nothing is left of the others’', async () => {
    const log = emptyLog();
    const all = await Promise.all([open(log), open(log), open(log)]);
    const [address] = all.map(({ edge }) => edge.addressOf('u:ada'));
    expect(all.map(({ edge }) => edge.addressOf('u:ada'))).toEqual([address, address, address]);
    await log.clean(KEY_TOPIC, {}, epochMs(10 * 86_400_000));
    const left = (await recordsOfKeys(log)).filter(({ value }) => value !== null);
    expect(left).toHaveLength(2);
  });

  it('open at once what another sealed, also for who comes later and for who only reads', async () => {
    const log = emptyLog();
    const [one, other] = [await open(log), await open(log)];
    await edgeOf(log, one).append(TOPIC, P0, [eventOf('u:ada', 'ada’s')]);
    await edgeOf(log, other).append(TOPIC, P0, [eventOf('u:bob', 'bob’s')]);
    const later = await open(log);
    for (const keys of [one, other, later]) {
      expect(await textsIn(edgeOf(log, keys))).toEqual(['ada’s', 'bob’s']);
    }
    const reading = (await readPersonKeys({ log, randomBytes: seededBytes(1) }))!;
    expect(await textsIn(new SealedEventLog({ log, keys: reading }))).toEqual(['ada’s', 'bob’s']);
    expect(JSON.stringify(await textsIn(log))).not.toContain('ada');
  });

  it('once destroyed open nothing anywhere, and nobody else’s is harmed', async () => {
    const log = emptyLog();
    const one = await open(log, { clock: cleaning(log) });
    const other = await open(log);
    await edgeOf(log, other).append(TOPIC, P0, [eventOf('u:ada', 'A'), eventOf('u:bob', 'B')]);
    const address = one.edge.addressOf('u:ada');
    await one.destroy([address], SIGNAL);
    await other.know();
    const later = await open(log);
    for (const keys of [one, other, later]) {
      expect(await textsIn(edgeOf(log, keys))).toEqual(['erased', 'B']);
      expect(keys.edge.addressOf('u:ada')).not.toEqual(address);
    }
    await edgeOf(log, other).append(TOPIC, P0, [eventOf('u:ada', 'new')]);
    expect(await textsIn(edgeOf(log, one))).toEqual(['erased', 'B', 'new']);
  });

  it('count as destroyed only when no reader is given the seed any more', async () => {
    const log = emptyLog();
    const clock = new LeapingClock();
    let looks = 0;
    clock.onSleep = () => {
      looks += 1;
      if (looks > 20) void log.clean(KEY_TOPIC, {}, clock.now());
    };
    const keys = await open(log, { clock });
    const [root] = (await readKeys(log)).keys!.nodes;
    await keys.destroy([keys.edge.addressOf('u:ada')], SIGNAL);
    expect(looks).toBeGreaterThan(20);
    expect(await staleOffsets(log)).toEqual([]);
    const seed = Buffer.from(root!.seed.buffer);
    expect((await recordsOfKeys(log)).some(({ value }) => value && seed.equals(value))).toBe(false);
  });

  it('are many, and each is destroyed alone', async () => {
    const log = emptyLog();
    const keys = await open(log, { clock: cleaning(log) });
    const people = Array.from({ length: 40 }, (_, at) => `u:${at}`);
    await edgeOf(log, keys).append(
      TOPIC,
      P0,
      people.map((person) => eventOf(person, person)),
    );
    const gone = people.filter((_, at) => at % 3 === 0);
    const addresses = gone.map((person) => keys.edge.addressOf(person));
    await keys.destroy(addresses.slice(0, 5), SIGNAL);
    await keys.destroy(addresses, SIGNAL);
    const expected = people.map((person) => (gone.includes(person) ? 'erased' : person));
    expect(await textsIn(edgeOf(log, await open(log)))).toEqual(expected);
  });

  it('stay destroyed though one who did not know of it destroys one beside it', async () => {
    const log = emptyLog();
    const keys = await open(log, { clock: cleaning(log) });
    const { keys: before } = await readKeys(log);
    await edgeOf(log, keys).append(TOPIC, P0, [eventOf('u:ada', 'A'), eventOf('u:bob', 'B')]);
    const [ada, bob] = ['u:ada', 'u:bob'].map((person) => keys.edge.addressOf(person));
    // As both stood before either was destroyed.
    const puncture = new KeyTree(before!.nodes).punctureAt(bob!)!;
    await keys.destroy([ada!], SIGNAL);
    const named = { address: '0'.repeat(16), at: epochMs(2) };
    await log.append(KEY_TOPIC, KEY_PARTITION, punctureRecords(before!.treeId, puncture, named));
    await keys.know();
    expect(await textsIn(edgeOf(log, keys))).toEqual(['erased', 'B']);
    await keys.destroy([bob!], SIGNAL);
    await log.clean(KEY_TOPIC, {}, epochMs(3));
    expect(await textsIn(edgeOf(log, await open(log)))).toEqual(['erased', 'erased']);
  });

  it('are not made anew where the log holds what only the lost ones open', async () => {
    const log = emptyLog();
    const foreign = new PersonKeys({
      salt: 'ab'.repeat(32),
      tree: new KeyTree((await otherTree()).nodes),
      randomBytes: seededBytes(3),
    });
    await new SealedEventLog({ log, keys: foreign }).append(TOPIC, P0, [eventOf('u:ada', 'A')]);
    await expect(open(log)).rejects.toMatchObject({ code: 'keys_lost' });
  });

  it('that lack a part are refused', async () => {
    const log = emptyLog();
    const keys = await open(log);
    const [root] = await recordsOfKeys(log).then((records) => records.slice(1));
    await log.append(KEY_TOPIC, KEY_PARTITION, [{ ...root!, value: null }]);
    await keys.know();
    await expect(open(log)).rejects.toMatchObject({ code: 'keys_lost' });
  });
});

const otherTree = async () => {
  const log = emptyLog();
  await open(log);
  return (await readKeys(log)).keys!;
};

describe('an append under shared keys', () => {
  it('is not acknowledged under a key that was retired before, by whoever has not heard of it', async () => {
    const log = emptyLog();
    const clock = new LeapingClock();
    const one = await open(log, { clock });
    const deaf = new DeafLog(log);
    const other = await open(deaf, { clock });
    const edge = edgeOf(deaf, other);
    await edge.append(TOPIC, P0, [eventOf('u:ada', 'before')]);
    deaf.isDeaf = true;
    const address = one.edge.addressOf('u:ada');
    one.edge.retire(address);
    await one.untilNobodySeals([address], SIGNAL);
    const late = edge.append(TOPIC, P0, [eventOf('u:ada', 'late')]);
    let isSettled = false;
    late.then(
      () => {
        isSettled = true;
      },
      () => {
        isSettled = true;
      },
    );
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(isSettled).toBe(false);
    deaf.hear();
    await expect(late).rejects.toMatchObject({ code: 'log_unacknowledged' });
    // Sent again it comes under the key of who the person is now.
    await edge.append(TOPIC, P0, [eventOf('u:ada', 'again')]);
    expect(other.edge.addressOf('u:ada')).not.toEqual(address);
  });

  it('of others is acknowledged at once while somebody is being forgotten', async () => {
    const log = emptyLog();
    const keys = await open(log);
    const address = keys.edge.addressOf('u:ada');
    keys.edge.retire(address);
    await keys.announceRetired([address]);
    await keys.know();
    await edgeOf(log, keys).append(TOPIC, P0, [eventOf('u:bob', 'B'), eventOf('u:ada', 'new')]);
    expect(await textsIn(edgeOf(log, keys))).toEqual(['B', 'new']);
  });

  it('of the stream stays under the key that goes', async () => {
    const log = emptyLog();
    const keys = await open(log, { clock: cleaning(log) });
    const address = keys.edge.addressOf('u:ada');
    keys.edge.retire(address);
    await keys.announceRetired([address]);
    const streamLog = new SealedEventLog({ log, keys: keys.stream });
    await streamLog.append(TOPIC, P0, [eventOf('u:ada', 'set aside')]);
    expect(await textsIn(streamLog)).toEqual(['set aside']);
    await keys.destroy([address], SIGNAL);
    expect(await textsIn(streamLog)).toEqual(['erased']);
  });

  it('waits for longer than others may take to hear of it', async () => {
    const log = emptyLog();
    const clock = new LeapingClock();
    const keys = await open(log, { clock });
    const began = clock.time;
    await keys.untilNobodySeals([keys.edge.addressOf('u:ada')], SIGNAL);
    expect(clock.time - began).toBeGreaterThanOrEqual(11_000);
  });
});

/** A log of which a process hears nothing more of keys while it can still append. */
class DeafLog implements EventLog {
  readonly limits;
  readonly topic;
  readonly append;
  readonly read;
  readonly sizeBytes;
  readonly clean;
  readonly close;
  isDeaf = false;
  readonly #log: MemoryEventLog;
  #waiting: (() => void)[] = [];

  constructor(log: MemoryEventLog) {
    this.#log = log;
    this.limits = log.limits;
    this.topic = log.topic.bind(log);
    this.append = log.append.bind(log);
    this.read = log.read.bind(log);
    this.sizeBytes = log.sizeBytes.bind(log);
    this.clean = log.clean.bind(log);
    this.close = log.close.bind(log);
  }

  hear(): void {
    this.isDeaf = false;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async watermarks(
    topic: string,
    partition: typeof P0,
  ): Promise<{ readonly low: Offset; readonly end: Offset }> {
    await this.#hearing(topic);
    return this.#log.watermarks(topic, partition);
  }

  async *tail(
    ...[topic, partition, from, options]: Parameters<EventLog['tail']>
  ): AsyncIterable<readonly LogRecord[]> {
    for await (const slice of this.#log.tail(topic, partition, from, options)) {
      await this.#hearing(topic);
      yield slice;
    }
  }

  async #hearing(topic: string): Promise<void> {
    while (this.isDeaf && topic === KEY_TOPIC) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}
