/**
 * How a list is made: retrieve → filter → score → diversify → explain.
 *
 * Each source proposes items with raw scores. A part is w·log(1 + p/ε), to six digits, p being the
 * item's share of its source's list; an item's score is the sum of its parts in the order of PARTS,
 * so that the parts of an answer add up to its score in every bit. What was disliked pushes down what is like it and
 * never speaks for anything.
 *
 * Everything here is synchronous and keeps its scratch between requests: a list is made within one
 * turn of the event loop or not at all.
 */
import type { Removal } from '../schemas/api/explanations.ts';
import type { Rung } from '../schemas/api/lists.ts';
import type { EpochMs } from '../schemas/ids.ts';
import { type Best, CandidateBoard } from './candidate-board.ts';
import type { Catalogue } from './catalogue.ts';
import type { PageCursor } from './cursor.ts';
import { diversified } from './diversity.ts';
import { type Reason, reasonsOf, StrongestEvents, toldParts } from './explanation.ts';
import type { ItemPredicate } from './filters/filter-expression.ts';
import {
  eachNamedRemoval,
  type FilterRequest,
  lateFilter,
  removalOf,
} from './filters/list-filter.ts';
import type { ItemIndex } from './item-index.ts';
import type { LadderOptions, PartName } from './options.ts';
import { PARTS } from './options.ts';
import { CategoryTaste, type Profile } from './profile.ts';
import type { Rankings } from './rankings.ts';
import { MODEL_OF_PART, MODEL_PARTS, type ServingRelease } from './release/serving-release.ts';
import { Aversion } from './sources/aversion.ts';
import type { CandidateSource, Give, Retrieval } from './sources/candidate-source.ts';
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
  readonly excluded: ReadonlySet<number>;
  readonly page: PageCursor;
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

/** Version of each model that had a part in a list; null where there is none yet. */
export type Models = Readonly<Record<string, string | null>>;

export interface HeldSource {
  readonly part: PartName;
  readonly why: string;
}

export interface RankedList {
  readonly items: readonly RankedItem[];
  readonly rung: Rung;
  readonly held: readonly HeldSource[];
  readonly models: Models;
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
  readonly models: Models;
}

export interface RecommenderParts {
  readonly catalogue: Catalogue;
  readonly itemIndex: ItemIndex;
  readonly rankings: Rankings;
  readonly content: ContentNeighbours;
  readonly sources: readonly CandidateSource[];
  readonly ladder: LadderOptions;
  readonly releases: { readonly current: ServingRelease | undefined };
}

/** Of the names that were looked at: the engine passes over what nobody keeps. */
const looked = { length: 0 };
/** Lists up to this length are a first page. */
const LIMIT_PLAIN = 30;
const NO_PARTS: readonly number[] = PARTS.map(() => 0);
const NO_EVENTS: readonly (StrongestEvents | undefined)[] = PARTS.map(() => undefined);

export class Recommender {
  readonly #given: RecommenderParts;
  readonly #board: CandidateBoard;
  readonly #aversion: Aversion;
  readonly #block = (slot: number): void => this.#board.block(slot);

  constructor(given: RecommenderParts) {
    this.#given = given;
    this.#board = new CandidateBoard();
    this.#aversion = new Aversion(given.itemIndex, given.content);
  }

  recommend(request: ListRequest): RankedList {
    const retrieval = this.#retrieve(request);
    this.#filter(request);
    const best = this.#score(request.limit + this.#given.ladder.diversityPool);
    const chosen = this.#diversify(best, request);
    return this.#explain(best, chosen, retrieval, request);
  }

  /** The same steps for one item alone. */
  stand(request: ListRequest, slot: number): Standing {
    const retrieval = this.#retrieve(request);
    this.#filter(request);
    const { slots } = this.#score(this.#board.keptCount);
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
    const { sources, ladder, catalogue, releases } = this.#given;
    const { profile, category, now, only, includeSeen } = request;
    // Taken once: whatever the list is made of is of one release.
    const release = releases.current;
    const taste = new CategoryTaste(profile, catalogue);
    const isThinned = isThinnedOut(request);
    const candidatesMax = isThinned ? ladder.candidatesMax : ladder.plainCandidatesMax;
    const commonMax = isThinned ? ladder.candidatesMax : ladder.commonCandidatesMax;
    const isBlend = only === undefined || only.length > 1;
    const weights = isBlend ? (release?.weights ?? ladder.parts) : this.#weightsOfOne(only[0]!);
    const retrieval: Retrieval = {
      profile,
      taste,
      category,
      now,
      release,
      weights,
      includeSeen,
      candidatesMax,
      commonMax,
    };
    this.#board.begin(catalogue.slots.capacity, weights);
    for (let index = 0; index < sources.length; index++) {
      const source = sources[index]!;
      if (only !== undefined && !only.includes(source.part)) continue;
      // What weighs nothing need not be looked for.
      if (weights[source.part].weight === 0) continue;
      const scores = this.#board.scores[index]!;
      source.retrieve(retrieval, scores);
      scores.keepBest(candidatesMax);
    }
    if (this.#aversion.learn(profile, now)) this.#board.avoid(this.#aversion);
    return retrieval;
  }

  /** A list by one part alone is no blend: whether people are to see the part is not the question. */
  #weightsOfOne(part: PartName): Retrieval['weights'] {
    const { parts } = this.#given.ladder;
    if (parts[part].weight > 0) return parts;
    return { ...parts, [part]: { ...parts[part], weight: 1 } };
  }

  // 2. Filter: what may be shown, of what was proposed; then, should that be too little, of all.

  #filter(request: ListRequest): void {
    const { catalogue, ladder } = this.#given;
    eachNamedRemoval(request, catalogue.slots, this.#block);
    this.#board.keep(lateFilter(catalogue, request));
    const wanted = request.limit + 1;
    if (this.#board.keptCount < wanted) this.#fillUp(wanted, request);
    // Whoever has seen everything sees it again rather than nothing.
    if (this.#board.keptCount === 0 && !request.includeSeen && request.rankBase === 0) {
      this.#fillUp(ladder.candidatesMax, { ...request, includeSeen: true });
    }
  }

  #fillUp(wanted: number, request: FilterRequest): void {
    const { catalogue, rankings } = this.#given;
    const board = this.#board;
    const take = (slot: number): void => {
      if (!board.isKept(slot) && removalOf(slot, catalogue, request) === undefined) board.add(slot);
    };
    for (const name of ['popular', 'latest'] as const) {
      for (const slot of rankings.list(name, request.category).slots) {
        if (board.keptCount >= wanted) return;
        take(slot);
      }
    }
    for (const slot of catalogue.present()) {
      if (board.keptCount >= wanted) return;
      take(slot);
    }
  }

  // 3. Score: the sum of the parts. Best first.

  #score(count: number): Best {
    return this.#board.best(count);
  }

  // 4. Diversify: the page, chosen from the best.

  #diversify({ slots, scores }: Best, request: ListRequest): number[] {
    const { catalogue, ladder } = this.#given;
    const isCapped = request.category === undefined && request.diversity > 0;
    return diversified(slots, scores, catalogue, {
      diversity: request.diversity,
      limit: request.limit,
      categoryShareMax: isCapped ? ladder.categoryShareMax : 1,
    });
  }

  // 5. Explain: what each part is, and which events are behind it.

  #explain(
    { slots }: Best,
    places: readonly number[],
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
    const parts = chosen.map(({ slot }) => this.#board.partsOf(slot));
    const told = parts.map((own) => (request.explain ? toldParts(own, ladder.reasonsMax) : []));
    const events = about.length === 0 ? this.#eventsBehind(chosen, told, retrieval) : [];
    this.#fetchNames(chosen, events);
    return chosen.map(({ slot, scoreRank }, index) => {
      const own = parts[index]!;
      const score = own.reduce((sum, part) => sum + part, 0);
      const explanation = {
        slot,
        parts: own,
        told: told[index]!,
        score,
        events: events[index] ?? NO_EVENTS,
        about,
        category: request.category,
        taste: retrieval.taste,
        now: request.now,
      };
      return {
        slot,
        rank: request.rankBase + index + 1,
        scoreRank: request.rankBase + scoreRank,
        score,
        parts: score === 0 ? NO_PARTS : own,
        reasons: reasonsOf(explanation, catalogue),
      };
    });
  }

  /** Looks at all the names that will be written, since one after the other each waits for memory. */
  #fetchNames(
    chosen: readonly { readonly slot: number }[],
    events: readonly (readonly (StrongestEvents | undefined)[])[],
  ): void {
    const { catalogue } = this.#given;
    let length = 0;
    for (const { slot } of chosen) length += catalogue.jsonHead(slot).length;
    for (const own of events) {
      for (const strongest of own) {
        if (strongest === undefined) continue;
        for (const { slot } of strongest.events) {
          length += catalogue.jsonHead(slot).length + catalogue.titleOf(slot).length;
        }
      }
    }
    looked.length = length;
  }

  /** The events that gave most to the parts that are told, by place in `chosen` and by part. */
  #eventsBehind(
    chosen: readonly { readonly slot: number }[],
    told: readonly (readonly number[])[],
    retrieval: Retrieval,
  ): (StrongestEvents | undefined)[][] {
    const { sources, ladder } = this.#given;
    const found = chosen.map(() => [...NO_EVENTS]);
    for (let part = 0; part < sources.length; part++) {
      const source = sources[part]!;
      if (source.contribute === undefined) continue;
      const slots: number[] = [];
      const strongest: StrongestEvents[] = [];
      for (let index = 0; index < chosen.length; index++) {
        if (!told[index]!.includes(part)) continue;
        slots.push(chosen[index]!.slot);
        const own = new StrongestEvents(ladder.becauseMax);
        strongest.push(own);
        found[index]![part] = own;
      }
      if (slots.length === 0) continue;
      const give: Give = (place, event, amount) => strongest[place - 1]!.add(event, amount);
      this.#board.withPlaces(slots, (places) =>
        source.contribute!(retrieval, { slots, places }, give),
      );
    }
    return found;
  }

  /** Which rung answered, and which sources a floor kept silent. */
  #verdict(
    items: readonly RankedItem[],
    retrieval: Retrieval,
    { audience, category, only }: ListRequest,
  ): Pick<RankedList, 'rung' | 'held' | 'models'> {
    const held: HeldSource[] = [];
    this.#given.sources.forEach((source, index) => {
      if (this.#board.scores[index]!.count > 0) return;
      if (only !== undefined && !only.includes(source.part)) return;
      if (retrieval.weights[source.part].weight === 0) return;
      const why = source.held?.(retrieval);
      if (why !== undefined) held.push({ part: source.part, why });
    });
    const leans = retrieval.taste.total > 0 || category !== undefined;
    const rung = rungOf(items, { audience, leans });
    return { rung, held, models: this.#modelsOf(retrieval.release, only) };
  }

  #modelsOf(release: ServingRelease | undefined, only: ListRequest['only']): Models {
    const models: Record<string, string | null> = {};
    for (const part of MODEL_PARTS) {
      if (only !== undefined && !only.includes(part)) continue;
      const kind = MODEL_OF_PART[part];
      if (!release?.kinds.has(kind)) models[kind] = null;
      else if (this.#board.scores[placeOf(part)]!.count > 0) models[kind] = release.version;
    }
    models.blend = release?.kinds.has('blend') ? release.version : null;
    return models;
  }
}

/** Whether much of what sources propose will be filtered out, or asked for beyond the first page. */
const isThinnedOut = ({ predicate, category, page, limit }: ListRequest): boolean =>
  predicate !== undefined || category !== undefined || page.count > 0 || limit > LIMIT_PLAIN;

const placeOf = (part: PartName): number => PARTS.indexOf(part);
const COUNTED: readonly PartName[] = ['together', 'next', 'people'];
const PERSONAL = [...MODEL_PARTS, ...COUNTED].map(placeOf);
const PLACES = {
  content: placeOf('content'),
  trending: placeOf('trending'),
  popular: placeOf('popular'),
};

const rungOf = (
  items: readonly RankedItem[],
  { audience, leans }: { readonly audience: Audience; readonly leans: boolean },
): Rung => {
  const has = (place: number): boolean => items.some(({ parts }) => parts[place]! > 0);
  if (PERSONAL.some(has)) {
    return audience === 'user' ? 'personalised' : 'session';
  }
  if (has(PLACES.content)) return 'content';
  if (has(PLACES.trending)) return leans ? 'category-trend' : 'trend';
  return has(PLACES.popular) ? 'trend' : 'latest';
};
