/**
 * The one order of everything in a simulation: whatever completes, sleeps or travels is an entry with
 * a virtual time, and the entries run one after another, earliest first. Latencies are drawn from a
 * seeded generator, so a seed is an order. No real time passes and nothing real is waited for.
 *
 * After each entry the event loop turns once, so that all promises that it settled have been followed.
 */
import type { Random } from '../faults/seeded-random.ts';

/** Whose an entry is: what belongs to somebody dead never runs, to somebody paused later. */
export interface Owner {
  readonly name: string;
  readonly isDead: boolean;
  /** True if it keeps the entry back itself. */
  holdsBack(entry: Entry): boolean;
}

export interface Entry {
  readonly what: string;
  readonly run: () => void;
  readonly owner: Owner | undefined;
  atMs: number;
  isCancelled: boolean;
}

export interface SchedulerOptions {
  readonly random: Random;
  /** Called with each entry that runs. */
  readonly trace?: (line: string) => void;
}

/** Turns of the event loop after which an empty schedule is taken for the end. */
const TURNS_BEFORE_END = 20;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #heap: Entry[] = [];
  #nowMs = 0;
  #steps = 0;
  /** Of everything that ran, in order: two runs of a seed must agree. */
  #fingerprint = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get steps(): number {
    return this.#steps;
  }

  get fingerprint(): number {
    return this.#fingerprint;
  }

  /** Runs once after a virtual delay; whose it is decides whether it still runs then. */
  after(delayMs: number, what: string, run: () => void, owner?: Owner): Entry {
    const entry: Entry = { what, run, owner, atMs: this.#nowMs + delayMs, isCancelled: false };
    this.#push(entry);
    return entry;
  }

  /** Puts back what an owner had kept. */
  resume(entry: Entry, delayMs: number): void {
    entry.atMs = this.#nowMs + delayMs;
    this.#push(entry);
  }

  /** A latency around the given one: mostly near it, now and then several times as long. */
  latency(typicalMs: number): number {
    const draw = this.#options.random();
    return typicalMs * (0.2 + draw + 4 * draw ** 8);
  }

  draw(): number {
    return this.#options.random();
  }

  note(text: string): void {
    this.#options.trace?.(`${this.#nowMs.toFixed(2).padStart(10)}  ** ${text}`);
  }

  /** Runs entries until `isDone`; false if that takes more steps or more virtual time than given. */
  async runUntil(
    isDone: () => boolean,
    limits: { readonly steps: number; readonly ms: number },
  ): Promise<boolean> {
    const stepsMax = this.#steps + limits.steps;
    const untilMs = this.#nowMs + limits.ms;
    for (let idle = 0; ; ) {
      if (isDone()) return true;
      if (this.#steps >= stepsMax) return false;
      const entry = this.#pop();
      if (entry === undefined) {
        idle += 1;
        if (idle > TURNS_BEFORE_END) return false;
      } else if (entry.atMs > untilMs) {
        this.#push(entry);
        return false;
      } else {
        idle = 0;
        if (!this.#runEntry(entry)) continue;
      }
      await turn();
    }
  }

  #runEntry(entry: Entry): boolean {
    const { owner, what } = entry;
    if (entry.isCancelled || owner?.isDead) return false;
    this.#nowMs = Math.max(this.#nowMs, entry.atMs);
    if (owner?.holdsBack(entry)) return false;
    this.#steps += 1;
    this.#mix(what);
    this.#options.trace?.(
      `${this.#nowMs.toFixed(2).padStart(10)}  ${(owner?.name ?? '').padEnd(10)} ${what}`,
    );
    entry.run();
    return true;
  }

  #mix(what: string): void {
    let hash = this.#fingerprint ^ Math.round(this.#nowMs * 1_000);
    for (let at = 0; at < what.length; at += 1) {
      hash = Math.imul(hash ^ what.charCodeAt(at), 0x01000193);
    }
    this.#fingerprint = hash >>> 0;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (heap[parent]!.atMs <= entry.atMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child += 1;
      if (heap[child]!.atMs >= last.atMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
