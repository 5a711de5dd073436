/**
 * Random histories of one log, run against the embedded adapter and the memory model together: appends,
 * reads, cleanings, reopenings, kills (a copy of the files while appends are under way) and failures of
 * the caller. After each step both hold the same.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, offset, partitionIndex } from '../../schemas/ids.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { readAll } from './event-log.contract.ts';
import type { AppendRecord, EventLog } from './event-log.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';
import {
  type AppendStep,
  appendStep,
  comparable,
  HISTORY_TOPICS,
  outcome,
  type ReadStep,
  readStep,
  someBatches,
} from './log-history.fixture.ts';
import { MemoryEventLog } from './memory-event-log.ts';

type Step =
  | AppendStep
  | ReadStep
  | {
      readonly do: 'clean';
      readonly ageMs: number;
      readonly now: number;
      readonly keepFrom: number | undefined;
    }
  | { readonly do: 'reopen' }
  | { readonly do: 'kill'; readonly batches: readonly AppendRecord[][] };

const P1 = partitionIndex(1);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: appendStep },
  { weight: 3, arbitrary: readStep },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('clean' as const),
      ageMs: fc.integer({ min: 1, max: 200_000_000 }),
      now: fc.integer({ min: 0, max: 400_000_000 }),
      keepFrom: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), batches: someBatches }) },
);

class History {
  readonly #root = mkdtempSync(join(tmpdir(), 'freshet-log-'));
  #lives = 0;
  #log!: EventLog;
  #model = openModel();

  async run(steps: readonly Step[]): Promise<void> {
    this.#log = await this.#open();
    try {
      for (const each of steps) {
        await this.#take(each);
        await this.#compare();
      }
    } finally {
      await this.#log.close();
      rmSync(this.#root, { recursive: true });
    }
  }

  async #take(each: Step): Promise<void> {
    switch (each.do) {
      case 'append':
        return this.#append(each);
      case 'read': {
        const limits = { recordsMax: each.limit, bytesMax: 1_000_000 };
        const [found, expected] = await Promise.all(
          [this.#log, this.#model].map((log) =>
            outcome(log.read(each.topic, P1, offset(each.from), limits)),
          ),
        );
        return expect(found).toEqual(expected);
      }
      case 'clean':
        return this.#clean(each);
      case 'reopen':
        await this.#log.close();
        this.#log = await this.#open();
        this.#model = openModel(this.#model);
        return undefined;
      case 'kill':
        return this.#kill(each.batches);
    }
  }

  async #append({ topic: name, batches: all }: AppendStep): Promise<void> {
    const [found, expected] = await Promise.all(
      [this.#log, this.#model].map((log) =>
        Promise.all(all.map((batch) => log.append(name, P1, batch))),
      ),
    );
    expect(found).toEqual(expected);
  }

  async #clean({ ageMs, now, keepFrom }: Extract<Step, { do: 'clean' }>): Promise<void> {
    for (const name of HISTORY_TOPICS) {
      const retention = {
        ageMs,
        ...(keepFrom === undefined ? {} : { keepFrom: [offset(keepFrom), offset(keepFrom)] }),
      };
      const expected = await this.#model.clean(name, retention, epochMs(now));
      expect(await this.#log.clean(name, retention, epochMs(now))).toBe(expected);
    }
  }

  /** What is under way when the process dies is there whole, batch by batch and in order, or not. */
  async #kill(all: readonly AppendRecord[][]): Promise<void> {
    const [name] = HISTORY_TOPICS;
    const { end } = await this.#log.watermarks(name, P1);
    const underWay = Promise.all(all.map((batch) => this.#log.append(name, P1, batch)));
    await new Promise((resolve) => setImmediate(resolve));
    const before = this.#directory;
    this.#lives += 1;
    cpSync(before, this.#directory, { recursive: true });
    await underWay;
    await this.#log.close();
    this.#log = await this.#open();
    let survived = (await this.#log.watermarks(name, P1)).end - end;
    for (const batch of all) {
      if (survived === 0) break;
      await this.#model.append(name, P1, batch);
      survived -= batch.length;
    }
    expect(survived).toBe(0);
  }

  async #compare(): Promise<void> {
    for (const name of HISTORY_TOPICS) {
      const [found, expected] = await Promise.all(
        [this.#log, this.#model].map(async (log) => {
          const marks = await log.watermarks(name, P1);
          return { marks, records: (await readAll(log, name, P1, marks.low)).map(comparable) };
        }),
      );
      expect(found).toEqual(expected);
    }
  }

  get #directory(): string {
    return join(this.#root, `life-${this.#lives}`);
  }

  #open(): Promise<EventLog> {
    return openLmdbEventLog({
      directory: this.#directory,
      topics: CONTRACT_TOPICS,
      clock: { sleep: (duration) => sleepFor(duration) },
      random: () => 0.5,
    });
  }
}

const openModel = (former?: MemoryEventLog): MemoryEventLog =>
  new MemoryEventLog({
    topics: CONTRACT_TOPICS,
    random: () => 0.5,
    ...(former && { disk: former.disk }),
  });

describe('LmdbEventLog and its model', () => {
  it('hold the same after any history of appends, reads, cleanings, reopenings and kills', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), (steps) =>
        new History().run(steps),
      ),
      { numRuns: 15, seed: 4_711, endOnFailure: false },
    );
  });
});
