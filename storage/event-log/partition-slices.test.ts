import { expect, it } from 'vitest';
import { epochMs, partitionIndex } from '../../schemas/ids.ts';
import { openTestLog } from '../../test/ingest/ingest-fixture.ts';
import { partitionSlices, type SliceRange, topicSlices } from './partition-slices.ts';

const TOPIC = 'interactions';
const PARTITION = partitionIndex(0);

const offsetsIn = async (
  log: ReturnType<typeof openTestLog>,
  range: SliceRange,
): Promise<readonly (readonly number[])[]> => {
  const found: number[][] = [];
  for await (const slice of partitionSlices(log, TOPIC, PARTITION, range)) {
    found.push(slice.map(({ offset }) => offset));
  }
  return found;
};

it('read a partition once through, from what is left of it to where it ended, cut at the range', async () => {
  const log = openTestLog();
  const record = (at: number) => ({ key: null, value: new Uint8Array(8), timestamp: epochMs(at) });
  expect(await offsetsIn(log, {})).toEqual([]);
  await log.append(TOPIC, PARTITION, [0, 1, 2, 3, 4, 5, 6].map(record));
  const limits = { recordsMax: 3, bytesMax: 1_000 };
  expect(await offsetsIn(log, { limits })).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
  expect(await offsetsIn(log, { limits, from: 2, to: 4 })).toEqual([[2, 3]]);
  expect(await offsetsIn(log, { limits, from: 5, to: 99 })).toEqual([[5, 6]]);
  await log.clean(TOPIC, { ageMs: 1 }, epochMs(3));
  const { low } = await log.watermarks(TOPIC, PARTITION);
  expect(low).toBeGreaterThan(0);
  expect((await offsetsIn(log, { from: 0 })).flat()[0]).toBe(low);
});

it('read every partition of a topic', async () => {
  const log = openTestLog();
  for (const partition of [0, 2, 2, 3]) {
    const record = { key: null, value: Uint8Array.of(partition), timestamp: epochMs(1) };
    await log.append(TOPIC, partitionIndex(partition), [record]);
  }
  const found: number[] = [];
  for await (const slice of topicSlices(log, TOPIC)) {
    found.push(...slice.map(({ value }) => value![0]!));
  }
  expect(found).toEqual([0, 2, 2, 3]);
});
