import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFreshetError } from '../errors.ts';
import { itemHashHex } from '../hash.ts';
import type { EpochMs, ItemId } from '../ids.ts';
import { decodeItemState, encodeItemState } from './item-codec.ts';
import type { ItemState, Neighbour } from './item-state.ts';
import { anyId, anyTime } from './subject-state.arbitrary.ts';

/** Bytes of version 1 as they were first written. They must be readable for ever. */
const GOLDEN_V1 =
  '0109686561742d313939350102056372696d6508746872696c6c65728082ebcf8b0100b420cb8b010e0415cd5b0701ff08ffffffffffffff7f04be010000000000000000020203ffffffff01000000400000000101fbffffffffffffffff02000000027fff020700000001f8ffffff0200000000ffffffff8600000000000100000000000000c003';

const golden: ItemState = {
  itemId: 'heat-1995' as ItemId,
  categories: ['crime', 'thriller'],
  deleted: true,
  lastEventAt: 1_700_000_400_000 as EpochMs,
  landmark: 1_699_920_000_000 as EpochMs,
  interactionCount: 7,
  popularity: 123_456_789n,
  trendFast: -1n,
  trendSlow: 0x7fff_ffff_ffff_ffffn,
  ratingCount: 2,
  ratingSumTenths: 95,
  ratingHistogram: [0, 0, 0, 0, 0, 0, 0, 0, 1, 1],
  neighbours: [
    {
      itemHash: '00000001ffffffff',
      forward: 0n,
      backward: 16_777_216n,
      people: 1,
      firstPeople: [{ subjectHash: -5, deltas: 255 }],
    },
    {
      itemHash: '00000002ffffffff',
      forward: -129n,
      backward: 0n,
      people: 2,
      firstPeople: [
        { subjectHash: 7, deltas: 1 },
        { subjectHash: -8, deltas: 2 },
      ],
    },
    {
      itemHash: 'ffffffff00000000',
      forward: 1n << 40n,
      backward: -(1n << 62n),
      people: 3,
      firstPeople: [],
    },
  ],
};

const wide = fc.oneof(
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.bigInt({ min: -70_000n, max: 70_000n }),
);
const person = fc.record({ subjectHash: fc.integer(), deltas: fc.integer({ min: 1, max: 255 }) });
const anyNeighbour: fc.Arbitrary<Neighbour> = fc
  .record({
    item: anyId,
    forward: wide,
    backward: wide,
    people: fc.constantFrom(1, 2, 3),
    crowd: fc.tuple(person, person),
  })
  .map(({ item, people, crowd, ...rest }) => ({
    ...rest,
    itemHash: itemHashHex(item),
    people: people as 1 | 2 | 3,
    firstPeople: people === 3 ? [] : crowd.slice(0, people),
  }));
const anyItemState: fc.Arbitrary<ItemState> = fc.record({
  itemId: anyId.map((id) => id as ItemId),
  categories: fc.array(anyId, { maxLength: 3 }),
  deleted: fc.boolean(),
  lastEventAt: anyTime,
  landmark: anyTime,
  interactionCount: fc.maxSafeInteger().map((count) => Math.trunc(count / 4) || 0),
  popularity: wide,
  trendFast: wide,
  trendSlow: wide,
  ratingCount: fc.nat(),
  ratingSumTenths: fc.nat(),
  ratingHistogram: fc.array(fc.integer(), { minLength: 10, maxLength: 10 }),
  neighbours: fc
    .uniqueArray(anyNeighbour, { selector: (neighbour) => neighbour.itemHash, maxLength: 9 })
    .map((list) => list.sort((left, right) => (left.itemHash < right.itemHash ? -1 : 1))),
});

describe('the bytes of an item state', () => {
  it('read the golden bytes of version 1', () => {
    expect(decodeItemState(Buffer.from(GOLDEN_V1, 'hex'))).toEqual(golden);
  });

  it('are those of version 1 still', () => {
    expect(Buffer.from(encodeItemState(golden)).toString('hex')).toBe(GOLDEN_V1);
  });

  it('give back every state', () => {
    fc.assert(
      fc.property(anyItemState, (state) => {
        expect(decodeItemState(encodeItemState(state))).toEqual(state);
      }),
    );
  });

  it('are refused when cut short, longer than they say, or of a later version', () => {
    const bytes = Buffer.from(GOLDEN_V1, 'hex');
    for (let length = 0; length < bytes.length; length++) {
      expect(refusal(bytes.subarray(0, length))).toBe(true);
    }
    expect(refusal(Buffer.concat([bytes, Buffer.from([0])]))).toBe(true);
    expect(refusal(Buffer.from([2, ...bytes.subarray(1)]))).toBe(true);
  });
});

const refusal = (bytes: Uint8Array): boolean => {
  try {
    decodeItemState(bytes);
    return false;
  } catch (error) {
    return isFreshetError(error, 'state_corrupt');
  }
};
