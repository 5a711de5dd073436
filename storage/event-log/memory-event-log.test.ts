import { describe, expect, it } from 'vitest';
import { epochMs, offset, partitionIndex } from '../../schemas/ids.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { eventLogContract, readAll } from './event-log.contract.ts';
import { MemoryEventLog, MemoryLogDisk, type Schedule } from './memory-event-log.ts';

/** Fractions of the golden ratio: deterministic, and no two alike. */
let drawn = 0;
const random = (): number => {
  drawn += 1;
  return (drawn * 0.6180339887498949) % 1;
};

const open = (disk = new MemoryLogDisk(), schedule?: Schedule): MemoryEventLog =>
  new MemoryEventLog({ topics: CONTRACT_TOPICS, random, disk, ...(schedule && { schedule }) });

eventLogContract({
  name: 'MemoryEventLog',
  create: async () => {
    const log = open();
    return {
      log,
      reopen: async () => {
        await log.close();
        return open(log.disk);
      },
      recreate: async () => open(),
      remove: async () => undefined,
    };
  },
});

const TOPIC = 'contract-delete';
const P0 = partitionIndex(0);
const record = (text: string) => ({
  key: null,
  value: new TextEncoder().encode(text),
  timestamp: epochMs(1),
});

const queue = () => {
  const waiting: (() => void)[] = [];
  return { waiting, schedule: (complete: () => void) => void waiting.push(complete) };
};

describe('MemoryEventLog in a simulation', () => {
  it('shows and acknowledges nothing before its completion runs', async () => {
    const { waiting, schedule } = queue();
    const log = open(new MemoryLogDisk(), schedule);
    let isAcknowledged = false;
    const appended = log.append(TOPIC, P0, [record('a')]).then(() => {
      isAcknowledged = true;
    });
    await Promise.resolve();
    expect(await readAll(open(log.disk), TOPIC, P0)).toEqual([]);
    expect(isAcknowledged).toBe(false);
    for (const complete of waiting) complete();
    await appended;
    expect(await readAll(open(log.disk), TOPIC, P0)).toHaveLength(1);
  });

  it('a later append that completes first takes the earlier one along', async () => {
    const { waiting, schedule } = queue();
    const log = open(new MemoryLogDisk(), schedule);
    const appends = ['a', 'b'].map((text) => log.append(TOPIC, P0, [record(text)]));
    await Promise.resolve();
    waiting[1]!();
    expect(await appends[1]).toEqual({ firstOffset: 1, lastOffset: 1 });
    expect(await open(log.disk).watermarks(TOPIC, P0)).toEqual({ low: 0, end: 2 });
    waiting[0]!();
    expect(await appends[0]).toEqual({ firstOffset: 0, lastOffset: 0 });
    expect(await open(log.disk).watermarks(TOPIC, P0)).toEqual({ low: 0, end: 2 });
  });

  for (const keepUnflushed of [true, false]) {
    it(`a crash ${keepUnflushed ? 'keeps' : 'drops'} what was not flushed and never answers`, async () => {
      const { waiting, schedule } = queue();
      const log = open(new MemoryLogDisk(), schedule);
      const answers: unknown[] = [];
      void log.append(TOPIC, P0, [record('a')]).then((answer) => answers.push(answer));
      await Promise.resolve();
      const disk = log.crash({ keepUnflushed });
      for (const complete of waiting) complete();
      void log.read(TOPIC, P0, offset(0), { recordsMax: 1, bytesMax: 1 }).then((answer) => {
        answers.push(answer);
      });
      const found = await readAll(open(disk), TOPIC, P0);
      expect(found).toHaveLength(keepUnflushed ? 1 : 0);
      expect(answers).toEqual([]);
    });
  }
});
