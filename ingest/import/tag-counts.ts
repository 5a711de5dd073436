/** Tags that people gave to items, counted, so that an item keeps those that most agree on. */
const TAGS_PER_ITEM_MAX = 20;
const TAG_LENGTH_MAX = 64;

export class TagCounts {
  readonly #byItem = new Map<string, Map<string, number>>();

  add(itemId: string, text: string): void {
    const tag = text.trim().toLowerCase().replace(/\s+/g, ' ');
    if (tag === '' || tag.length > TAG_LENGTH_MAX) return;
    const counts = this.#byItem.get(itemId) ?? new Map<string, number>();
    this.#byItem.set(itemId, counts);
    counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }

  /** The most given first, then by name. */
  of(itemId: string): readonly string[] {
    return [...(this.#byItem.get(itemId) ?? [])]
      .sort(([left, leftCount], [right, rightCount]) =>
        rightCount === leftCount ? (left < right ? -1 : 1) : rightCount - leftCount,
      )
      .slice(0, TAGS_PER_ITEM_MAX)
      .map(([tag]) => tag);
  }
}
