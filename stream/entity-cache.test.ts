import { expect, it } from 'vitest';
import { EntityCache } from './entity-cache.ts';

/** Entities are texts in a box, so that they can be changed in place. */
interface Box {
  text: string;
}

const cacheOf = (keys: readonly string[]): EntityCache<Box> => {
  const cache = new EntityCache<Box>(
    {
      decode: (bytes) => ({ text: Buffer.from(bytes).toString() }),
      encode: ({ text }) => Buffer.from(text),
      bytesMaxOf: ({ text }) => text.length,
    },
    100,
  );
  for (const key of keys) cache.load(key, Buffer.from(`old ${key}`));
  return cache;
};

const change = (cache: EntityCache<Box>, key: string, text: string | undefined): void => {
  const slot = cache.slotOf(key);
  cache.set(slot, text === undefined ? undefined : { text });
};

const textsOf = (cache: EntityCache<Box>): readonly (readonly [string, string | undefined])[] =>
  cache.changes().map(({ key, value }) => [key, value && Buffer.from(value).toString()]);

it('gives the same changes whether or not they were encoded piece by piece before', () => {
  const cache = cacheOf(['a', 'b', 'c']);
  change(cache, 'a', 'new a');
  change(cache, 'b', undefined);
  change(cache, 'c', 'new c');
  expect(cache.encodeAhead(2)).toBe(true);
  expect(cache.encodeAhead(2)).toBe(false);
  const changes = [
    ['a', 'new a'],
    ['b', undefined],
    ['c', 'new c'],
  ];
  expect(textsOf(cache)).toEqual(changes);
  expect(cache.changedCount).toBe(0);
  expect(textsOf(cache)).toEqual([]);
});

it('does not give what was encoded ahead of a later change', () => {
  const cache = cacheOf(['a', 'b']);
  change(cache, 'a', 'first');
  cache.encodeAhead(9);
  change(cache, 'a', 'second');
  change(cache, 'b', 'new b');
  expect(textsOf(cache)).toEqual([
    ['a', 'second'],
    ['b', 'new b'],
  ]);
});
