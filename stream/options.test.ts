import { expect, it } from 'vitest';
import { cachesFor, DEFAULT_STREAM_OPTIONS } from './options.ts';

it('[I9] keeps in memory over one, two or four partitions together what it keeps over four', () => {
  const { cachedSubjectsMax, cachedItemsMax } = DEFAULT_STREAM_OPTIONS.runner;
  for (const partitions of [1, 2, 4]) {
    const caches = cachesFor({ userPartitions: partitions, itemPartitions: partitions });
    expect(partitions * caches.cachedSubjectsMax).toBe(4 * cachedSubjectsMax);
    expect(partitions * caches.cachedItemsMax).toBe(4 * cachedItemsMax);
  }
});

it('gives each of more than four partitions what one of four has', () => {
  expect(cachesFor({ userPartitions: 16, itemPartitions: 8 })).toEqual(
    cachesFor({ userPartitions: 4, itemPartitions: 4 }),
  );
});
