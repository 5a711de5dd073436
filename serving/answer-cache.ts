/**
 * Answers as bytes, for a second at most: the same list asked again is a lookup and a write. A hint
 * that a person's state changed throws that person's answers away; a change of the catalogue makes
 * all of them old at once, since what was hidden must not be shown by the next answer.
 */
import type { Clock } from '../schemas/environment.ts';
import type { CacheOptions } from './options.ts';

export interface CachedAnswer {
  readonly body: Buffer;
  /** The state key of the person it is for; null for a list that is the same for everyone. */
  readonly owner: string | null;
  readonly madeAtMs: number;
  readonly catalogueVersion: number;
}

/** Held while an answer is being made, to notice that its ground moved meanwhile. */
export interface PendingAnswer {
  readonly owner: string | null;
  readonly madeAtMs: number;
  isOld: boolean;
}

export class AnswerCache {
  readonly #options: CacheOptions;
  readonly #clock: Clock;
  readonly #catalogueVersion: () => number;
  readonly #answers = new Map<string, CachedAnswer>();
  readonly #keysOfOwner = new Map<string, Set<string>>();
  readonly #pending = new Set<PendingAnswer>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: CacheOptions, clock: Clock, catalogueVersion: () => number) {
    this.#options = options;
    this.#clock = clock;
    this.#catalogueVersion = catalogueVersion;
  }

  get(key: string): Buffer | undefined {
    const answer = this.#answers.get(key);
    const isFresh =
      answer !== undefined &&
      this.#clock.monotonicMs() - answer.madeAtMs <= this.#options.lifeMs &&
      answer.catalogueVersion === this.#catalogueVersion();
    if (!isFresh) {
      this.#misses++;
      if (answer !== undefined) this.#drop(key, answer);
      return undefined;
    }
    this.#hits++;
    return answer.body;
  }

  /** To be called before anything that the answer depends on is read. */
  begin(owner: string | null): PendingAnswer {
    const pending = { owner, madeAtMs: this.#clock.monotonicMs(), isOld: false };
    if (owner !== null) this.#pending.add(pending);
    return pending;
  }

  /** Gives up what was begun. */
  abandon(pending: PendingAnswer): void {
    this.#pending.delete(pending);
  }

  put(key: string, body: Buffer, pending: PendingAnswer): void {
    this.#pending.delete(pending);
    if (pending.isOld || this.#options.entriesMax === 0) return;
    const old = this.#answers.get(key);
    if (old !== undefined) this.#drop(key, old);
    this.#answers.set(key, {
      body,
      owner: pending.owner,
      madeAtMs: pending.madeAtMs,
      catalogueVersion: this.#catalogueVersion(),
    });
    this.#bytes += body.length;
    if (pending.owner !== null) this.#keysOf(pending.owner).add(key);
    while (this.#answers.size > this.#options.entriesMax || this.#bytes > this.#options.bytesMax) {
      const [oldest, answer] = this.#answers.entries().next().value!;
      this.#drop(oldest, answer);
    }
  }

  /** The owner's state changed. */
  forget(owner: string): void {
    for (const pending of this.#pending) if (pending.owner === owner) pending.isOld = true;
    const keys = this.#keysOfOwner.get(owner);
    if (keys === undefined) return;
    for (const key of [...keys]) this.#drop(key, this.#answers.get(key)!);
  }

  clear(): void {
    for (const pending of this.#pending) pending.isOld = true;
    this.#answers.clear();
    this.#keysOfOwner.clear();
    this.#bytes = 0;
  }

  counters(): Readonly<Record<string, number>> {
    return {
      entries: this.#answers.size,
      bytes: this.#bytes,
      hits: this.#hits,
      misses: this.#misses,
    };
  }

  #keysOf(owner: string): Set<string> {
    let keys = this.#keysOfOwner.get(owner);
    if (keys === undefined) {
      keys = new Set();
      this.#keysOfOwner.set(owner, keys);
    }
    return keys;
  }

  #drop(key: string, answer: CachedAnswer): void {
    this.#answers.delete(key);
    this.#bytes -= answer.body.length;
    if (answer.owner === null) return;
    const keys = this.#keysOfOwner.get(answer.owner);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOfOwner.delete(answer.owner);
  }
}
