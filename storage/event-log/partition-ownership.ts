/**
 * Which units of work belong to which of several processes: a unit is a state partition, and has one
 * owner at a time or none. This spreads work and notices who is gone; that two may not write the same
 * state is not its promise but the state's, which refuses an older epoch (S3): a process that slept while
 * its units moved on learns of it only afterwards.
 */
export interface PartitionOwnership {
  /**
   * Takes part until the signal is aborted or `work` fails. `work` is called with what fell to this
   * process, which may be nothing, and again after each change. Its signal is aborted the moment that
   * the units may become another's; they are given away after it has ended.
   */
  run(work: OwnedWork, signal: AbortSignal): Promise<void>;
}

export type OwnedWork = (units: readonly string[], signal: AbortSignal) => Promise<void>;

export interface GroupMember {
  readonly id: string;
  /** What it had before, and has at hand. */
  readonly had: readonly string[];
}

/**
 * Spreads units as evenly as may be, those of each kind (`users.0` is one of the users') and all of them:
 * a person's partition is other work than an item's. Whoever had a unit keeps it unless it would have more
 * than its share. A pure function of its arguments, whatever their order.
 */
export const shareUnits = (
  units: readonly string[],
  members: readonly GroupMember[],
): ReadonlyMap<string, readonly string[]> => {
  const shares = new Map<string, string[]>([...members].sort(byId).map(({ id }) => [id, []]));
  const kinds = [...Map.groupBy([...units].sort(), kindOf).values()];
  for (const kind of kinds.sort((a, b) => b.length - a.length)) shareKind(kind, members, shares);
  return shares;
};

const shareKind = (
  units: readonly string[],
  members: readonly GroupMember[],
  shares: ReadonlyMap<string, string[]>,
): void => {
  const free = new Set(units);
  const least = Math.floor(units.length / members.length);
  const larger = units.length % members.length;
  // One more goes to whoever has least of what was shared out before; of these, to who had more.
  const inTurn = [...members]
    .sort(byId)
    .map(({ id, had }) => ({
      share: shares.get(id)!,
      kept: had.filter((unit) => free.has(unit)).sort(),
    }))
    .sort((a, b) => a.share.length - b.share.length || b.kept.length - a.kept.length);
  const wanted = inTurn.map(({ share, kept }, place) => {
    const size = place < larger ? least + 1 : least;
    const own = kept.filter((unit) => free.has(unit)).slice(0, size);
    for (const unit of own) free.delete(unit);
    share.push(...own);
    return { share, missing: size - own.length };
  });
  const left = [...free];
  for (const { share, missing } of wanted) share.push(...left.splice(0, missing));
};

const kindOf = (unit: string): string => unit.replace(/\.\d+$/, '');

const byId = (a: GroupMember, b: GroupMember): number => (a.id < b.id ? -1 : 1);
