/**
 * When the disk will be full, if everything goes on as it did. What has a limit stops growing there: a
 * log that fills up at a fast rate, but keeps its last gibibyte, fills no disk. Pure.
 */
export interface OwnerGrowth {
  readonly bytes: number;
  readonly bytesPerDay: number;
  /** Where retention holds it; undefined where nothing does. */
  readonly limitBytes: number | undefined;
}

/**
 * On the disk an owner takes more than its limit of live bytes: LMDB's files keep the room of what was
 * removed, retention waits for sinks up to a quarter above, and merged parts are there twice for a while.
 */
export const ROOM_ABOVE_LIMIT = 1.5;

/** null where it never will be. */
export const daysUntilFull = (owners: readonly OwnerGrowth[], freeBytes: number): number | null => {
  const growing = owners
    .filter(({ bytesPerDay }) => bytesPerDay > 0)
    .map(({ bytesPerDay, ...owner }) => ({
      bytesPerDay,
      stopsAfter: daysOfGrowth({ ...owner, bytesPerDay }),
    }))
    .sort((left, right) => left.stopsAfter - right.stopsAfter);
  let rate = growing.reduce((sum, { bytesPerDay }) => sum + bytesPerDay, 0);
  let left = freeBytes;
  let day = 0;
  for (const { bytesPerDay, stopsAfter } of growing) {
    const needed = (stopsAfter - day) * rate;
    if (needed >= left) return day + left / rate;
    left -= needed;
    day = stopsAfter;
    rate -= bytesPerDay;
  }
  return null;
};

const daysOfGrowth = ({ bytes, bytesPerDay, limitBytes }: OwnerGrowth): number =>
  limitBytes === undefined
    ? Number.POSITIVE_INFINITY
    : Math.max(0, limitBytes * ROOM_ABOVE_LIMIT - bytes) / bytesPerDay;
