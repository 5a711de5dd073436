/** Which partitions of the state are followed, and who is told of what changes in them. */
import { partitionIndex, statePartition } from '../schemas/ids.ts';
import { passHop } from '../schemas/journey.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { FreshnessMeter } from './freshness.ts';
import type { ItemFollower } from './item-follower.ts';
import type { LiveHub } from './live/live-hub.ts';
import type { PeopleFollower } from './people/people-follower.ts';
import type { RecentlyActive } from './people/recently-active.ts';
import type { FoldInPass } from './release/fold-in-pass.ts';
import type { ReleaseHolder } from './release/release-holder.ts';
import type { FollowedHow, StateChangeNotice, StateFollower } from './state-follower.ts';

export const followItems = (
  follower: StateFollower,
  listener: ItemFollower,
  { count, ...how }: FollowedHow & { readonly count: number },
): void => {
  for (let index = 0; index < count; index++) {
    const name = statePartition(TOPICS.itemSignals.name, partitionIndex(index));
    follower.follow(name, listener, how);
  }
};

export const followSubjects = (
  follower: StateFollower,
  count: number,
  given: {
    readonly cache: AnswerCache;
    readonly freshness: FreshnessMeter;
    readonly releases: ReleaseHolder;
    readonly people: PeopleFollower;
    readonly active: RecentlyActive;
    readonly foldInPass: () => FoldInPass;
    readonly hub: () => LiveHub;
  },
): void => {
  for (let index = 0; index < count; index++) {
    const partition = partitionIndex(index);
    follower.follow(statePartition(TOPICS.interactions.name, partition), {
      changed({ from, to, keys }: StateChangeNotice) {
        passHop({ hop: 'heard', topic: TOPICS.interactions.name, partition, offset: to });
        for (const key of keys) given.cache.forget(key);
        given.hub().subjectsChanged(keys);
        given.people.changed(statePartition(TOPICS.interactions.name, partition), keys);
        given.active.changed(keys);
        void given.freshness.observe(partition, from, to);
      },
      async reset(name) {
        given.people.reset(name);
        given.cache.clear();
        given.releases.forgetVectors();
        given.hub().allSubjectsChanged();
        await given.active.lookBack(name);
        given.foldInPass().again();
      },
    });
  }
};

export const followPositions = (follower: StateFollower, count: number): void => {
  const listener = { changed: () => undefined, reset: () => undefined };
  for (let index = 0; index < count; index++) {
    follower.follow(statePartition(TOPICS.interactions.name, partitionIndex(index)), listener);
  }
};
