/** A list in which no group (a franchise, a series) takes more than its share. */
export const limitPerGroup = <Entry>(
  entries: readonly Entry[],
  groupOf: (entry: Entry) => string | undefined,
  limit: number,
): Entry[] => {
  const counts = new Map<string, number>();
  return entries.filter((entry) => {
    const group = groupOf(entry);
    if (group === undefined) return true;
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    return count <= limit;
  });
};
