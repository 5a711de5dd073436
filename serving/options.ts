/**
 * What can be set about serving. Every cap names what it costs, so that memory is bounded by
 * configuration and by nothing else.
 */
import {
  DEFAULT_ITEM_PULL_OPTIONS,
  type ItemPullOptions,
} from '../algorithms/factors/item-pulls.ts';
import {
  DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS,
  type PeopleNeighbourOptions,
} from '../algorithms/neighbourhood/people-neighbours.ts';
import {
  type CounterHalfLives,
  DEFAULT_HALF_LIVES,
} from '../algorithms/popularity/decayed-counter.ts';
import type { DurationMs } from '../schemas/ids.ts';

/** The parts of a score, in the order in which they are summed. */
export const PARTS = [
  'taste',
  'embedding',
  'graph',
  'sequence',
  'habit',
  'together',
  'next',
  'people',
  'content',
  'trending',
  'popular',
  'latest',
] as const;
export type PartName = (typeof PARTS)[number];
/** The same, and what lists that are no blend are ordered by. */
export const SHOWN_PARTS = [...PARTS, 'topRated'] as const;
export type ShownPart = (typeof SHOWN_PARTS)[number];

export interface PartWeight {
  /** Never negative. */
  readonly weight: number;
  /** The share of a source's list at which its part is weight × log 2. */
  readonly epsilon: number;
  /** Raw score that every list is taken to hold besides: a list of one weak item is no certainty. */
  readonly mass: number;
}

export interface LadderOptions {
  /** Candidates that each source may propose where filters or earlier pages thin them out. */
  readonly candidatesMax: number;
  /** The same where nothing does: a source's hundredth item is in no first page. */
  readonly plainCandidatesMax: number;
  /** Candidates of the sources that go by everybody, where no filter thins them out. */
  readonly commonCandidatesMax: number;
  /** Newest events of a person that sources look at. */
  readonly eventsMax: number;
  /** Newest events against something that push down what is like it. */
  readonly negativesMax: number;
  /** Of those for something, the newest items that sources look for others like. */
  readonly itemsMax: number;
  /** Neighbours used of each item, those alike most; 12 bytes each. */
  readonly neighboursMax: number;
  /** Distinct people that a pair of items needs before it is used. */
  readonly pairPeopleMin: number;
  /** What an item's count of events is raised by before pairs are divided by it. */
  readonly pairShrinkage: number;
  /** What a directed row's sum is raised by before it is divided by it. */
  readonly nextShrinkage: number;
  /** What the weight of an event for "next" is multiplied by for each newer event. */
  readonly nextDecay: number;
  /** How many of the newest events "next" looks at. */
  readonly nextEventsMax: number;
  /** Items alike in content that are kept per item; 8 bytes each. */
  readonly contentNeighboursMax: number;
  /** Mean of ratings that a person is taken to have before the first one. */
  readonly ownMeanPrior: number;
  readonly ownMeanPriorStrength: number;
  readonly parts: Readonly<Record<PartName, PartWeight>>;
  /** The best items among which diversification chooses, beyond those asked for. */
  readonly diversityPool: number;
  /** 0 keeps the order of scores, 1 looks at difference alone. */
  readonly diversity: number;
  /** Share of a page that items of one first category may fill. */
  readonly categoryShareMax: number;
  /** Reasons of an item; its parts are all told in any case. */
  readonly reasonsMax: number;
  /** Events that a reason names. */
  readonly becauseMax: number;
}

export interface RankingOptions {
  readonly halfLives: CounterHalfLives;
  /** Items kept in order for each list and category; 4 bytes each. */
  readonly listedMax: number;
  /** Orders of at most so many categories are kept. */
  readonly categoriesMax: number;
  /** An order that something changed after is not given out when it is older. */
  readonly everyMs: DurationMs;
  /** Events by which a trend is damped: an item seen once is no fashion. */
  readonly trendPrior: number;
  /** top-rated lists items above this quantile of the counts of ratings. */
  readonly minVotesQuantile: number;
}

export interface CacheOptions {
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly lifeMs: DurationMs;
}

export interface ReleaseOptions {
  /** People's vectors that are kept under the release in use; some 400 bytes each at 64 numbers. */
  readonly vectorsMax: number;
  /**
   * People whose vectors are made behind a switch before a list needs them, some .1 ms each; half of
   * `vectorsMax` at most, or the first ones would be gone before the last were made. 0 for none.
   */
  readonly foldInMax: number;
  /** People whose proposals by models that go by nothing else are kept; 1.4 KB a model each. */
  readonly proposalsMax: number;
  /** Items that came after the training and have vectors of their own; 4 bytes a number. */
  readonly newItemsMax: number;
  /** Refused releases that are remembered with their reason. */
  readonly refusedKept: number;
  /** How long to wait before a store that did not answer is asked for a release again. */
  readonly retryMs: DurationMs;
}

/** Items whose vectors follow what people do between two trainings. */
export interface MoveOptions extends ItemPullOptions {
  readonly isOn: boolean;
  /** People of whom a partition of the log remembers what they did; some 6 KB each at most. */
  readonly peopleMax: number;
  /** Records of a partition, before what was trained on, that are read to know what people did. */
  readonly lookBack: number;
}

/** People of whom it is known what they chose, for whoever is like them. */
export interface PeopleOptions extends PeopleNeighbourOptions {
  /** Those who acted last; at 50 items each some 1,200 bytes a person. 0 for none. */
  readonly peopleMax: number;
  /** Newest items kept of each. */
  readonly itemsMax: number;
  /** Of those who acted, so many are read again with each poll; about 50 microseconds each. */
  readonly readPerPoll: number;
}

/** What is remembered of people for as long as their states cannot be read. */
export interface RememberOptions {
  /** People kept, at about 2 KB each; 0 where the store is part of this process. */
  readonly statesMax: number;
}

/** How long to leave alone what was just taken over. */
export interface RestOptions {
  /** So many times as long as that took. */
  readonly perWork: number;
  readonly restMsMax: DurationMs;
}

export interface FollowOptions {
  /** How often the positions of state partitions are looked at, should a hint be lost. */
  readonly pollMs: DurationMs;
  /** Items change with nearly every event, and each change is read whole. */
  readonly itemRest: RestOptions;
  readonly scanPage: number;
  /** How long `after` waits before it gives up. */
  readonly afterTimeoutMs: DurationMs;
}

export interface LiveOptions {
  readonly subscriptionsPerSocketMax: number;
  readonly socketsPerAddressMax: number;
  readonly socketsMax: number;
  readonly messageBytesMax: number;
  readonly messagesPerSecondMax: number;
  /** Bad messages that a socket may send before it is closed. */
  readonly badMessagesMax: number;
  /** Above this much unsent, diffs are held back and merged. */
  readonly coalesceBytes: number;
  /** Above this much unsent, the socket is ended. */
  readonly queuedBytesMax: number;
  readonly heartbeatMs: DurationMs;
  /** A socket without a subscription is closed after this long. */
  readonly idleMs: DurationMs;
  /** Lists are renewed for changes of items at most once in this time. */
  readonly itemRefreshMs: DurationMs;
  /** Sent lists remembered per subscription, for resume; a list is shared between subscribers. */
  readonly sentKept: number;
  /** Ended subscriptions that can be resumed, and for how long. */
  readonly parkedMax: number;
  readonly parkedMs: DurationMs;
  readonly activityEventsMax: number;
  /** Different lists that are watched at once; about 8 KB each. */
  readonly listsMax: number;
  /** Between two messages of `activity` or `system`. */
  readonly feedEveryMs: DurationMs;
  /** Origins of other sites' pages that may open sockets. */
  readonly allowedOrigins: readonly string[];
}

export interface ServingOptions {
  readonly basePath: string;
  readonly configVersion: number;
  readonly ladder: LadderOptions;
  readonly ranking: RankingOptions;
  readonly cache: CacheOptions;
  readonly release: ReleaseOptions;
  readonly moved: MoveOptions;
  readonly people: PeopleOptions;
  readonly follow: FollowOptions;
  readonly remember: RememberOptions;
  readonly live: LiveOptions;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_SERVING_OPTIONS: ServingOptions = {
  basePath: '',
  configVersion: 1,
  ladder: {
    candidatesMax: 500,
    plainCandidatesMax: 120,
    commonCandidatesMax: 60,
    eventsMax: 50,
    negativesMax: 8,
    itemsMax: 24,
    neighboursMax: 32,
    pairPeopleMin: 3,
    pairShrinkage: 10,
    nextShrinkage: 5,
    nextDecay: 0.8,
    nextEventsMax: 10,
    contentNeighboursMax: 32,
    ownMeanPrior: 3.5,
    ownMeanPriorStrength: 5,
    // Set by hand, used until a release brings learned ones: what a person did outweighs what
    // everybody does, and content, which knows no people, weighs about half of co-visitation.
    parts: {
      taste: { weight: 1, epsilon: 0.002, mass: 1 },
      embedding: { weight: 0.5, epsilon: 0.002, mass: 0.3 },
      graph: { weight: 0.3, epsilon: 0.002, mass: 0.3 },
      sequence: { weight: 0.8, epsilon: 0.002, mass: 0.3 },
      habit: { weight: 0.5, epsilon: 0.002, mass: 0.3 },
      together: { weight: 1, epsilon: 0.002, mass: 0.3 },
      next: { weight: 0.6, epsilon: 0.002, mass: 0.3 },
      // Nothing until a training has seen that it adds to the others.
      people: { weight: 0, epsilon: 0.002, mass: 0.3 },
      content: { weight: 0.8, epsilon: 0.002, mass: 1 },
      trending: { weight: 0.2, epsilon: 0.002, mass: 0 },
      popular: { weight: 0.2, epsilon: 0.002, mass: 0 },
      latest: { weight: 0.1, epsilon: 0.002, mass: 0 },
    },
    diversityPool: 20,
    diversity: 0.15,
    categoryShareMax: 0.7,
    reasonsMax: 3,
    becauseMax: 2,
  },
  ranking: {
    halfLives: DEFAULT_HALF_LIVES,
    listedMax: 2_000,
    categoriesMax: 256,
    everyMs: 1_000 as DurationMs,
    trendPrior: 1,
    minVotesQuantile: 0.7,
  },
  cache: { entriesMax: 20_000, bytesMax: 64 * MIB, lifeMs: 1_000 as DurationMs },
  release: {
    vectorsMax: 20_000,
    foldInMax: 5_000,
    proposalsMax: 2_000,
    newItemsMax: 500,
    refusedKept: 20,
    retryMs: 5_000 as DurationMs,
  },
  moved: { ...DEFAULT_ITEM_PULL_OPTIONS, isOn: false, peopleMax: 5_000, lookBack: 100_000 },
  people: {
    ...DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS,
    peopleMax: 10_000,
    itemsMax: 50,
    readPerPoll: 250,
  },
  follow: {
    pollMs: 1_000 as DurationMs,
    itemRest: { perWork: 20, restMsMax: 500 as DurationMs },
    scanPage: 500,
    afterTimeoutMs: 5_000 as DurationMs,
  },
  remember: { statesMax: 0 },
  live: {
    subscriptionsPerSocketMax: 50,
    socketsPerAddressMax: 50,
    socketsMax: 5_000,
    messageBytesMax: 64 * KIB,
    messagesPerSecondMax: 20,
    badMessagesMax: 5,
    coalesceBytes: 128 * KIB,
    queuedBytesMax: MIB,
    heartbeatMs: 15_000 as DurationMs,
    idleMs: 60_000 as DurationMs,
    itemRefreshMs: 250 as DurationMs,
    sentKept: 8,
    parkedMax: 2_000,
    parkedMs: 60_000 as DurationMs,
    activityEventsMax: 20,
    listsMax: 10_000,
    feedEveryMs: 500 as DurationMs,
    allowedOrigins: [],
  },
};
