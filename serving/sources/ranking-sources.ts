/**
 * The sources that go by everybody: trending (leaning to the categories that the person likes),
 * popular, latest. They answer for people of whom nothing is known, and give the others some air.
 */
import type { Catalogue } from '../catalogue.ts';
import type { ItemIndex } from '../item-index.ts';
import type { CategoryTaste } from '../profile.ts';
import type { Rankings } from '../rankings.ts';
import type { CandidateScores, CandidateSource, Retrieval } from './candidate-source.ts';

/** How far taste can raise or lower what trends. */
const TASTE_REACH = 2;
/** Each place further back in `latest` counts this much of the one before. */
const LATEST_STEP = 0.99;

export const trendingSource = (rankings: Rankings, catalogue: Catalogue): CandidateSource => ({
  part: 'trending',
  isPersonal: false,

  retrieve({ taste, category, commonMax }: Retrieval, scores: CandidateScores): void {
    const { slots, values } = rankings.list('trending', category);
    const count = Math.min(slots.length, commonMax);
    for (let index = 0; index < count; index++) {
      const value = values[index]!;
      if (value <= 0) return;
      const slot = slots[index]!;
      scores.add(slot, value * leaning(catalogue.categoriesOf(slot), taste));
    }
  },
});

export const popularSource = (
  rankings: Rankings,
  itemIndex: Pick<ItemIndex, 'popularityOf'>,
): CandidateSource => ({
  part: 'popular',
  isPersonal: false,

  retrieve({ category, commonMax, now }: Retrieval, scores: CandidateScores): void {
    const { slots } = rankings.list('popular', category);
    const count = Math.min(slots.length, commonMax);
    for (let index = 0; index < count; index++) {
      // The list goes on with what was popular years ago, which says nothing to anybody's own list.
      const value = itemIndex.popularityOf(slots[index]!, now);
      if (value > 0) scores.add(slots[index]!, value);
    }
  },
});

export const latestSource = (rankings: Rankings): CandidateSource => ({
  part: 'latest',
  isPersonal: false,

  retrieve({ category, commonMax }: Retrieval, scores: CandidateScores): void {
    const { slots } = rankings.list('latest', category);
    const count = Math.min(slots.length, commonMax);
    for (let index = 0, value = 1; index < count; index++, value *= LATEST_STEP) {
      scores.add(slots[index]!, value);
    }
  },
});

/** 1 for an item the person's taste says nothing about; e^±reach at the extremes. */
const leaning = (categories: readonly number[], taste: CategoryTaste): number => {
  if (taste.total === 0) return 1;
  let sum = 0;
  for (const category of categories) sum += taste.of(category);
  return sum === 0 ? 1 : Math.exp((TASTE_REACH * sum) / taste.total);
};
