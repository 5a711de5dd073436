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
 * Spreads units as evenly as may be; whoever had a unit keeps it unless it would have more than its
 * share. A pure function of its arguments, whatever their order.
 */
export const shareUnits = (
  units: readonly string[],
  members: readonly GroupMember[],
): ReadonlyMap<string, readonly string[]> => {
  const sorted = [...members].sort(byId);
  const shares = new Map<string, string[]>(sorted.map(({ id }) => [id, []]));
  const free = new Set([...units].sort());
  const least = Math.floor(units.length / sorted.length);
  let larger = units.length - least * sorted.length;
  // Those with the most keep the larger shares.
  for (const { id, had } of [...sorted].sort((a, b) => b.had.length - a.had.length)) {
    const kept = had.filter((unit) => free.has(unit)).sort();
    const most = kept.length > least && larger > 0 ? least + 1 : least;
    if (most > least) larger -= 1;
    for (const unit of kept.slice(0, most)) {
      free.delete(unit);
      shares.get(id)?.push(unit);
    }
  }
  for (const unit of free) {
    const [first, ...rest] = shares.values();
    const poorest = rest.reduce(
      (poor, share) => (share.length < poor.length ? share : poor),
      first!,
    );
    poorest.push(unit);
  }
  return shares;
};

const byId = (a: GroupMember, b: GroupMember): number => (a.id < b.id ? -1 : 1);
