import { describe, expect, it } from 'vitest';
import { DEFAULT_DIVERSITY_OPTIONS, diversify } from './diversity.ts';

const genres = ['war', 'war', 'war', 'love', 'space'];
const view = {
  scores: [1, 0.9, 0.8, 0.5, 0.1],
  similarity: (a: number, b: number) => (genres[a] === genres[b] ? 1 : 0),
  categoriesOf: (candidate: number) => [genres[candidate]!],
};
const options = { ...DEFAULT_DIVERSITY_OPTIONS, count: 4, relevance: 1 };

describe('diversity', () => {
  it('keeps the order of the scores where only relevance counts', () => {
    expect(diversify(view, options)).toEqual([0, 1, 2, 3]);
  });

  it('prefers what is unlike what stands already', () => {
    expect(diversify(view, { ...options, relevance: 0.5 })).toEqual([0, 3, 4, 1]);
  });

  it('keeps a category below its cap as long as there is anything else', () => {
    expect(diversify(view, { ...options, categoryCap: 1 })).toEqual([0, 3, 4, 1]);
    expect(diversify(view, { ...options, categoryCap: 2 })).toEqual([0, 1, 3, 4]);
  });

  it('shows each item once, and no more than there are', () => {
    expect(diversify(view, { ...options, count: 9 }).sort()).toEqual([0, 1, 2, 3, 4]);
    expect(diversify({ ...view, scores: [] }, options)).toEqual([]);
    expect(diversify({ ...view, scores: [0, 0] }, options)).toEqual([0, 1]);
  });

  it('refuses options that make no sense', () => {
    expect(() => diversify(view, { ...options, relevance: 2 })).toThrow(/relevance/);
    expect(() => diversify(view, { ...options, categoryCap: 0 })).toThrow(/categoryCap/);
  });
});
