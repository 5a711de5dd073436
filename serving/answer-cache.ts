/**
 * Answers as bytes, for a second at most: the same list asked again is a lookup and a write. A hint
 * that a person's state changed throws that person's answers away; a change of what all
 * lists stand on, the catalogue and the release in use, makes all of them old at once: what was hidden
 * must not be shown by the next answer.
 */
import type { Clock } from '../schemas/environment.ts';
import type { CacheOptions } from './options.ts';

export interface CachedAnswer {
  readonly body: Buffer;
  /** The state key of the person it is for; null for a list that is the same for everyone. */
  readonly owner: string | null;
  readonly madeAtMs: number;
  /** Rises with every change of the catalogue or the release. */
  readonly groundVersion: number;
}

/** Held while an answer is being made, to notice that its ground moved meanwhile. */
export interface PendingAnswer {
  readonly owner: string | null;
  readonly madeAtMs: number;
  readonly groundVersion: number;
  isOld: boolean;
}

/**
 * Answers made within one stretch of time. Answers die in bulk, with their generation: taking the
 * oldest out of a map one by one gets slower with every one that was taken out.
 */
class Generation {
  readonly #answers = new Map<string, CachedAnswer>();
  readonly #keysOfOwner = new Map<string, string[]>();
  readonly beganMs: number;
  bytes = 0;

  constructor(beganMs: number) {
    this.beganMs = beganMs;
  }

  get size(): number {
    return this.#answers.size;
  }

  get(key: string): CachedAnswer | undefined {
    return this.#answers.get(key);
  }

  put(key: string, answer: CachedAnswer): void {
    this.#answers.set(key, answer);
    this.bytes += answer.body.length;
    if (answer.owner === null) return;
    const keys = this.#keysOfOwner.get(answer.owner);
    if (keys === undefined) this.#keysOfOwner.set(answer.owner, [key]);
    else keys.push(key);
  }

  forget(owner: string): void {
    for (const key of this.#keysOfOwner.get(owner) ?? []) this.#answers.delete(key);
    this.#keysOfOwner.delete(owner);
  }
}

export class AnswerCache {
  readonly #options: CacheOptions;
  readonly #clock: Clock;
  readonly #groundVersion: () => number;
  readonly #pending = new Set<PendingAnswer>();
  #young: Generation;
  #old: Generation;
  #hits = 0;
  #misses = 0;

  constructor(options: CacheOptions, clock: Clock, groundVersion: () => number) {
    this.#options = options;
    this.#clock = clock;
    this.#groundVersion = groundVersion;
    this.#young = new Generation(clock.monotonicMs());
    this.#old = this.#young;
  }

  get(key: string): Buffer | undefined {
    const answer = this.#young.get(key) ?? this.#old.get(key);
    const isFresh =
      answer !== undefined &&
      this.#clock.monotonicMs() - answer.madeAtMs <= this.#options.lifeMs &&
      answer.groundVersion === this.#groundVersion();
    if (!isFresh) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    return answer.body;
  }

  /** To be called before anything that the answer depends on is read. */
  begin(owner: string | null): PendingAnswer {
    const pending = {
      owner,
      madeAtMs: this.#clock.monotonicMs(),
      groundVersion: this.#groundVersion(),
      isOld: false,
    };
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
    this.#turnOver();
    const { owner, madeAtMs, groundVersion } = pending;
    this.#young.put(key, { body, owner, madeAtMs, groundVersion });
  }

  /** The owner's state changed. */
  forget(owner: string): void {
    for (const pending of this.#pending) if (pending.owner === owner) pending.isOld = true;
    this.#young.forget(owner);
    this.#old.forget(owner);
  }

  clear(): void {
    for (const pending of this.#pending) pending.isOld = true;
    this.#young = new Generation(this.#clock.monotonicMs());
    this.#old = this.#young;
  }

  counters(): Readonly<Record<string, number>> {
    const isOne = this.#young === this.#old;
    return {
      entries: this.#young.size + (isOne ? 0 : this.#old.size),
      bytes: this.#young.bytes + (isOne ? 0 : this.#old.bytes),
      hits: this.#hits,
      misses: this.#misses,
    };
  }

  /** Two generations share what the cache may hold. */
  #turnOver(): void {
    const { entriesMax, bytesMax, lifeMs } = this.#options;
    const nowMs = this.#clock.monotonicMs();
    const isFull = this.#young.size >= entriesMax / 2 || this.#young.bytes >= bytesMax / 2;
    if (!isFull && nowMs - this.#young.beganMs <= lifeMs) return;
    this.#old = this.#young;
    this.#young = new Generation(nowMs);
  }
}
