/**
 * Random histories of one partition, run against the embedded adapter and the memory model together:
 * claims, applies that fit and applies that do not, lost replies, clears, reopenings and kills (a copy of
 * the files while the store is open). Every answer and, after each step, everything stored is the same.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type LogId,
  NO_OFFSET,
  offset,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { openLmdbStateStore } from './lmdb-state-store.ts';
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

type Step =
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
const apply: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('apply' as const),
  olderEpochs: mostly(0, 1, -1),
  missedOffsets: mostly(0, 1, -1),
  length: fc.integer({ min: 0, max: 4 }),
  log: mostly('log-a' as LogId, 'log-b' as LogId),
  changes: fc.array(change, { maxLength: 6 }),
});
const just = (name: 'repeat' | 'claim' | 'clear' | 'reopen' | 'kill') =>
  fc.constant<Step>({ do: name });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: apply },
  { weight: 2, arbitrary: just('repeat') },
  { weight: 2, arbitrary: just('claim') },
  { weight: 1, arbitrary: just('clear') },
  { weight: 1, arbitrary: just('reopen') },
  { weight: 1, arbitrary: just('kill') },
);

class History {
  readonly #root = mkdtempSync(join(tmpdir(), 'freshet-state-'));
  #lives = 0;
  #store!: StateStore;
  #model = new MemoryStateStore({ changedKeysKept: CHANGED_KEYS_KEPT });
  #last: ApplyRequest | undefined;

  async run(steps: readonly Step[]): Promise<void> {
    this.#store = await this.#open();
    try {
      await this.#both((store) => store.claim(P0));
      for (const each of steps) {
        await this.#take(each);
        await this.#compare();
      }
    } finally {
      await this.#store.close();
      rmSync(this.#root, { recursive: true });
    }
  }

  async #take(each: Step): Promise<void> {
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
        const before = this.#directory;
        this.#lives += 1;
        cpSync(before, this.#directory, { recursive: true });
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

  get #directory(): string {
    return join(this.#root, `life-${this.#lives}`);
  }

  #open(): Promise<StateStore> {
    return openLmdbStateStore({
      directory: this.#directory,
      changedKeysKept: CHANGED_KEYS_KEPT,
      bootId: 'boot 1',
    });
  }
}

describe('LmdbStateStore and its model', () => {
  it('answer the same in any history of claims, applies, clears, reopenings and kills', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) =>
        new History().run(steps),
      ),
      { numRuns: 25, seed: 1_234 },
    );
  });
});
