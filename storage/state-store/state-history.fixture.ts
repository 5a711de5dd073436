/**
 * Random histories of one partition, run against an adapter and the memory model together: claims,
 * applies that fit and applies that do not, lost replies, clears, reopenings and kills. Every answer
 * and, after each step, everything stored is the same.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import {
  type LogId,
  NO_OFFSET,
  offset,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { MemoryStateStore } from './memory-state-store.ts';
import type { ApplyRequest, StateChange, StateStore } from './state-store.ts';

const P0 = statePartition('contract', partitionIndex(0));
const CHANGED_KEYS_KEPT = 12;

/** An apply relative to what is stored: 0 for both is one that fits. */
interface RelativeApply {
  readonly do: 'apply';
  readonly olderEpochs: number;
  readonly missedOffsets: number;
  readonly length: number;
  readonly log: LogId;
  readonly changes: readonly StateChange[];
}

export type HistoryStep =
  | RelativeApply
  | { readonly do: 'repeat' }
  | { readonly do: 'claim' }
  | { readonly do: 'clear' }
  | { readonly do: 'reopen' }
  | { readonly do: 'kill' };

const key = fc.constantFrom('a', 'b', 'c', 'a:1', 'a:2', '__proto__', 'é', '😀');
const change: fc.Arbitrary<StateChange> = fc.record({
  key,
  value: fc.option(fc.uint8Array({ maxLength: 50 }), { nil: undefined, freq: 4 }),
});
const mostly = <Value>(usual: Value, ...others: Value[]): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
const apply: fc.Arbitrary<HistoryStep> = fc.record({
  do: fc.constant('apply' as const),
  olderEpochs: mostly(0, 1, -1),
  missedOffsets: mostly(0, 1, -1),
  length: fc.integer({ min: 0, max: 4 }),
  log: mostly('log-a' as LogId, 'log-b' as LogId),
  changes: fc.array(change, { maxLength: 6 }),
});
const just = (name: 'repeat' | 'claim' | 'clear' | 'reopen' | 'kill') =>
  fc.constant<HistoryStep>({ do: name });
const step: fc.Arbitrary<HistoryStep> = fc.oneof(
  { weight: 12, arbitrary: apply },
  { weight: 2, arbitrary: just('repeat') },
  { weight: 2, arbitrary: just('claim') },
  { weight: 1, arbitrary: just('clear') },
  { weight: 1, arbitrary: just('reopen') },
  { weight: 1, arbitrary: just('kill') },
);

export const historySteps = fc.array(step, { minLength: 5, maxLength: 40 });

/** The store under test, with what a history does to it besides calling it. */
export interface HistorySubject {
  open(options: { readonly changedKeysKept: number }): Promise<StateStore>;
  /** Whatever holds the state dies while the store is open; what was answered is to be there again. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

export class StateHistory {
  readonly #subject: HistorySubject;
  #store!: StateStore;
  #model = new MemoryStateStore({ changedKeysKept: CHANGED_KEYS_KEPT });
  #last: ApplyRequest | undefined;

  constructor(subject: HistorySubject) {
    this.#subject = subject;
  }

  async run(steps: readonly HistoryStep[]): Promise<void> {
    this.#store = await this.#open();
    try {
      await this.#both((store) => store.claim(P0));
      for (const each of steps) {
        await this.#take(each);
        await this.#compare();
      }
    } finally {
      await this.#store.close();
      await this.#subject.remove();
    }
  }

  async #take(each: HistoryStep): Promise<void> {
    switch (each.do) {
      case 'apply': {
        const request = await this.#absolute(each);
        this.#last = request;
        return this.#both((store) => store.apply(P0, request));
      }
      case 'repeat': {
        const last = this.#last;
        return last && this.#both((store) => store.apply(P0, last));
      }
      case 'claim':
        return this.#both((store) => store.claim(P0));
      case 'clear':
        return this.#both((store) => store.clear(P0));
      case 'reopen':
        await this.#store.close();
        this.#store = await this.#open();
        return undefined;
      case 'kill': {
        await this.#subject.kill();
        await this.#store.close();
        this.#store = await this.#open();
        return undefined;
      }
    }
  }

  async #absolute({ olderEpochs, missedOffsets, length, log, changes }: RelativeApply) {
    const stored = await this.#model.position(P0);
    const expectedOffset = offset((stored?.coveredOffset ?? NO_OFFSET) - missedOffsets);
    return {
      epoch: (stored?.epoch ?? 0) - olderEpochs,
      expectedOffset,
      coveredOffset: offset(expectedOffset + length),
      logId: log,
      recordHash: length,
      changes,
    };
  }

  async #both(ask: (store: StateStore) => Promise<unknown>): Promise<void> {
    expect(await ask(this.#store)).toEqual(await ask(this.#model));
  }

  async #compare(): Promise<void> {
    await this.#both((store) => store.position(P0));
    const covered = (await this.#model.position(P0))?.coveredOffset ?? NO_OFFSET;
    for (const prefix of ['', 'a', 'a:']) {
      await this.#both(async (store) =>
        (await store.scan(P0, { prefix, limit: 5 })).map((found) => ({
          key: found.key,
          value: Buffer.from(found.value).toString('hex'),
        })),
      );
    }
    for (const since of [covered, covered - 1, covered - 5, NO_OFFSET, covered + 1]) {
      await this.#both(async (store) => {
        const found = await store.changesSince(P0, offset(since));
        return found.complete ? { ...found, keys: [...found.keys].sort() } : found;
      });
    }
  }

  #open(): Promise<StateStore> {
    return this.#subject.open({ changedKeysKept: CHANGED_KEYS_KEPT });
  }
}
