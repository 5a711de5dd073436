/** What serving is made of, and what it tells about itself. */
import type { CatalogueFollower } from './catalogue-follower.ts';
import type { ContentIndex } from './content-index.ts';
import type { FreshnessMeter, FreshnessSummary } from './freshness.ts';
import type { LiveCounts, LiveServer } from './live/live-server.ts';
import type { PeopleCounts, PeopleFollower } from './people/people-follower.ts';
import type { RecentlyActive } from './people/recently-active.ts';
import type { FoldInCounts, FoldInPass } from './release/fold-in-pass.ts';
import type { ItemMover, MoveCounts } from './release/moved/item-mover.ts';
import type { ReleaseFollower, ReleaseStatus } from './release/release-follower.ts';
import type { ReleaseHolder } from './release/release-holder.ts';
import type { RouteParts } from './routes/route-support.ts';
import type { StateFollower } from './state-follower.ts';
import type { TrialLists } from './trial-lists.ts';

export interface ServingStatus {
  readonly isReady: boolean;
  /** Why lists may be behind; empty when they are not. */
  readonly problems: readonly string[];
  /** What a person should know although lists are as they should be. */
  readonly notices: readonly string[];
  /** null where there is no store of releases. */
  readonly release: ReleaseStatus | null;
  /** Vectors that are made behind a switch, before lists need them. */
  readonly foldIn: FoldInCounts;
  readonly catalogue: { readonly items: number; readonly visible: number };
  readonly itemEpoch: number;
  readonly catalogueVersion: number;
  /** Milliseconds from an event's arrival until a list could show it, of late. */
  readonly freshnessMs: FreshnessSummary;
  readonly listsMade: number;
  readonly subjectReads: number;
  readonly cache: Readonly<Record<string, number>>;
  readonly following: Readonly<Record<string, number>>;
  readonly content: Readonly<Record<string, number>>;
  readonly people: PeopleCounts;
  /** Items of the release whose vectors follow what people do. */
  readonly moved: MoveCounts;
  readonly live: LiveCounts;
  readonly memory: {
    readonly slots: number;
    readonly itemsKnown: number;
    readonly itemBytes: number;
    readonly searchWords: number;
  };
}

export interface ServingParts extends RouteParts {
  readonly catalogueFollower: CatalogueFollower;
  readonly content: ContentIndex;
  readonly follower: StateFollower;
  readonly freshness: FreshnessMeter;
  readonly trials: TrialLists;
  readonly mover: ItemMover;
  readonly releases: ReleaseHolder;
  readonly people: PeopleFollower;
  readonly active: RecentlyActive;
  readonly foldInPass: FoldInPass;
  readonly live: LiveServer;
  readonly releaseFollower: ReleaseFollower | undefined;
  readonly failures: string[];
}

export const problemsOf = (
  { failures, follower }: ServingParts,
  isReady: boolean,
): readonly string[] => [
  ...(isReady ? [] : ['serving is still reading its state']),
  ...failures,
  ...(follower.isStoreReachable ? [] : ['the state cannot be read; answers come from memory']),
  ...(follower.behind.length === 0
    ? []
    : [`the state of ${follower.behind.join(', ')} is made again; answers come from memory`]),
];

export const statusOf = (parts: ServingParts): Omit<ServingStatus, 'isReady' | 'problems'> => ({
  catalogue: {
    items: parts.catalogue.itemCount,
    visible: parts.catalogue.visibleCount(parts.clock.now()),
  },
  notices: parts.releaseFollower?.notices() ?? [],
  release: parts.releaseFollower?.status() ?? null,
  foldIn: parts.foldInPass.counts(),
  itemEpoch: parts.itemIndex.epoch,
  catalogueVersion: parts.catalogue.version,
  freshnessMs: parts.freshness.summary(),
  listsMade: parts.lists.servedCount,
  subjectReads: parts.subjects.readCount,
  cache: parts.cache.counters(),
  following: parts.follower.counters(),
  content: parts.content.counters(),
  people: parts.people.counts(),
  moved: parts.mover.counts(),
  live: parts.live.counts(),
  memory: {
    slots: parts.catalogue.slots.count,
    itemsKnown: parts.itemIndex.knownCount,
    itemBytes: parts.itemIndex.sizeBytes(),
    searchWords: parts.search.wordCount,
  },
});
