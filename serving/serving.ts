/**
 * The serving path, put together: what it keeps in memory, how that follows the log and the state,
 * the routes, the live socket, and what it tells about itself.
 */
import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { inlineEngine } from '../algorithms/kernels/kernel-engine.ts';
import { PeopleIndex } from '../algorithms/neighbourhood/people-index.ts';
import { PeopleNeighbours } from '../algorithms/neighbourhood/people-neighbours.ts';
import type { Position } from '../schemas/api/fields.ts';
import type { Clock, CrashPoint, IdleTime, Logger, RandomSource } from '../schemas/environment.ts';
import {
  type ItemId,
  type Offset,
  type PartitionIndex,
  type SubjectId,
  statePartition,
} from '../schemas/ids.ts';
import { type FeedbackKind, kindTable } from '../schemas/kinds.ts';
import type { CatalogueItemRecord } from '../schemas/records.ts';
import { subjectKey } from '../schemas/state/subject-state.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { ArtifactStore } from '../storage/artifact-store/artifact-store.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import type { LiveBus } from '../storage/live-bus/live-bus.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import { AnswerCache } from './answer-cache.ts';
import { Catalogue } from './catalogue.ts';
import { CatalogueFollower } from './catalogue-follower.ts';
import { ContentIndex } from './content-index.ts';
import { Coverage } from './coverage.ts';
import { followItems, followPositions, followSubjects } from './followed-partitions.ts';
import { FreshnessMeter } from './freshness.ts';
import { ItemFollower } from './item-follower.ts';
import { ItemIndex } from './item-index.ts';
import { ItemSearch } from './item-search.ts';
import { ItemSlots } from './item-slots.ts';
import { ListService } from './list-service.ts';
import { registerEventStream } from './live/event-stream-route.ts';
import { ActivityFeed, SystemFeed } from './live/live-feeds.ts';
import { LiveHub } from './live/live-hub.ts';
import { LiveServer } from './live/live-server.ts';
import { ParkedSubscriptions } from './live/parked-subscriptions.ts';
import { DEFAULT_SERVING_OPTIONS, PARTS, type ServingOptions } from './options.ts';
import { PeopleFollower } from './people/people-follower.ts';
import { RecentlyActive } from './people/recently-active.ts';
import { SimilarPeople } from './people/similar-people.ts';
import { Rankings } from './rankings.ts';
import { Recommender } from './recommend.ts';
import { FoldInPass } from './release/fold-in-pass.ts';
import { ItemMover } from './release/moved/item-mover.ts';
import type { NewItemGround } from './release/new-item-vectors.ts';
import { ReleaseFollower } from './release/release-follower.ts';
import { ReleaseHolder } from './release/release-holder.ts';
import { RememberedStates } from './remembered-states.ts';
import { registerItemRoutes } from './routes/item-routes.ts';
import { registerListRoutes } from './routes/list-routes.ts';
import { registerPersonRoutes } from './routes/person-routes.ts';
import { problemsOf, type ServingParts, type ServingStatus, statusOf } from './serving-status.ts';
import type { CandidateSource } from './sources/candidate-source.ts';
import { contentSource } from './sources/content-source.ts';
import { modelSource } from './sources/model-source.ts';
import { nextSource } from './sources/next-source.ts';
import { peopleSource } from './sources/people-source.ts';
import { latestSource, popularSource, trendingSource } from './sources/ranking-sources.ts';
import { togetherSource } from './sources/together-source.ts';
import { StateFollower } from './state-follower.ts';
import { SubjectReader } from './subject-reader.ts';
import { TrialLists } from './trial-lists.ts';

export interface ServingDependencies {
  readonly eventLog: EventLog;
  readonly stateStore: StateStore;
  /** Where releases are read from; without it there is none. */
  readonly artifactStore?: ArtifactStore;
  readonly liveBus: LiveBus;
  readonly clock: Clock;
  /** Of the thread that lists are made on: work that nobody waits for goes by it. */
  readonly idleMs?: IdleTime;
  readonly random: RandomSource;
  readonly logger: Logger;
  /** For the fault harness; does nothing where left out. */
  readonly crashPoint?: CrashPoint;
  readonly kinds: readonly FeedbackKind[];
  readonly partitions: { readonly userPartitions: number; readonly itemPartitions: number };
  readonly options?: Partial<ServingOptions>;
  /**
   * Whom lists are made for: people, where left out; trials alone, for which items may be a second old;
   * nobody, where only how far people's state and the catalogue are is followed.
   */
  readonly listsFor?: 'people' | 'trials' | 'nobody';
  /** What the live channel `system` tells; without it there is no such channel. */
  readonly system?: () => Promise<unknown>;
  /** Whether a live client's address is the one that this proxy names; none is believed where left out. */
  readonly trustsProxy?: (address: string) => boolean;
}

export interface Serving {
  /** Resolves once everything that was written before the call can be served. */
  start(): Promise<void>;
  stop(): Promise<void>;
  registerRoutes(app: FastifyInstance): void;
  /** Takes upgrades of `/v1/live` on this server. */
  attachLive(server: Server): void;
  status(): ServingStatus;
  /** Up to where lists know what people did in a partition of the interactions. */
  coveredOffset(partition: PartitionIndex): Offset;
  /** The item as lists have it now. */
  currentItem(itemId: ItemId): CatalogueItemRecord | undefined;
  /** Resolves once lists go by these positions of the catalogue. */
  untilItemsShown(positions: readonly Position[]): Promise<void>;
  readonly trials: TrialLists;
  /** Looks at once for what hints may have failed to tell. */
  poll(): Promise<void>;
  /** Drops what memory holds of somebody who was forgotten. */
  letGoOf(subject: SubjectId): void;
}

export const createServing = (dependencies: ServingDependencies): Serving => {
  const parts = assemble(dependencies);
  const { catalogue, catalogueFollower, content, follower, live, mover, people } = parts;
  const { active, cache, foldInPass, releaseFollower, releases, subjects } = parts;
  const makesLists = dependencies.listsFor !== 'nobody';
  let isReady = false;
  return {
    async start() {
      await catalogueFollower.start();
      if (makesLists) content.fit();
      await parts.itemIndex.whileLoading(() => follower.start());
      if (makesLists) await releaseFollower?.start();
      live.start();
      isReady = true;
    },
    async stop() {
      content.stop();
      await live.stop();
      await Promise.all([catalogueFollower.stop(), follower.stop()]);
      await releaseFollower?.stop();
      await foldInPass.stop();
      await mover.stop();
    },
    registerRoutes(app) {
      registerPersonRoutes(app, parts);
      registerItemRoutes(app, parts);
      registerListRoutes(app, parts);
      registerEventStream(app, live);
      // A server waits for its sockets before it is closed, and these would never end by themselves.
      app.addHook('preClose', () => live.stop());
    },
    attachLive: (server) => live.attach(server),
    status: () => ({ isReady, problems: problemsOf(parts, isReady), ...statusOf(parts) }),
    coveredOffset: (partition) =>
      follower.coveredOffset(statePartition(TOPICS.interactions.name, partition)),
    currentItem(itemId) {
      const slot = catalogue.slots.find(itemId);
      return slot === undefined ? undefined : catalogue.record(slot);
    },
    async untilItemsShown(positions) {
      await Promise.all(
        positions.map(({ partition, offset }) => catalogueFollower.reached(partition, offset)),
      );
    },
    trials: parts.trials,
    poll: () => follower.poll(),
    letGoOf(subject) {
      const key = subjectKey(subject);
      subjects.letGoOf(subject);
      people.letGoOf(subject);
      active.letGoOf(key);
      mover.letGoOf(subject);
      live.letGoOf(key);
      releases.letGoOf(subject);
      cache.forget(key);
    },
  };
};

const assemble = (dependencies: ServingDependencies): ServingParts => {
  const { eventLog, stateStore, clock, logger, partitions } = dependencies;
  const options = { ...DEFAULT_SERVING_OPTIONS, ...dependencies.options };
  const { listsFor = 'people' } = dependencies;
  const makesLists = listsFor !== 'nobody';
  const failures: string[] = [];
  const slots = new ItemSlots();
  const catalogue = new Catalogue(slots);
  const itemIndex = new ItemIndex({ slots, ladder: options.ladder, ranking: options.ranking });
  const content = new ContentIndex({
    catalogue,
    clock,
    neighboursMax: options.ladder.contentNeighboursMax,
  });
  const search = new ItemSearch(catalogue);
  const releases = new ReleaseHolder(() => {
    mover.switchTo(releases.current);
    hub.itemsChanged();
    foldInPass.switchTo(releases.current);
  });
  // Both only rise, so their sum is another one whenever either is.
  const cache = new AnswerCache(options.cache, clock, () => catalogue.version + releases.epoch);
  const freshness = new FreshnessMeter(eventLog, clock);
  const itemFollower = new ItemFollower({
    stateStore,
    itemIndex,
    scanPage: options.follow.scanPage,
    onChange: (slots) => {
      releases.current?.itemsChanged(slots);
      hub.itemsChanged();
    },
  });
  const profiles = { slots, kinds: kindTable(dependencies.kinds), ladder: options.ladder };
  const index = new PeopleIndex(options.people);
  const people = new PeopleFollower({
    stateStore,
    index,
    profiles,
    clock,
    options: options.people,
  });
  // Where lists are made for trials alone, nobody is to come back for another.
  const foldInMax = listsFor === 'people' ? options.release.foldInMax : 0;
  const active = new RecentlyActive({
    stateStore,
    max: foldInMax,
    partitionCount: partitions.userPartitions,
  });
  const { eventsMax, negativesMax, ownMeanPrior, ownMeanPriorStrength } = options.ladder;
  const mover = new ItemMover({
    eventLog,
    userPartitions: partitions.userPartitions,
    options: options.moved,
    slots,
    deeds: {
      kinds: profiles.kinds,
      prior: { mean: ownMeanPrior, strength: ownMeanPriorStrength },
      limits: { positives: eventsMax, negatives: negativesMax },
    },
    logger,
  });
  const rankings = new Rankings({
    catalogue,
    itemIndex,
    ratingMean: () => itemFollower.ratingMean(),
    clock,
    options: options.ranking,
  });
  const follower = new StateFollower({
    stateStore,
    liveBus: dependencies.liveBus,
    clock,
    logger,
    options: options.follow,
    onPoll: async () => {
      if (!makesLists) return;
      content.fitWhenDue();
      await people.refresh();
    },
  });
  const catalogueFollower = new CatalogueFollower({
    eventLog,
    catalogue,
    logger,
    onChange: (changed) => {
      if (!makesLists) return;
      search.changed(changed);
      content.changed(changed);
      releases.current?.itemsChanged(changed);
      hub.itemsChanged();
    },
    onFailure: (error) => {
      failures.push('the catalogue cannot be read');
      logger.error('The catalogue is followed no longer', { error });
    },
  });
  if (makesLists) {
    followItems(follower, itemFollower, {
      count: partitions.itemPartitions,
      takesHints: listsFor === 'people',
      rest: options.follow.itemRest,
    });
    followSubjects(follower, partitions.userPartitions, {
      cache,
      freshness,
      releases,
      people,
      active,
      foldInPass: () => foldInPass,
      hub: () => hub,
    });
  } else {
    followPositions(follower, partitions.userPartitions);
  }
  const neighbours = new PeopleNeighbours(index, options.people);
  const subjects = new SubjectReader({
    stateStore,
    partitionCount: partitions.userPartitions,
    remembered: new RememberedStates(options.remember),
    isBehind: (partition) => follower.isBehind(partition),
    look: (partition) => follower.look(partition),
  });
  const recommender = new Recommender({
    catalogue,
    itemIndex,
    rankings,
    content,
    sources: sourcesOf({ catalogue, itemIndex, rankings, content, neighbours, options }),
    ladder: options.ladder,
    releases,
  });
  const lists = new ListService({
    catalogue,
    itemIndex,
    itemFollower,
    rankings,
    recommender,
    releases,
    subjects,
    follower,
    freshness,
    kinds: kindTable(dependencies.kinds),
    clock,
    newListId: listIds(dependencies.random),
    options,
  });
  const hub: LiveHub = new LiveHub({
    lists,
    subjects,
    catalogue,
    freshness,
    rankings,
    clock,
    logger,
    options,
  });
  const foldInPass: FoldInPass = new FoldInPass({
    watched: () => hub.watchedSubjects(),
    active,
    subjects,
    profiles,
    clock,
    idleMs: dependencies.idleMs,
    peopleMax: foldInMax,
    logger,
  });
  const trials = new TrialLists({
    lists,
    subjects,
    catalogue,
    kinds: kindTable(dependencies.kinds),
    ladder: options.ladder,
  });
  const live = liveOf(dependencies, { hub, catalogue, options });
  const coverage = new Coverage({
    eventLog,
    follower,
    clock,
    timeoutMs: options.follow.afterTimeoutMs,
    ...partitions,
  });
  return {
    lists,
    subjects,
    catalogue,
    itemIndex,
    itemFollower,
    rankings,
    search,
    coverage,
    cache,
    releases,
    clock,
    options,
    catalogueFollower,
    content,
    follower,
    freshness,
    trials,
    mover,
    people,
    active,
    foldInPass,
    similarPeople: new SimilarPeople({ neighbours, subjects, catalogue, profiles, clock }),
    live,
    releaseFollower: releaseFollowerOf(dependencies, {
      releases,
      ground: { catalogue, content, itemIndex },
      options,
      failures,
    }),
    failures,
  };
};

const releaseFollowerOf = (
  { artifactStore, eventLog, clock, idleMs, logger, crashPoint }: ServingDependencies,
  given: {
    readonly releases: ReleaseHolder;
    readonly ground: NewItemGround & { readonly catalogue: Catalogue };
    readonly options: ServingOptions;
    readonly failures: string[];
  },
): ReleaseFollower | undefined => {
  if (artifactStore === undefined) return undefined;
  const { releases, ground, options, failures } = given;
  return new ReleaseFollower({
    artifactStore,
    eventLog,
    clock,
    idleMs,
    logger,
    holder: releases,
    engine: inlineEngine(),
    slots: ground.catalogue.slots,
    ladder: options.ladder,
    ground,
    options: options.release,
    ...(crashPoint ? { crashPoint } : {}),
    onFailure: (error) => {
      failures.push('promotions of releases cannot be read');
      logger.error('Promotions are followed no longer', { error });
    },
  });
};

const liveOf = (
  dependencies: ServingDependencies,
  given: { readonly hub: LiveHub; readonly catalogue: Catalogue; readonly options: ServingOptions },
): LiveServer => {
  const { clock, logger, eventLog, partitions, random, system } = dependencies;
  const { hub, catalogue } = given;
  const options = given.options.live;
  const { userPartitions } = partitions;
  return new LiveServer({
    hub,
    activity: new ActivityFeed({ clock, logger, options, eventLog, catalogue, userPartitions }),
    system: system && new SystemFeed({ clock, logger, options, report: system }),
    parked: new ParkedSubscriptions(options, clock),
    catalogue,
    clock,
    random,
    logger,
    options,
    counters: { coalesced: 0, ended: 0 },
    basePath: given.options.basePath,
    trustsProxy: dependencies.trustsProxy ?? (() => false),
  });
};

/** In the order of PARTS, which is the order that parts are summed in. */
const sourcesOf = (given: {
  readonly catalogue: Catalogue;
  readonly itemIndex: ItemIndex;
  readonly rankings: Rankings;
  readonly content: ContentIndex;
  readonly neighbours: PeopleNeighbours;
  readonly options: ServingOptions;
}): readonly CandidateSource[] => {
  const { catalogue, itemIndex, rankings, content, neighbours, options } = given;
  const byPart: Readonly<Record<(typeof PARTS)[number], CandidateSource>> = {
    taste: modelSource('taste'),
    embedding: modelSource('embedding'),
    graph: modelSource('graph'),
    sequence: modelSource('sequence'),
    habit: modelSource('habit'),
    together: togetherSource(itemIndex, options.ladder),
    next: nextSource(itemIndex, options.ladder),
    people: peopleSource(neighbours, options.people),
    content: contentSource(content),
    trending: trendingSource(rankings, catalogue),
    popular: popularSource(rankings, itemIndex),
    latest: latestSource(rankings),
  };
  return PARTS.map((part) => byPart[part]);
};

/** A prefix that no other process has, and a number. */
const listIds = (random: RandomSource): (() => string) => {
  const prefix = Math.floor(random() * 2 ** 48).toString(36);
  let count = 0;
  return () => `l-${prefix}-${(count++).toString(36)}`;
};
