/**
 * Maximal marginal relevance (Carbonell and Goldstein, 1998) with caps: place after place the
 * candidate with the largest
 *
 *   relevance · score ÷ best score − (1 − relevance) · largest similarity to what is chosen already
 *
 * among those whose categories are not full. Where all that is left is in full categories the caps
 * give way, since a short list helps nobody. Equal values: the earlier candidate.
 */
import { checkCount, checkRange } from '../model/option-checks.ts';

export interface DiversityOptions {
  readonly count: number;
  /** 1 ranks by score alone, 0 by difference alone. */
  readonly relevance: number;
  /** At most so many items of one category. */
  readonly categoryCap: number;
}

export const DEFAULT_DIVERSITY_OPTIONS: DiversityOptions = {
  count: 10,
  relevance: 0.8,
  categoryCap: Number.POSITIVE_INFINITY,
};

export interface DiversityView {
  /** Best first, at least 0. */
  readonly scores: ArrayLike<number>;
  /** Similarity of two candidates, 0 to 1. */
  similarity(a: number, b: number): number;
  categoriesOf(candidate: number): Iterable<string>;
}

/** Candidates (by index) in the order in which they are shown. */
export const diversify = (view: DiversityView, options: DiversityOptions): number[] => {
  checkCount('count', options.count);
  checkRange('relevance', options.relevance, { min: 0, max: 1 });
  checkRange('categoryCap', options.categoryCap, { min: 1, max: Number.POSITIVE_INFINITY });
  const left = new Set(Array.from({ length: view.scores.length }, (_, candidate) => candidate));
  const closest = new Float64Array(view.scores.length);
  const taken = new Map<string, number>();
  const chosen: number[] = [];
  const isFull = (candidate: number): boolean => {
    for (const category of view.categoriesOf(candidate)) {
      if ((taken.get(category) ?? 0) >= options.categoryCap) return true;
    }
    return false;
  };
  const best = Math.max(...Array.from(view.scores), 0) || 1;
  const worth = (candidate: number): number =>
    (options.relevance * view.scores[candidate]!) / best -
    (1 - options.relevance) * closest[candidate]!;
  const choose = (candidate: number): void => {
    chosen.push(candidate);
    left.delete(candidate);
    for (const category of view.categoriesOf(candidate)) {
      taken.set(category, (taken.get(category) ?? 0) + 1);
    }
    for (const other of left) {
      closest[other] = Math.max(closest[other]!, view.similarity(other, candidate));
    }
  };
  while (chosen.length < options.count && left.size > 0) {
    const open = [...left].filter((candidate) => !isFull(candidate));
    const pool = open.length > 0 ? open : [...left];
    choose(pool.reduce((top, candidate) => (worth(candidate) > worth(top) ? candidate : top)));
  }
  return chosen;
};
