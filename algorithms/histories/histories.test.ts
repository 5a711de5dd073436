import { describe, expect, it } from 'vitest';
import { checkHistories, historiesOf, historiesOfRows, historyOf } from './histories.ts';
import { transposeOf, userItemsOf } from './user-items.ts';

describe('histories', () => {
  it('order each user by time, ties by the input', () => {
    const histories = historiesOf(
      [
        { user: 1, item: 0, time: 9 },
        { user: 1, item: 1, time: 3 },
        { user: 1, item: 2, time: 3 },
      ],
      { userCount: 2, itemCount: 3 },
    );
    expect([...historyOf(histories, 1).items]).toEqual([1, 2, 0]);
    expect(historyOf(histories, 0).items).toHaveLength(0);
  });

  it('refuse what no model may count', () => {
    const size = { userCount: 1, itemCount: 2 };
    expect(() => historiesOf([{ user: 0, item: 2 }], size)).toThrow(/Expected an item to be/);
    expect(() => historiesOf([{ user: -1, item: 0 }], size)).toThrow(/Expected a user to be/);
    for (const weight of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => historiesOf([{ user: 0, item: 0, weight }], size)).toThrow(/Expected a weight/);
    }
    const odd = { ...historiesOfRows([[0]], 1), starts: Uint32Array.of(0, 5) };
    expect(() => checkHistories(odd)).toThrow(/Expected the row starts/);
  });

  it('may be empty', () => {
    const none = historiesOf([], { userCount: 0, itemCount: 0 });
    expect(userItemsOf(none).columns).toHaveLength(0);
  });
});

describe('histories as a sparse matrix', () => {
  it('keep the last value of a pair that occurs twice', () => {
    const histories = historiesOf(
      [
        { user: 0, item: 3, weight: 1 },
        { user: 0, item: 1, weight: 2 },
        { user: 0, item: 3, weight: 5 },
      ],
      { userCount: 1, itemCount: 4 },
    );
    const rows = userItemsOf(histories);
    expect([...rows.columns]).toEqual([1, 3]);
    expect([...rows.values]).toEqual([2, 5]);
  });

  it('come back from transposing twice', () => {
    const rows = userItemsOf(
      historiesOfRows(
        [
          [2, 0],
          [1, 2],
        ],
        3,
      ),
    );
    expect(transposeOf(transposeOf(rows))).toEqual(rows);
    expect([...transposeOf(rows).starts]).toEqual([0, 1, 2, 4]);
  });
});
