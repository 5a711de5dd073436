/**
 * Maximal marginal relevance (Carbonell and Goldstein, 1998): each next item is the one with the
 * best balance of its own score and its likeness to what stands before it; and no first category
 * fills more than its share of the page while another has something to show.
 */
import type { Catalogue } from './catalogue.ts';

export interface DiversityRequest {
  /** 0: the order of scores. 1: difference alone. */
  readonly diversity: number;
  readonly limit: number;
  /** Share of the page that one first category may fill; 1 for no cap. */
  readonly categoryShareMax: number;
}

/** The places in `slots` (best score first) that are chosen, in their new order. */
export const diversified = (
  slots: readonly number[],
  scores: readonly number[],
  catalogue: Catalogue,
  request: DiversityRequest,
): number[] => {
  const limit = Math.min(request.limit, slots.length);
  const best = scores[0] ?? 0;
  const isPlain = request.diversity === 0 && request.categoryShareMax >= 1;
  if (isPlain || best <= 0) return Array.from({ length: limit }, (_, place) => place);
  const perCategoryMax = Math.max(1, Math.ceil(request.categoryShareMax * request.limit));
  const likeness = new Float64Array(slots.length);
  const isTaken = new Uint8Array(slots.length);
  const inCategory = new Map<number, number>();
  const firsts = slots.map((slot) => catalogue.firstCategoryOf(slot));
  const chosen: number[] = [];
  while (chosen.length < limit) {
    const isCapped = (place: number): boolean =>
      firsts[place] !== -1 && (inCategory.get(firsts[place]!) ?? 0) >= perCategoryMax;
    const next = bestPlace({ scores, best, likeness, isTaken, isCapped }, request.diversity);
    chosen.push(next);
    isTaken[next] = 1;
    inCategory.set(firsts[next]!, (inCategory.get(firsts[next]!) ?? 0) + 1);
    for (let place = 0; place < slots.length; place++) {
      if (isTaken[place] === 1) continue;
      const alike = catalogue.likeness(slots[place]!, slots[next]!);
      if (alike > likeness[place]!) likeness[place] = alike;
    }
  }
  return chosen;
};

interface Standing {
  readonly scores: readonly number[];
  readonly best: number;
  readonly likeness: Float64Array;
  readonly isTaken: Uint8Array;
  readonly isCapped: (place: number) => boolean;
}

const bestPlace = (standing: Standing, diversity: number): number => {
  const { scores, best, likeness, isTaken, isCapped } = standing;
  let found = -1;
  let foundCapped = -1;
  let value = Number.NEGATIVE_INFINITY;
  let valueCapped = Number.NEGATIVE_INFINITY;
  for (let place = 0; place < scores.length; place++) {
    if (isTaken[place] === 1) continue;
    const balance = (1 - diversity) * (scores[place]! / best) - diversity * likeness[place]!;
    if (balance > value && !isCapped(place)) {
      value = balance;
      found = place;
    }
    if (balance > valueCapped) {
      valueCapped = balance;
      foundCapped = place;
    }
  }
  return found >= 0 ? found : foundCapped;
};
