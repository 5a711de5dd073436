import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { epochMs, partitionIndex } from '../../../schemas/ids.ts';
import { CONTRACT_TOPICS } from '../contract-topics.fixture.ts';
import { eventLogContract, readAll } from '../event-log.contract.ts';
import type { EventLog } from '../event-log.ts';
import { MemoryEventLog, MemoryLogDisk } from '../memory-event-log.ts';
import { createKeyFile } from './key-file.ts';
import { PersonKeys } from './person-keys.ts';
import { SealedEventLog } from './sealed-event-log.ts';
import { seededBytes } from './seeded-bytes.fixture.ts';

const SEED = 12;
const TOPIC = 'contract-delete';
const P0 = partitionIndex(0);
const randomBytes = seededBytes(SEED);
let drawn = 0;
const random = (): number => {
  drawn += 1;
  return (drawn * 0.6180339887498949) % 1;
};

let root: string;
let path: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-sealed-'));
  path = join(root, 'people.keys');
  createKeyFile(path, randomBytes);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const openKeys = (): PersonKeys => PersonKeys.ofFile({ path, randomBytes });
const below = (disk = new MemoryLogDisk()): MemoryEventLog =>
  new MemoryEventLog({ topics: CONTRACT_TOPICS, random, disk });
const sealed = (log: EventLog, keys = openKeys()): SealedEventLog =>
  new SealedEventLog({ log, keys, topics: [TOPIC], isPersonal: () => true });

eventLogContract({
  name: 'SealedEventLog',
  create: async () => {
    const inner = below();
    const log = sealed(inner);
    return {
      log,
      reopen: async () => {
        await log.close();
        return sealed(below(inner.disk));
      },
      recreate: async () => sealed(below()),
      remove: async () => undefined,
    };
  },
});

const record = (key: string | null, text: string) => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(text),
  timestamp: epochMs(1),
});
const textsOf = async (log: EventLog): Promise<readonly (string | null)[]> =>
  (await readAll(log, TOPIC, P0)).map(({ key, value }) =>
    value === null ? null : `${key === null ? '-' : Buffer.from(key)} ${Buffer.from(value)}`,
  );

describe('a sealed log', () => {
  it('shows below neither keys nor values, and both again above', async () => {
    const inner = below();
    const log = sealed(inner);
    await log.append(TOPIC, P0, [record('u:ada', 'seen'), record(null, 'nobody')]);
    expect(await textsOf(log)).toEqual(['u:ada seen', '- nobody']);
    const [raw, plain] = await readAll(inner, TOPIC, P0);
    expect(raw?.key).toBeNull();
    expect(Buffer.from(raw!.value!).toString('latin1')).not.toMatch(/ada|seen/);
    expect(Buffer.from(plain!.value!).toString()).toBe('nobody');
  });

  it('passes on what lies below unsealed, as an older program wrote it', async () => {
    const inner = below();
    await inner.append(TOPIC, P0, [record('u:ada', 'before')]);
    const log = sealed(inner);
    await log.append(TOPIC, P0, [record('u:ada', 'after')]);
    expect(await textsOf(log)).toEqual(['u:ada before', 'u:ada after']);
  });

  it('seals nothing twice that was sealed before it was handed over', async () => {
    const inner = below();
    const log = sealed(inner);
    await log.append(TOPIC, P0, log.seal(TOPIC, [record('u:ada', 'once')]));
    expect(await textsOf(log)).toEqual(['u:ada once']);
  });

  it('tells of a person forgotten that there was a record, where and when, and leaves no hole', async () => {
    const inner = below();
    const keys = openKeys();
    const log = sealed(inner, keys);
    await log.append(TOPIC, P0, [
      record('u:eve', 'one'),
      record('u:bob', 'two'),
      record('u:eve', 'three'),
    ]);
    keys.destroy(keys.addressOf('u:eve'));
    await log.append(TOPIC, P0, [record('u:eve', 'four')]);
    expect(await textsOf(log)).toEqual([null, 'u:bob two', null, 'u:eve four']);
    expect(
      (await readAll(log, TOPIC, P0)).map(({ offset, isErased = false }) => [offset, isErased]),
    ).toEqual([
      [0, true],
      [1, false],
      [2, true],
      [3, false],
    ]);
  });
});
