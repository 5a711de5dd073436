/**
 * Every list that serving can make, from what is in memory and at most one read of a person's state.
 * Routes turn it into answers, the live socket into snapshots and diffs.
 */
import type { Forecast } from '../algorithms/ratings/rating-forecast.ts';
import type { Removal } from '../schemas/api/explanations.ts';
import type { AsOf, ListName, Rung } from '../schemas/api/lists.ts';
import type { VectorAnswer } from '../schemas/api/users.ts';
import type { Clock } from '../schemas/environment.ts';
import type { EpochMs, EventId, ItemId } from '../schemas/ids.ts';
import { NO_OFFSET } from '../schemas/ids.ts';
import type { KindTable } from '../schemas/kinds.ts';
import type { SubjectState } from '../schemas/state/subject-state.ts';
import { TOPICS } from '../schemas/topics.ts';
import { AnswerSlab } from './answer-slab.ts';
import type { Catalogue } from './catalogue.ts';
import { FIRST_PAGE, writePageCursor } from './cursor.ts';
import { removalOf } from './filters/list-filter.ts';
import type { FreshnessMeter } from './freshness.ts';
import type { ItemFollower } from './item-follower.ts';
import type { ItemIndex } from './item-index.ts';
import { type ListFacts, listBytes, timeOrNull } from './list-answer.ts';
import type { ListQuestion } from './list-query.ts';
import type { ServingOptions } from './options.ts';
import { type PartName, SHOWN_PARTS, type ShownPart } from './options.ts';
import { emptyProfile, type Profile, profileOf, type TasteEvent } from './profile.ts';
import type { Rankings } from './rankings.ts';
import type {
  Audience,
  HeldSource,
  ListRequest,
  Models,
  RankedItem,
  Recommender,
  Standing,
} from './recommend.ts';
import type { ServingRelease } from './release/serving-release.ts';
import type { StateFollower } from './state-follower.ts';
import type { Subject, SubjectReader } from './subject-reader.ts';

export interface MadeList {
  readonly items: readonly RankedItem[];
  readonly facts: ListFacts;
}

export interface MadeStanding {
  readonly standing: Standing;
  /** That the person would give it; undefined where no release can tell. */
  readonly stars: Forecast | undefined;
  readonly asOf: AsOf;
  readonly tookMs: number;
}

/** An event of a history that is posted, not stored. */
export interface PostedEvent {
  readonly eventId: EventId;
  readonly itemId: ItemId;
  readonly kind: string;
  readonly value: number | null;
  readonly occurredAt: EpochMs;
}

export type Similarity = 'together' | 'taste' | 'embedding' | 'graph' | 'content' | 'blend';

/** Of lists that are ordered by what everybody does. */
const NO_MODELS: Models = {};

export interface ListServiceParts {
  readonly catalogue: Catalogue;
  readonly itemIndex: ItemIndex;
  readonly itemFollower: ItemFollower;
  readonly rankings: Rankings;
  readonly recommender: Recommender;
  readonly releases: { readonly current: ServingRelease | undefined };
  readonly subjects: SubjectReader;
  readonly follower: StateFollower;
  readonly freshness: FreshnessMeter;
  readonly kinds: KindTable;
  readonly clock: Clock;
  readonly newListId: () => string;
  readonly options: ServingOptions;
}

const SIMILAR_PARTS: Readonly<Record<Similarity, readonly PartName[]>> = {
  together: ['together'],
  taste: ['taste'],
  embedding: ['embedding'],
  graph: ['graph'],
  content: ['content'],
  blend: ['taste', 'embedding', 'graph', 'together', 'content'],
};

export class ListService {
  readonly #given: ListServiceParts;
  readonly #slab = new AnswerSlab();
  #served = 0;

  constructor(given: ListServiceParts) {
    this.#given = given;
  }

  get servedCount(): number {
    return this.#served;
  }

  /** The answer as it is sent, and kept. */
  bytes({ items, facts }: MadeList): Buffer {
    return this.#slab.copyOf(listBytes(items, facts, this.#given.catalogue));
  }

  async forSubject(subject: Subject, question: ListQuestion): Promise<MadeList> {
    const startedMs = this.#given.clock.monotonicMs();
    const { state, isStale } = await this.#given.subjects.known(subject);
    const profile = this.#profile(subject, state);
    const asOf = this.#asOfSubject(subject, state, isStale);
    return this.#recommended(profile, subject.audience, question, { asOf, startedMs });
  }

  /** The same, for whoever has read the state already. */
  forState(
    subject: Subject,
    state: SubjectState | undefined,
    question: ListQuestion,
    startedMs = this.#given.clock.monotonicMs(),
  ): MadeList {
    const profile = this.#profile(subject, state);
    const asOf = this.#asOfSubject(subject, state);
    return this.#recommended(profile, subject.audience, question, { asOf, startedMs });
  }

  /** The items alone, by all parts or by some; those that no part speaks for are left out. */
  slotsFor(
    subject: Subject,
    state: SubjectState,
    question: ListQuestion,
    only?: readonly PartName[],
  ): readonly number[] {
    const request = this.#request(this.#profile(subject, state), subject.audience, question);
    const { items } = this.#given.recommender.recommend({ ...request, ...(only ? { only } : {}) });
    return items.filter(({ score }) => score > 0).map(({ slot }) => slot);
  }

  forHistory(events: readonly PostedEvent[], question: ListQuestion): MadeList {
    const startedMs = this.#given.clock.monotonicMs();
    const history = [...events]
      .sort((left, right) => left.occurredAt - right.occurredAt)
      .map((event) => ({ ...event, isCounted: true, busy: 0 }));
    const state = {
      lastOffset: NO_OFFSET,
      history,
      evictedSeen: [],
      ownValueSumThousandths: history.reduce(
        (sum, { kind, value }) => sum + this.#ownValue(kind, value),
        0,
      ),
      ownValueCount: history.filter(({ kind, value }) => this.#isOwnValue(kind, value)).length,
    };
    const profile = profileOf(null, state, this.#given.clock.now(), this.#profileOptions());
    return this.#recommended(profile, 'session', question, { asOf: this.#asOfAll(), startedMs });
  }

  /** Why an item has the place that it has, or none. */
  async stand(subject: Subject, slot: number, question: ListQuestion): Promise<MadeStanding> {
    const { clock, recommender, subjects } = this.#given;
    const startedMs = clock.monotonicMs();
    const state = await subjects.read(subject);
    const profile = this.#profile(subject, state);
    const request = this.#request(profile, subject.audience, question);
    // In one turn with the list, so of the same release.
    const standing = recommender.stand({ ...request, limit: 1 }, slot);
    const stars = this.#starsOf(state, slot);
    const asOf = this.#asOfSubject(subject, state);
    return { standing, stars, asOf, tookMs: clock.monotonicMs() - startedMs };
  }

  #starsOf(state: SubjectState | undefined, slot: number): Forecast | undefined {
    const { releases, catalogue, kinds } = this.#given;
    const { slots } = catalogue;
    return releases.current?.stars?.forecast(state?.history ?? [], slot, { slots, kinds });
  }

  /** The person's vector under the release in use. */
  async vector(subject: Subject): Promise<VectorAnswer> {
    const state = await this.#given.subjects.read(subject);
    const release = this.#given.releases.current;
    const vector = release?.taste?.vectorOf(this.#profile(subject, state));
    return {
      release: release?.version ?? null,
      vector: vector === undefined ? null : [...vector],
      asOf: this.#asOfSubject(subject, state),
    };
  }

  similar(slot: number, by: Similarity, question: ListQuestion): MadeList {
    return this.#about([slot], SIMILAR_PARTS[by], question);
  }

  /** What people go to from the last of these items, the others counting less. */
  next(slots: readonly number[], question: ListQuestion): MadeList {
    const parts: readonly PartName[] =
      slots.length > 1 ? ['sequence', 'together', 'next'] : ['sequence', 'next'];
    return this.#about([...slots].reverse(), parts, question);
  }

  named(name: ListName, question: ListQuestion): MadeList {
    const startedMs = this.#given.clock.monotonicMs();
    let answering = name;
    let page = this.#ranked(name, question);
    for (const next of INSTEAD[name]) {
      if (page.items.some(({ score }) => score > 0)) break;
      answering = next;
      page = this.#ranked(next, question);
    }
    const facts = { rung: rungOfList(answering, question), held: [], models: NO_MODELS };
    return this.#made({ ...page, ...facts }, question, { asOf: this.#asOfAll(), startedMs });
  }

  #ranked(
    name: ListName,
    question: ListQuestion,
  ): { readonly items: readonly RankedItem[]; readonly hasMore: boolean } {
    const { clock, catalogue, rankings } = this.#given;
    const request = {
      ...this.#request(emptyProfile(null, clock.now()), 'user', question),
      includeSeen: true,
    };
    const { slots, values } = rankings.list(name, question.category);
    const valueMin = name === 'trending' ? TREND_MIN : Number.NEGATIVE_INFINITY;
    const items: RankedItem[] = [];
    let hasMore = false;
    for (let index = 0; index < slots.length && !hasMore; index++) {
      const slot = slots[index]!;
      if (values[index]! < valueMin) break;
      if (removalOf(slot, catalogue, request) !== undefined) continue;
      hasMore = items.length === question.limit;
      if (!hasMore) items.push(this.#listed(name, slot, values[index]!, question, items.length));
    }
    return { items, hasMore };
  }

  removal(slot: number): Removal | undefined {
    const now = this.#given.clock.now();
    return removalOf(slot, this.#given.catalogue, {
      profile: emptyProfile(null, now),
      now,
      category: undefined,
      predicate: undefined,
      includeSeen: true,
      excluded: new Set(),
      page: FIRST_PAGE,
    });
  }

  #about(slots: readonly number[], only: readonly PartName[], question: ListQuestion): MadeList {
    const { clock } = this.#given;
    const startedMs = clock.monotonicMs();
    const now = clock.now();
    const events = slots.map((slot) => this.#placeholder(slot, now));
    const profile = {
      ...emptyProfile(null, now),
      positives: events,
      items: events.map((event) => ({ slot: event.slot, weight: 1, events: [event] })),
    };
    const request: ListRequest = {
      ...this.#request(profile, 'session', question),
      only,
      about: slots,
      excluded: new Set([...slots, ...question.excluded]),
    };
    const list = this.#given.recommender.recommend(request);
    return this.#made(list, question, { asOf: this.#asOfAll(), startedMs });
  }

  /** An event that stands for an item that a list is about. */
  #placeholder(slot: number, now: EpochMs): TasteEvent {
    const entry = {
      eventId: '' as EventId,
      itemId: this.#given.catalogue.slots.idOf(slot) ?? ('' as ItemId),
      kind: '',
      value: null,
      occurredAt: now,
      isCounted: false,
      busy: 0,
    };
    return { slot, weight: 1, entry };
  }

  #recommended(
    profile: Profile,
    audience: Audience,
    question: ListQuestion,
    given: { readonly asOf: AsOf; readonly startedMs: number },
  ): MadeList {
    const list = this.#given.recommender.recommend(this.#request(profile, audience, question));
    return this.#made(list, question, given);
  }

  #request(profile: Profile, audience: Audience, question: ListQuestion): ListRequest {
    return {
      profile,
      audience,
      now: this.#given.clock.now(),
      limit: question.limit,
      rankBase: question.page.count,
      category: question.category,
      predicate: question.predicate,
      excluded: question.excluded,
      page: question.page,
      includeSeen: question.includeSeen,
      diversity: question.diversity,
      explain: question.explain,
    };
  }

  #made(
    list: {
      readonly items: readonly RankedItem[];
      readonly rung: Rung;
      readonly held: readonly HeldSource[];
      readonly models: Models;
      readonly hasMore: boolean;
    },
    question: ListQuestion,
    { asOf, startedMs }: { readonly asOf: AsOf; readonly startedMs: number },
  ): MadeList {
    const { catalogue, clock, newListId, options } = this.#given;
    this.#served++;
    const shown = list.items.map(({ slot }) => slot);
    const facts: ListFacts = {
      listId: newListId(),
      placement: question.placement,
      rung: list.rung,
      held: list.held,
      models: list.models,
      asOf,
      configVersion: options.configVersion,
      tookMs: clock.monotonicMs() - startedMs,
      nextCursor: list.hasMore
        ? writePageCursor(question.text, question.page, shown, catalogue.slots)
        : null,
    };
    return { items: list.items, facts };
  }

  #listed(
    name: ListName,
    slot: number,
    value: number,
    question: ListQuestion,
    place: number,
  ): RankedItem {
    const part = LIST_PARTS[name];
    // Publication times are no scores: the newest is 1, and so on down.
    const score = name === 'latest' ? 1 / (question.page.count + place + 1) : Math.max(0, value);
    const rank = question.page.count + place + 1;
    const parts = SHOWN_PARTS.map((shown) => (shown === part ? score : 0));
    const text = this.#listText(name, slot);
    const reasons = score > 0 ? [{ part, share: 1, text, because: [] }] : [];
    return { slot, rank, scoreRank: rank, score, parts, reasons };
  }

  #listText(name: ListName, slot: number): string {
    const { itemIndex, clock } = this.#given;
    switch (name) {
      case 'trending':
        return `Picked ${itemIndex.liftOf(slot, clock.now()).toFixed(1)} times as often as usual`;
      case 'popular':
        return 'Popular with everyone';
      case 'latest':
        return 'New in the catalogue';
      case 'top-rated': {
        const mean = itemIndex.ratingMeanOf(slot) ?? 0;
        return `Rated ★${mean.toFixed(2)} by ${itemIndex.ratingCountOf(slot)}`;
      }
    }
  }

  #profile(subject: Subject, state: SubjectState | undefined): Profile {
    const now = this.#given.clock.now();
    if (state === undefined) return emptyProfile(subject.id, now);
    return profileOf(subject.id, state, now, this.#profileOptions());
  }

  #profileOptions() {
    const { catalogue, kinds, options } = this.#given;
    return { slots: catalogue.slots, kinds, ladder: options.ladder };
  }

  #isOwnValue(kind: string, value: number | null): value is number {
    return value !== null && this.#given.kinds.get(kind)?.polarity === 'by-own-mean';
  }

  #ownValue(kind: string, value: number | null): number {
    return this.#isOwnValue(kind, value) ? Math.round(value * 1000) : 0;
  }

  /** Of lists that go by what is held of items. */
  get #areItemsStale(): boolean {
    const { follower } = this.#given;
    return !follower.isStoreReachable || follower.isAnyBehind(TOPICS.itemSignals.name);
  }

  #asOfSubject(subject: Subject, state: SubjectState | undefined, isStateStale = false): AsOf {
    const { follower, freshness, itemFollower } = this.#given;
    const covered = follower.coveredOffset(subject.statePartition);
    const offset = Math.max(covered, state?.lastOffset ?? NO_OFFSET) as typeof covered;
    return {
      eventTime: timeOrNull(state?.lastEventAt ?? null),
      partition: subject.partition,
      offset: offset === NO_OFFSET ? null : offset,
      itemTime: timeOrNull(itemFollower.itemTime()),
      freshnessMs: whole(freshness.latestMs(subject.partition)),
      ...staleOr(isStateStale || this.#areItemsStale),
    };
  }

  #asOfAll(): AsOf {
    const { freshness, itemFollower, itemIndex } = this.#given;
    return {
      eventTime: timeOrNull(itemIndex.newestEventAt),
      partition: null,
      offset: null,
      itemTime: timeOrNull(itemFollower.itemTime()),
      freshnessMs: whole(freshness.latestMs(null)),
      ...staleOr(this.#areItemsStale),
    };
  }
}

const LIST_PARTS: Readonly<Record<ListName, ShownPart>> = {
  trending: 'trending',
  popular: 'popular',
  latest: 'latest',
  'top-rated': 'topRated',
};

/** One event of late counts less than this after two days and a half: nobody would call it a trend. */
const TREND_MIN = 0.001;

/** What answers where there is nothing of what was asked for, one after the other. */
const INSTEAD: Readonly<Record<ListName, readonly ListName[]>> = {
  trending: ['popular', 'latest'],
  popular: [],
  latest: [],
  'top-rated': [],
};

const rungOfList = (name: ListName, { category }: ListQuestion): Rung => {
  if (name === 'latest') return 'latest';
  return name === 'trending' && category !== undefined ? 'category-trend' : 'trend';
};

const staleOr = (isStale: boolean): Pick<AsOf, 'stale'> => (isStale ? { stale: true } : {});

const whole = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
