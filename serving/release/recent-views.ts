/**
 * What was made for people of late under one release, each for one offset of that person's state: their
 * vector, so that a list and its explanation solve once; what a model proposes to them, so that a watched
 * list that is made again because items changed need not search. A view (I7): any of them may go at any
 * time, and the older half does when there are too many.
 */
import type { Offset, SubjectId } from '../../schemas/ids.ts';

interface Kept<View> {
  readonly version: Offset;
  readonly view: View;
}

export class RecentViews<View> {
  readonly #max: number;
  #young = new Map<SubjectId, Kept<View>>();
  #old = new Map<SubjectId, Kept<View>>();

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#young.size + this.#old.size;
  }

  get(subject: SubjectId, version: Offset): View | undefined {
    const kept = this.#young.get(subject) ?? this.#old.get(subject);
    return kept?.version === version ? kept.view : undefined;
  }

  put(subject: SubjectId, version: Offset, view: View): void {
    if (this.#young.size >= this.#max / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    if (this.#max > 0) this.#young.set(subject, { version, view });
  }

  letGoOf(subject: SubjectId): void {
    this.#young.delete(subject);
    this.#old.delete(subject);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
