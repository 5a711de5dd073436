import fc from 'fast-check';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { epochMs, offset, partitionIndex } from '../../../schemas/ids.ts';
import { CONTRACT_TOPICS } from '../contract-topics.fixture.ts';
import { readAll } from '../event-log.contract.ts';
import type { EventLog } from '../event-log.ts';
import {
  type AppendStep,
  appendStep,
  comparable,
  HISTORY_TOPICS,
  outcome,
  type ReadStep,
  readStep,
} from '../log-history.fixture.ts';
import { MemoryEventLog } from '../memory-event-log.ts';
import { deleteNamespace, newNamespace, openTestLog } from './kafka-log.fixture.ts';

type Step =
  | AppendStep
  | ReadStep
  | {
      readonly do: 'expire';
      readonly ageMs: number;
      readonly now: number;
      readonly keepFrom: number;
    }
  | { readonly do: 'reopen' };

const SEED = 4_711;
const RUNS = 8;
const [EXPIRING] = HISTORY_TOPICS;
const P1 = partitionIndex(1);
const brokers = inject('kafka').addresses.plain;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: appendStep },
  { weight: 4, arbitrary: readStep },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('expire' as const),
      ageMs: fc.integer({ min: 1, max: 200_000_000 }),
      now: fc.integer({ min: 0, max: 400_000_000 }),
      keepFrom: fc.integer({ min: 0, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);

class History {
  readonly #namespace = newNamespace();
  readonly #model = new MemoryEventLog({ topics: CONTRACT_TOPICS, random: () => 0.5 });
  #log!: EventLog;

  async run(steps: readonly Step[]): Promise<void> {
    this.#log = await this.#open();
    try {
      for (const each of steps) {
        await this.#take(each);
        await this.#compare();
      }
    } finally {
      await this.#log.close();
      await deleteNamespace(brokers, this.#namespace);
    }
  }

  async #take(each: Step): Promise<void> {
    switch (each.do) {
      case 'append':
        return this.#onBoth((log) =>
          Promise.all(each.batches.map((records) => log.append(each.topic, P1, records))),
        );
      case 'read': {
        const limits = { recordsMax: each.limit, bytesMax: 1_000_000 };
        return this.#onBoth((log) => outcome(log.read(each.topic, P1, offset(each.from), limits)));
      }
      case 'expire': {
        const keepFrom = [each.keepFrom, each.keepFrom, each.keepFrom].map(offset);
        const retention = { ageMs: each.ageMs, keepFrom };
        return this.#onBoth((log) => log.clean(EXPIRING, retention, epochMs(each.now)));
      }
      case 'reopen':
        await this.#log.close();
        this.#log = await this.#open();
        return undefined;
    }
  }

  async #onBoth(act: (log: EventLog) => Promise<unknown>): Promise<void> {
    const [found, expected] = await Promise.all([this.#log, this.#model].map(act));
    expect(found).toEqual(expected);
  }

  async #compare(): Promise<void> {
    for (const name of HISTORY_TOPICS) {
      await this.#onBoth(async (log) => {
        const marks = await log.watermarks(name, P1);
        return { marks, records: (await readAll(log, name, P1, marks.low)).map(comparable) };
      });
    }
  }

  #open(): Promise<EventLog> {
    return openTestLog({ brokers, namespace: this.#namespace });
  }
}

afterAll(() => console.log(`seed ${SEED}, ${RUNS} histories`));

describe('KafkaEventLog and its model', () => {
  it('hold the same after any history of appends, reads, expiries and reopenings', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), (steps) =>
        new History().run(steps),
      ),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
  });
});
