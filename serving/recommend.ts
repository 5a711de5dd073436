/**
 * How a list is made: retrieve → filter → score → diversify → explain.
 *
 * Each source proposes items with raw scores. A part is w·log(1 + p/ε), p being the item's share of
 * its source's list; an item's score is the sum of its parts in the order of PARTS, so that the parts
 * of an answer add up to its score in every bit. What was disliked pushes down what is like it and
 * never speaks for anything.
 *
 * Everything here is synchronous and keeps its scratch between requests: a list is made within one
 * turn of the event loop or not at all.
 */
import type { Removal } from '../schemas/api/explanations.ts';
import type { Rung } from '../schemas/api/lists.ts';
import type { EpochMs } from '../schemas/ids.ts';
import type { Catalogue } from './catalogue.ts';
import { diversified } from './diversity.ts';
import { type Reason, reasonsOf } from './explanation.ts';
import type { ItemPredicate } from './filters/filter-expression.ts';
import { type FilterRequest, removalOf } from './filters/list-filter.ts';
import type { ItemIndex } from './item-index.ts';
import type { LadderOptions, PartName } from './options.ts';
import { PARTS } from './options.ts';
import { categoryTaste, type Profile } from './profile.ts';
import type { Rankings } from './rankings.ts';
import { largest } from './selection.ts';
import { aversionOf } from './sources/aversion.ts';
import {
  CandidateScores,
  type CandidateSource,
  type Contribution,
  type Retrieval,
} from './sources/candidate-source.ts';
import type { ContentNeighbours } from './sources/content-source.ts';

/** Whose list it is, which decides the name of the highest rung. */
export type Audience = 'user' | 'session';

export interface ListRequest {
  readonly profile: Profile;
  readonly audience: Audience;
  readonly now: EpochMs;
  readonly limit: number;
  /** Items on the pages before. */
  readonly rankBase: number;
  readonly category: number | undefined;
  readonly predicate: ItemPredicate | undefined;
  readonly isExcluded: (slot: number) => boolean;
  readonly includeSeen: boolean;
  readonly diversity: number;
  readonly explain: boolean;
  /** The parts that take part; left out, all. */
  readonly only?: readonly PartName[];
  /** Items that the list is about, instead of a person. */
  readonly about?: readonly number[];
}

export interface RankedItem {
  readonly slot: number;
  /** From 1, over all pages. */
  readonly rank: number;
  /** The rank that the score alone would have given. */
  readonly scoreRank: number;
  readonly score: number;
  /** In the order of PARTS. */
  readonly parts: readonly number[];
  readonly reasons: readonly Reason[];
}

export interface HeldSource {
  readonly part: PartName;
  readonly why: string;
}

export interface RankedList {
  readonly items: readonly RankedItem[];
  readonly rung: Rung;
  readonly held: readonly HeldSource[];
  /** Whether there may be another page. */
  readonly hasMore: boolean;
}

/** Where one item stands in a person's ranking, or what keeps it out. */
export interface Standing {
  readonly item: RankedItem;
  /** null when it is not among the candidates. */
  readonly rank: number | null;
  readonly removal: Removal | undefined;
  readonly rung: Rung;
  readonly held: readonly HeldSource[];
}

export interface RecommenderParts {
  readonly catalogue: Catalogue;
  readonly itemIndex: ItemIndex;
  readonly rankings: Rankings;
  readonly content: ContentNeighbours;
  readonly sources: readonly CandidateSource[];
  readonly ladder: LadderOptions;
}

interface Scored {
  readonly slots: readonly number[];
  readonly scores: readonly number[];
}

const NO_PARTS: readonly number[] = PARTS.map(() => 0);

export class Recommender {
  readonly #given: RecommenderParts;
  readonly #scores: readonly CandidateScores[];
  #union = new Int32Array(1024);
  #unionCount = 0;
  #sums = new Float64Array(0);
  #marks = new Int32Array(0);

  constructor(given: RecommenderParts) {
    this.#given = given;
    this.#scores = given.sources.map(() => new CandidateScores());
  }

  recommend(request: ListRequest): RankedList {
    const retrieval = this.#retrieve(request);
    const kept = this.#filter(request);
    const best = this.#score(kept, request.limit);
    const chosen = this.#diversify(best, request);
    return this.#explain(chosen, retrieval, request);
  }

  /** The same steps for one item alone. */
  stand(request: ListRequest, slot: number): Standing {
    const retrieval = this.#retrieve(request);
    const kept = this.#filter(request);
    const { slots } = this.#score(kept, kept.length);
    const place = slots.indexOf(slot);
    const [item] = this.#explainItems([{ slot, scoreRank: place + 1 }], retrieval, request);
    return {
      item: item!,
      rank: place < 0 ? null : place + 1,
      removal: removalOf(slot, this.#given.catalogue, request),
      ...this.#verdict([item!], retrieval, request),
    };
  }

  // 1. Retrieve: every source proposes its best.

  #retrieve(request: ListRequest): Retrieval {
    const { sources, ladder, itemIndex, catalogue, content } = this.#given;
    const { profile, category, now } = request;
    const retrieval: Retrieval = {
      profile,
      taste: categoryTaste(profile, catalogue),
      aversion: aversionOf(profile, { itemIndex, content, now }),
      category,
      now,
      candidatesMax: ladder.candidatesMax,
    };
    const { capacity } = catalogue.slots;
    for (let index = 0; index < sources.length; index++) {
      const scores = this.#scores[index]!;
      scores.reset(capacity);
      const source = sources[index]!;
      if (request.only !== undefined && !request.only.includes(source.part)) continue;
      source.retrieve(retrieval, scores);
      scores.keepBest(ladder.candidatesMax);
      for (const [slot, lost] of retrieval.aversion) scores.scale(slot, 1 - lost);
    }
    return retrieval;
  }

  // 2. Filter: what may be shown, of what was proposed; then, should that be too little, of all.

  #filter(request: ListRequest): number[] {
    const { catalogue, ladder } = this.#given;
    this.#unite(catalogue.slots.capacity);
    const kept: number[] = [];
    for (let index = 0; index < this.#unionCount; index++) {
      const slot = this.#union[index]!;
      if (removalOf(slot, catalogue, request) === undefined) kept.push(slot);
    }
    const wanted = request.limit + 1;
    if (kept.length < wanted) this.#fillUp(kept, wanted, request);
    // Whoever has seen everything sees it again rather than nothing.
    if (kept.length === 0 && !request.includeSeen && request.rankBase === 0) {
      this.#fillUp(kept, ladder.candidatesMax, { ...request, includeSeen: true });
    }
    return kept;
  }

  #unite(capacity: number): void {
    if (this.#marks.length < capacity) {
      this.#marks = new Int32Array(capacity);
      this.#sums = new Float64Array(capacity);
    }
    this.#unionCount = 0;
    for (const scores of this.#scores) {
      for (let index = 0; index < scores.count; index++) {
        const slot = scores.slotAt(index);
        if (this.#marks[slot] !== 0) continue;
        this.#marks[slot] = 1;
        if (this.#unionCount === this.#union.length) this.#growUnion();
        this.#union[this.#unionCount++] = slot;
      }
    }
    for (let index = 0; index < this.#unionCount; index++) this.#marks[this.#union[index]!] = 0;
  }

  #growUnion(): void {
    const grown = new Int32Array(this.#union.length * 2);
    grown.set(this.#union);
    this.#union = grown;
  }

  #fillUp(kept: number[], wanted: number, request: FilterRequest): void {
    const { catalogue, rankings } = this.#given;
    const taken = new Set(kept);
    const take = (slot: number): void => {
      if (taken.has(slot) || removalOf(slot, catalogue, request) !== undefined) return;
      taken.add(slot);
      kept.push(slot);
    };
    for (const name of ['popular', 'latest'] as const) {
      for (const slot of rankings.list(name, request.category).slots) {
        if (kept.length >= wanted) return;
        take(slot);
      }
    }
    for (const slot of catalogue.present()) {
      if (kept.length >= wanted) return;
      take(slot);
    }
  }

  // 3. Score: the sum of the parts. Best first.

  #score(kept: readonly number[], limit: number): Scored {
    const { ladder } = this.#given;
    for (const slot of kept) this.#sums[slot] = 0;
    for (let part = 0; part < this.#scores.length; part++) {
      for (const slot of kept) this.#sums[slot]! += this.#part(part, slot);
    }
    const pool = limit + ladder.diversityPool;
    const slots = largest(kept, kept.length, pool, (slot) => this.#sums[slot]!);
    return { slots, scores: slots.map((slot) => this.#sums[slot]!) };
  }

  #part(index: number, slot: number): number {
    const scores = this.#scores[index]!;
    const raw = scores.rawOf(slot);
    if (raw <= 0) return 0;
    const { weight, epsilon, mass } = this.#given.ladder.parts[PARTS[index]!];
    return weight * Math.log(1 + raw / (scores.total + mass) / epsilon);
  }

  // 4. Diversify: the page, chosen from the best.

  #diversify({ slots, scores }: Scored, request: ListRequest): Scored & { places: number[] } {
    const { catalogue, ladder } = this.#given;
    const places = diversified(slots, scores, catalogue, {
      diversity: request.diversity,
      limit: request.limit,
      categoryShareMax:
        request.category === undefined && request.diversity > 0 ? ladder.categoryShareMax : 1,
    });
    return { slots, scores, places };
  }

  // 5. Explain: what each part is, and which events are behind it.

  #explain(
    { slots, places }: { readonly slots: readonly number[]; readonly places: readonly number[] },
    retrieval: Retrieval,
    request: ListRequest,
  ): RankedList {
    const chosen = places.map((place) => ({ slot: slots[place]!, scoreRank: place + 1 }));
    const items = this.#explainItems(chosen, retrieval, request);
    const hasMore = slots.length > places.length;
    return { items, hasMore, ...this.#verdict(items, retrieval, request) };
  }

  #explainItems(
    chosen: readonly { readonly slot: number; readonly scoreRank: number }[],
    retrieval: Retrieval,
    request: ListRequest,
  ): RankedItem[] {
    const { catalogue, ladder } = this.#given;
    const about = request.about ?? [];
    const isPersonal = request.explain && about.length === 0;
    const contributions = isPersonal ? this.#contributions(chosen, retrieval) : [];
    return chosen.map(({ slot, scoreRank }, index) => {
      const parts = this.#scores.map((_, part) => this.#part(part, slot));
      const score = parts.reduce((sum, part) => sum + part, 0);
      const explanation = {
        slot,
        parts,
        score,
        contributions: contributions[index],
        about,
        category: request.category,
        taste: retrieval.taste,
        now: request.now,
        becauseMax: ladder.becauseMax,
      };
      return {
        slot,
        rank: request.rankBase + index + 1,
        scoreRank: request.rankBase + scoreRank,
        score,
        parts: score === 0 ? NO_PARTS : parts,
        reasons: request.explain ? reasonsOf(explanation, catalogue) : [],
      };
    });
  }

  /** What each event gave, by place in `chosen` and by part. */
  #contributions(
    chosen: readonly { readonly slot: number }[],
    retrieval: Retrieval,
  ): Map<PartName, Contribution[]>[] {
    const found = chosen.map(() => new Map<PartName, Contribution[]>());
    for (let index = 0; index < chosen.length; index++)
      this.#marks[chosen[index]!.slot] = index + 1;
    const wants = (slot: number): boolean => this.#marks[slot] !== 0;
    for (const { part, contribute } of this.#given.sources) {
      contribute?.(retrieval, wants, (slot, contribution) => {
        const parts = found[this.#marks[slot]! - 1]!;
        const list = parts.get(part);
        if (list === undefined) parts.set(part, [contribution]);
        else list.push(contribution);
      });
    }
    for (const { slot } of chosen) this.#marks[slot] = 0;
    return found;
  }

  /** Which rung answered, and which sources a floor kept silent. */
  #verdict(
    items: readonly RankedItem[],
    retrieval: Retrieval,
    { audience, category, only }: ListRequest,
  ): { readonly rung: Rung; readonly held: readonly HeldSource[] } {
    const held: HeldSource[] = [];
    this.#given.sources.forEach((source, index) => {
      if (this.#scores[index]!.count > 0) return;
      if (only !== undefined && !only.includes(source.part)) return;
      const why = source.held?.(retrieval);
      if (why !== undefined) held.push({ part: source.part, why });
    });
    const leans = retrieval.taste.size > 0 || category !== undefined;
    return { rung: rungOf(items, { audience, leans }), held };
  }
}

const placeOf = (part: PartName): number => PARTS.indexOf(part);
const PLACES = {
  together: placeOf('together'),
  next: placeOf('next'),
  content: placeOf('content'),
  trending: placeOf('trending'),
  popular: placeOf('popular'),
};

const rungOf = (
  items: readonly RankedItem[],
  { audience, leans }: { readonly audience: Audience; readonly leans: boolean },
): Rung => {
  const has = (place: number): boolean => items.some(({ parts }) => parts[place]! > 0);
  if (has(PLACES.together) || has(PLACES.next)) {
    return audience === 'user' ? 'personalised' : 'session';
  }
  if (has(PLACES.content)) return 'content';
  if (has(PLACES.trending)) return leans ? 'category-trend' : 'trend';
  return has(PLACES.popular) ? 'trend' : 'latest';
};
