/** Several processes on one log: any of them is asked and tells, one at a time does the work. */
import { afterEach, describe, expect, it } from 'vitest';
import { forgettingOf } from '../../runtime/distributed/forgetting.ts';
import { planAllTopics } from '../../runtime/topic-plan.ts';
import type { ForgetReceipt } from '../../schemas/api/forgetting.ts';
import { decodeRecord } from '../../schemas/avro/record-codec.ts';
import { partitionIndex } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { untilAborted } from '../../schemas/until-aborted.ts';
import type { MemoryEventLog } from '../../storage/event-log/memory-event-log.ts';
import type { OwnedWork, PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import { KEY_TOPIC } from '../../storage/event-log/sealing/key-topic.ts';
import { SealedEventLog } from '../../storage/event-log/sealing/sealed-event-log.ts';
import { seededBytes } from '../../storage/event-log/sealing/seeded-bytes.fixture.ts';
import { openSharedKeys, type SharedKeys } from '../../storage/event-log/sealing/shared-keys.ts';
import { openMemoryStateStore } from '../../storage/state-store/memory-state-store.ts';
import {
  Crash,
  click,
  forget,
  readableEvents,
  storedText,
  untilForgotten,
} from '../../test/ingest/forget-calls.ts';
import {
  openTestIngest,
  openTestLog,
  readTopic,
  TestClock,
  type TestIngest,
} from '../../test/ingest/ingest-fixture.ts';
import { FORGET_CRASH_POINTS } from './crash-points.ts';
import type { Forgetting } from './forgetting.ts';

const COUNTS = { userPartitions: 4, itemPartitions: 4 } as const;

/** Time passes while somebody sleeps, others have their turn, and the brokers clean. */
class LeapingClock extends TestClock {
  readonly #log: MemoryEventLog;

  constructor(log: MemoryEventLog) {
    super();
    this.#log = log;
  }

  override sleep = async (ms = 0, signal?: AbortSignal): Promise<void> => {
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    this.time += ms;
    void this.#log.clean(KEY_TOPIC, {}, this.now());
  };
}

/** Work that a test hands out and takes away. */
class HandedOut implements PartitionOwnership {
  #work: OwnedWork | undefined;
  #lease: AbortController | undefined;
  #working: Promise<void> | undefined;

  async run(work: OwnedWork, signal: AbortSignal): Promise<void> {
    this.#work = work;
    await untilAborted(signal);
    await this.takeAway();
  }

  give(): void {
    this.#lease = new AbortController();
    this.#working = this.#work!(['forgetting'], this.#lease.signal);
  }

  async takeAway(): Promise<void> {
    this.#lease?.abort();
    await this.#working;
  }
}

interface Process extends TestIngest {
  readonly keys: SharedKeys;
  readonly sealedLog: SealedEventLog;
  readonly ownership: HandedOut;
  readonly letGoOf: string[];
}

const started: Process[] = [];
afterEach(async () => {
  for (const process of started.splice(0)) await end(process);
});

const end = async ({ ingest, keys }: Process): Promise<void> => {
  await ingest.forgets?.stop();
  await keys.close();
};

let seeds = 100;
const start = async (
  log: MemoryEventLog,
  given: Partial<Forgetting> & { readonly crashAt?: string } = {},
): Promise<Process> => {
  seeds += 1;
  const { crashAt, ...changed } = given;
  const clock = new LeapingClock(log);
  const fatal = (error: Error): never => {
    throw error;
  };
  const keys = await openSharedKeys({
    log,
    clock,
    logger: silentLogger,
    randomBytes: seededBytes(seeds),
    onFatal: fatal,
  });
  const sealedLog = new SealedEventLog({
    log,
    keys: keys.edge,
    untilCertain: (sealed) => keys.untilCertain(sealed),
  });
  const ownership = new HandedOut();
  const letGoOf: string[] = [];
  const forgetting = forgettingOf({
    keys,
    log: sealedLog,
    storedLog: log,
    state: openMemoryStateStore(),
    redis: { urls: [] },
    namespace: 'test',
    counts: COUNTS,
    stream: { caughtUp: async () => undefined },
    warehouse: undefined,
    ownership,
    clock,
  });
  const ingest = await openTestIngest({
    clock,
    log: sealedLog,
    seal: (topic, records) => sealedLog.seal(topic, records),
    onFatal: fatal,
    crashPoint: (name) => {
      if (name === crashAt) throw new Crash(name);
    },
    forgetting: {
      ...forgetting,
      settleState: async () => undefined,
      letGoOf: (subject) => void letGoOf.push(subject),
      ...changed,
    },
  });
  ingest.ingest.forgets?.start();
  const process = { ...ingest, keys, sealedLog, ownership, letGoOf };
  started.push(process);
  return process;
};

const sharedLog = (): MemoryEventLog => openTestLog({ topics: planAllTopics(COUNTS) });

const readable = ({ sealedLog }: Process): Promise<readonly string[]> => readableEvents(sealedLog);

const textIn = (log: MemoryEventLog): Promise<string> => storedText(log, Object.values(TOPICS));

describe('a person who is forgotten by several processes', () => {
  it('may ask any of them; another does the work, and all of them tell and let go', async () => {
    const log = sharedLog();
    const [asked, working] = [await start(log), await start(log)];
    working.ownership.give();
    await click(asked, 'ada-lovelace', 'one');
    await click(working, 'ada-lovelace', 'two');
    await click(working, 'bob', 'three');
    const { requestId } = await forget(asked, 'ada-lovelace');
    for (const process of [asked, working]) {
      const receipt = await untilForgotten(process, requestId);
      expect(receipt).toMatchObject({ stage: 'done', unsealedLog: false, problem: null });
      expect(process.letGoOf).toContain('u:ada-lovelace');
      const left = await readable(process);
      expect([...left].sort()).toEqual(['bob three', 'erased', 'erased', 'erased']);
    }
    expect(await textIn(log)).not.toContain('ada-lovelace');
    const later = await start(log);
    expect(await untilForgotten(later, requestId)).toMatchObject({ stage: 'done' });
  });

  it('counts as somebody new from the request on, whichever of them takes the event', async () => {
    const log = sharedLog();
    const gate = Promise.withResolvers<void>();
    const working = await start(log, { untilTakenIn: () => gate.promise });
    const other = await start(log);
    working.ownership.give();
    await click(other, 'ada-lovelace', 'before');
    const { requestId } = await forget(other, 'ada-lovelace');
    while (!(await readable(other)).includes('Forget')) await new Promise(setImmediate);
    await other.keys.know();
    expect(await click(other, 'ada-lovelace', 'after')).toBe(200);
    expect(await click(working, 'ada-lovelace', 'after, too')).toBe(200);
    gate.resolve();
    await untilForgotten(other, requestId);
    expect(await readable(working)).toEqual([
      'erased',
      'erased',
      'ada-lovelace after',
      'ada-lovelace after, too',
    ]);
  });

  it('keeps what was sealed by one who had not heard yet', async () => {
    const log = sharedLog();
    const gate = Promise.withResolvers<void>();
    const working = await start(log, { untilTakenIn: () => gate.promise });
    const other = await start(log);
    working.ownership.give();
    await click(other, 'ada-lovelace', 'before');
    const former = other.keys.edge.addressOf('u:ada-lovelace');
    const { requestId } = await forget(other, 'ada-lovelace');
    while (!(await readable(other)).includes('Forget')) await new Promise(setImmediate);
    // As a process would that hears of it only after its append.
    const [late] = await readTopic(other.sealedLog, TOPICS.interactions.name);
    const { partition } = placeOfFirst(log);
    const value = other.keys.stream.sealFor(former, { key: late!.key!, value: late!.value! });
    await log.append(TOPICS.interactions.name, partition, [{ ...late!, key: null, value }]);
    gate.resolve();
    await untilForgotten(other, requestId);
    const left = await readable(working);
    expect(left.filter((text) => text === 'erased')).toHaveLength(3);
    expect(left.at(-1)).toBe('ada-lovelace before');
  });

  it('is asked for twice in the same moment at two of them: one is done, both have receipts', async () => {
    const log = sharedLog();
    const [one, other] = [await start(log), await start(log)];
    await click(one, 'ada-lovelace', 'before');
    const asked = await Promise.all([forget(one, 'ada-lovelace'), forget(other, 'ada-lovelace')]);
    one.ownership.give();
    for (const { requestId } of asked) await untilForgotten(other, requestId);
    expect(await readable(one)).toEqual(['erased', 'erased']);
  });

  it('waits while nobody has the work, and says what holds it up to whoever asks', async () => {
    const log = sharedLog();
    let isAway = true;
    const working = await start(log, {
      deleteRows: async (places) => {
        if (isAway) throw new Error('the warehouse is away');
        return places.map(() => 1);
      },
    });
    const other = await start(log);
    const { requestId, stage } = await forget(other, 'ada-lovelace');
    expect(stage).toBe('asked');
    working.ownership.give();
    let told: ForgetReceipt;
    do {
      await new Promise(setImmediate);
      told = (await other.app.inject({ url: `/v1/receipts/${requestId}` })).json();
    } while (told.problem === null);
    expect(told).toMatchObject({ stage: 'taken-back', problem: 'the warehouse is away' });
    isAway = false;
    expect(await untilForgotten(other, requestId)).toMatchObject({
      warehouseRows: 1,
      problem: null,
    });
  });

  for (const point of FORGET_CRASH_POINTS) {
    it(`goes on with another where the one who works is killed at ${point}`, async () => {
      const log = sharedLog();
      const first = await start(log, { crashAt: point });
      const second = await start(log);
      first.ownership.give();
      await click(second, 'ada-lovelace', 'before');
      // Whoever asks is killed at the first of them, whoever works at the others.
      const asked = point === 'forget.on-record' ? first : second;
      await forget(asked, 'ada-lovelace');
      for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
      await first.ownership.takeAway();
      second.ownership.give();
      const requestId = await onlyRequest(log);
      expect(await untilForgotten(second, requestId)).toMatchObject({ stage: 'done', events: 0 });
      expect(await click(second, 'ada-lovelace', 'after')).toBe(200);
      const left = await readable(second);
      expect(left.at(-1)).toBe('ada-lovelace after');
      // What came before, and one event that forgets it, whoever took over.
      expect(left.slice(0, -1)).toEqual(['erased', 'erased']);
      expect(await textIn(log)).not.toContain('ada-lovelace');
    });
  }
});

/** The partition that holds anything. */
const placeOfFirst = (log: MemoryEventLog) => {
  const partitions = log.disk.topics.get(TOPICS.interactions.name)!.partitions;
  return { partition: partitionIndex(partitions.findIndex(({ end }) => end > 0)) };
};

/** Of a request whose answer may never have come. */
const onlyRequest = async (log: MemoryEventLog): Promise<string> => {
  for (const { value } of await readTopic(log, TOPICS.control.name)) {
    const { name, record } = decodeRecord(value!);
    if (name === 'Control' && record.kind === 'forget') return record.subject;
  }
  throw new Error('Expected a request on record.');
};
