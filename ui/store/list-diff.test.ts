import { describe, expect, it } from 'vitest';
import { applyDiff, isMoving, listOfSnapshot } from './list-diff.ts';
import { diff, entry, listAnswer } from './messages.fixture.ts';

const before = listOfSnapshot(listAnswer('a', 'b', 'c', 'd'), null);
const titles = (list: typeof before): string[] => list.answer.items.map(({ itemId }) => itemId);

describe('a list after a diff', () => {
  it('has what entered, without what left, in order of rank', () => {
    const after = applyDiff(
      before,
      diff({
        left: ['b'],
        entered: [entry('x', 1)],
        moved: [
          { itemId: 'a', from: 1, to: 2 },
          { itemId: 'c', from: 3, to: 3 },
        ],
      }),
    );
    expect(titles(after)).toEqual(['x', 'a', 'c', 'd']);
    expect([...after.entered]).toEqual(['x']);
    expect(after.movedBy.get('a')).toBe(-1);
    expect(after.revision).toBe(before.revision + 1);
  });

  it('takes new scores without calling them a move', () => {
    const message = diff({ changed: [{ ...entry('a', 1), score: 9 }] });
    const after = applyDiff(before, message);
    expect(isMoving(message)).toBe(false);
    expect(after.answer.items[0]?.score).toBe(9);
    expect(after.revision).toBe(before.revision);
  });

  it('knows an item that left and came back in one diff', () => {
    const after = applyDiff(before, diff({ left: ['d'], entered: [entry('d', 2)] }));
    expect(titles(after).filter((id) => id === 'd')).toEqual(['d']);
    expect(after.entered.has('d')).toBe(false);
  });

  it('leaves the list it came from as it was', () => {
    applyDiff(before, diff({ left: ['a', 'b', 'c', 'd'] }));
    expect(titles(before)).toEqual(['a', 'b', 'c', 'd']);
  });
});
