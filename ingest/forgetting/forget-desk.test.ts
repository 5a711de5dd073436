import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EMBEDDED_TOPICS } from '../../runtime/topic-plan.ts';
import type { ForgetReceipt } from '../../schemas/api/forgetting.ts';
import { decodeRecord } from '../../schemas/avro/record-codec.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import { offset } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { MemoryEventLog } from '../../storage/event-log/memory-event-log.ts';
import { createKeyFile } from '../../storage/event-log/sealing/key-file.ts';
import { addressOfText, addressText } from '../../storage/event-log/sealing/person-address.ts';
import { PersonKeys } from '../../storage/event-log/sealing/person-keys.ts';
import { SealedEventLog } from '../../storage/event-log/sealing/sealed-event-log.ts';
import { seededBytes } from '../../storage/event-log/sealing/seeded-bytes.fixture.ts';
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
import type { Forgetting, PersonKeeper } from './forgetting.ts';

/** Time does not pass, but others have their turn. */
class YieldingClock extends TestClock {
  override sleep = async (): Promise<void> => {
    await new Promise(setImmediate);
  };
}

let root: string;
let path: string;
const randomBytes = seededBytes(8);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-desk-'));
  path = join(root, 'people.keys');
  createKeyFile(path, randomBytes);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const keeperOf = (keys: PersonKeys): PersonKeeper => ({
  addressOf: (subject) => addressText(keys.addressOf(subject)),
  seal: (address, record) => keys.sealFor(addressOfText(address), record),
  keyIn: (sealed) => {
    const record = { key: null, value: sealed, timestamp: 0 as EpochMs, offset: offset(0) };
    return keys.open(record).key ?? undefined;
  },
  isDestroyed: (address) => keys.isDestroyed(addressOfText(address)),
  retire: (address) => keys.retire(addressOfText(address)),
  destroy: async (addresses) => {
    for (const address of addresses) keys.destroy(addressOfText(address));
  },
});

interface Life extends TestIngest {
  readonly keys: PersonKeys;
  readonly sealedLog: SealedEventLog;
}

/** One start of the edge on a log and a file of keys that outlive it. */
const live = async (
  log: MemoryEventLog,
  given: Partial<Forgetting> & { readonly crashAt?: string } = {},
): Promise<Life> => {
  const keys = PersonKeys.ofFile({ path, randomBytes });
  const sealedLog = new SealedEventLog({ log, keys });
  const { crashAt, ...changed } = given;
  const ingest = await openTestIngest({
    clock: new YieldingClock(),
    log: sealedLog,
    seal: (topic, records) => sealedLog.seal(topic, records),
    crashPoint: (name) => {
      if (name === crashAt) throw new Crash(name);
    },
    forgetting: {
      keeper: keeperOf(keys),
      evidenceOf: async () => ({ events: 2, takenBack: 2, residue: [] }),
      missedTakingsBack: async () => 0,
      untilTakenIn: async () => undefined,
      settleState: async () => undefined,
      hasUnsealedRecords: async () => false,
      ...changed,
    },
  });
  return { ...ingest, keys, sealedLog };
};

const send = async (life: Life, userId: string, itemId: string): Promise<void> => {
  expect(await click(life, userId, itemId)).toBe(200);
};

const receiptOf = async ({ app }: TestIngest, requestId: string): Promise<ForgetReceipt> =>
  (await app.inject({ url: `/v1/receipts/${requestId}` })).json();

const readable = ({ sealedLog }: Life): Promise<readonly string[]> => readableEvents(sealedLog);

describe('forgetting a person', () => {
  it('answers with a receipt that names nobody, and leaves nothing of theirs to be read', async () => {
    const log = openTestLog();
    const life = await live(log, { deleteRows: async (places) => places.map(() => 7) });
    await send(life, 'ada-lovelace', 'one');
    await send(life, 'bob', 'two');
    const receipt = await untilForgotten(life, (await forget(life, 'ada-lovelace')).requestId);
    expect(receipt).toMatchObject({
      stage: 'done',
      events: 2,
      takenBack: 2,
      exact: true,
      residue: [],
      warehouseRows: 7,
      problem: null,
    });
    expect(JSON.stringify(receipt)).not.toContain('ada-lovelace');
    expect((await readable(life)).toSorted()).toEqual(['bob two', 'erased', 'erased']);
    expect(await storedText(log, EMBEDDED_TOPICS)).not.toContain('ada-lovelace');
    await life.close();
  });

  it('takes who comes back for somebody new, also while the request is under way', async () => {
    const log = openTestLog();
    const gate = Promise.withResolvers<void>();
    const life = await live(log, { untilTakenIn: () => gate.promise });
    await send(life, 'ada-lovelace', 'before');
    const asked = forget(life, 'ada-lovelace');
    while (!(await readable(life)).includes('Forget')) await new Promise(setImmediate);
    await send(life, 'ada-lovelace', 'after');
    gate.resolve();
    await untilForgotten(life, (await asked).requestId);
    expect(await readable(life)).toEqual(['erased', 'erased', 'ada-lovelace after']);
    const again = await untilForgotten(life, (await forget(life, 'ada-lovelace')).requestId);
    expect(again.requestId).not.toBe((await asked).requestId);
    expect(await readable(life)).toEqual(['erased', 'erased', 'erased', 'erased']);
    await life.close();
  });

  it('is one request, however often it is asked for meanwhile, and one for whom nobody knows', async () => {
    const log = openTestLog();
    const gate = Promise.withResolvers<void>();
    const life = await live(log, {
      untilTakenIn: () => gate.promise,
      evidenceOf: async () => ({ events: 0, takenBack: 0, residue: [] }),
    });
    const asked = [forget(life, 'nobody'), forget(life, 'nobody')];
    while (!(await readable(life)).includes('Forget')) await new Promise(setImmediate);
    asked.push(forget(life, 'nobody'));
    gate.resolve();
    const ids = (await Promise.all(asked)).map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(1);
    expect(await untilForgotten(life, ids[0]!)).toMatchObject({ events: 0, exact: true });
    await life.close();
  });

  it('says what holds it up and goes on by itself', async () => {
    const log = openTestLog();
    let isAway = true;
    const life = await live(log, {
      deleteRows: async (places) => {
        if (isAway) throw new Error('the warehouse is away');
        return places.map(() => 1);
      },
    });
    await send(life, 'ada-lovelace', 'one');
    const { requestId, stage } = await forget(life, 'ada-lovelace');
    expect(stage).not.toBe('done');
    while ((await receiptOf(life, requestId)).problem === null) await new Promise(setImmediate);
    expect(await receiptOf(life, requestId)).toMatchObject({
      stage: 'taken-back',
      problem: 'the warehouse is away',
      finishedAt: null,
    });
    isAway = false;
    expect(await untilForgotten(life, requestId)).toMatchObject({
      warehouseRows: 1,
      problem: null,
    });
    await life.close();
  });

  it('tells what could not be taken back', async () => {
    const log = openTestLog();
    let missed = 0;
    const life = await live(log, {
      evidenceOf: async () => ({ events: 90, takenBack: 50, residue: ['40 events had left.'] }),
      missedTakingsBack: async () => {
        missed += 3;
        return missed;
      },
    });
    const receipt = await untilForgotten(life, (await forget(life, 'ada-lovelace')).requestId);
    expect(receipt).toMatchObject({
      exact: false,
      residue: [
        '40 events had left.',
        'Neighbours of items that had been pruned before: 3 at most.',
      ],
    });
    await life.close();
  });

  it('answers 404 for a request that there never was', async () => {
    const life = await live(openTestLog());
    expect((await life.app.inject({ url: '/v1/receipts/f-none' })).statusCode).toBe(404);
    await life.close();
  });

  for (const point of FORGET_CRASH_POINTS) {
    it(`killed at ${point} is finished by the next start, and nobody new is harmed`, async () => {
      const log = openTestLog();
      const first = await live(log, { crashAt: point });
      await send(first, 'ada-lovelace', 'before');
      const { requestId } = await forget(first, 'ada-lovelace');
      // A throw in the place of a kill: the edge is left as it lies, the log and the keys go on.
      await first.ingest.forgets?.stop();
      const second = await live(log);
      await send(second, 'ada-lovelace', 'after');
      second.ingest.forgets?.start();
      const id = requestId ?? (await onlyRequest(log));
      expect(await untilForgotten(second, id)).toMatchObject({ stage: 'done', events: 2 });
      const left = await readable(second);
      expect(left.filter((text) => text === 'ada-lovelace after')).toHaveLength(1);
      expect(left.every((text) => text === 'erased' || text === 'ada-lovelace after')).toBe(true);
      expect((await storedText(log, EMBEDDED_TOPICS)).includes('ada-lovelace')).toBe(false);
      await second.close();
    });
  }

  it('is done once more where a backup brought the key back', async () => {
    const log = openTestLog();
    const first = await live(log);
    await send(first, 'ada-lovelace', 'before');
    const keysOfThen = readFileSync(path);
    const { requestId } = await forget(first, 'ada-lovelace');
    await untilForgotten(first, requestId);
    await first.close();
    writeFileSync(path, keysOfThen);
    const second = await live(log);
    expect(await readable(second)).toEqual(['ada-lovelace before', 'Forget']);
    second.ingest.forgets?.start();
    await untilForgotten(second, requestId);
    expect(await readable(second)).toEqual(['erased', 'erased']);
    await second.close();
  });
});

/** Of a request whose answer never came. */
const onlyRequest = async (log: MemoryEventLog): Promise<string> => {
  for (const { value } of await readTopic(log, TOPICS.control.name)) {
    const { name, record } = decodeRecord(value!);
    if (name === 'Control' && record.kind === 'forget') return record.subject;
  }
  throw new Error('Expected a request on record.');
};
