/**
 * People's vectors under one release, each for one offset of that person's state: a list and its
 * explanation solve once. A view (I7): any of them may go at any time, and the older half does when
 * there are too many.
 */
import type { Offset, SubjectId } from '../../schemas/ids.ts';

interface Kept {
  readonly version: Offset;
  readonly vector: Float32Array;
}

export class RecentVectors {
  readonly #max: number;
  #young = new Map<SubjectId, Kept>();
  #old = new Map<SubjectId, Kept>();

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#young.size + this.#old.size;
  }

  get(subject: SubjectId, version: Offset): Float32Array | undefined {
    const kept = this.#young.get(subject) ?? this.#old.get(subject);
    return kept?.version === version ? kept.vector : undefined;
  }

  put(subject: SubjectId, version: Offset, vector: Float32Array): void {
    if (this.#young.size >= this.#max / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    if (this.#max > 0) this.#young.set(subject, { version, vector });
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
