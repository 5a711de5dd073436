/** What a model of a release does for a list: it proposes items, and says whence their scores came. */
import type { EpochMs } from '../../schemas/ids.ts';
import type { Profile, TasteEvent } from '../profile.ts';

export interface ModelProposals {
  /** How many at most. */
  readonly count: number;
  /** Slots that are not to be proposed. */
  readonly leftOut: ReadonlySet<number>;
  readonly now: EpochMs;
}

export type GiveToSlot = (slot: number, amount: number) => void;

export interface ModelSource {
  /** Calls `give` with the raw score, above 0, of each item that it proposes. */
  propose(profile: Profile, proposals: ModelProposals, give: GiveToSlot): void;
  /** Calls `give` with what each of the person's events gave to the score of each of these items. */
  contribute(
    profile: Profile,
    slots: readonly number[],
    give: (slot: number, event: TasteEvent, amount: number) => void,
  ): void;
  /** Gives back memory that is not the garbage collector's. */
  release(): void;
}
