import { describe, expect, it } from 'vitest';
import { QualityWindow } from './quality-window.ts';

const windowOf = (size: number) =>
  new QualityWindow({ size, sources: ['blend', 'popular'], baseline: 'popular' });
const lists = (blend: readonly number[], popular: readonly number[] = [1, 2, 3]) =>
  new Map([
    ['blend', blend],
    ['popular', popular],
  ]);

describe('live quality', () => {
  it('says where the item stood in each list', () => {
    const window = windowOf(10);
    window.add(lists([7, 8, 9]), 7);
    window.add(lists([7, 8, 9]), 8);
    window.add(lists([7, 8, 9]), 5);
    const [blend, popular] = window.read(12);
    expect(blend).toMatchObject({ source: 'blend', hitRate: 2 / 3, mrr: 0.5, coverage: 0.25 });
    expect(blend!.ndcg).toBeCloseTo((1 + 1 / Math.log2(3)) / 3, 12);
    expect(popular).toMatchObject({ hitRate: 0, ndcg: 0, mrr: 0 });
  });

  it('looks back on its window alone', () => {
    const window = windowOf(4);
    for (let event = 0; event < 4; event++) window.add(lists([1, 20 + event]), 1);
    for (let event = 0; event < 4; event++) window.add(lists([2]), 1);
    const [blend] = window.read(100);
    expect(blend).toMatchObject({ hitRate: 0, coverage: 0.01 });
    expect(window.tested).toBe(8);
  });

  it('calls a source better than the baseline only beyond chance', () => {
    const window = windowOf(100);
    for (let event = 0; event < 4; event++) window.add(lists([7]), 7);
    expect(window.read(10)[0]!.verdict).toBe('same');
    for (let event = 0; event < 20; event++) window.add(lists([7]), 7);
    expect(window.read(10)[0]!.verdict).toBe('better');
    for (let event = 0; event < 100; event++) window.add(lists([7]), 1);
    expect(window.read(10)[0]!.verdict).toBe('worse');
  });

  it('has nothing to say before the first event, and counts a source without a list as a miss', () => {
    const window = windowOf(4);
    expect(window.read(10)).toEqual([]);
    window.add(new Map([['popular', [3]]]), 3);
    expect(window.read(10).map(({ hitRate }) => hitRate)).toEqual([0, 1]);
  });
});
