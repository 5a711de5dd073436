import { describe, expect, it } from 'vitest';
import { FreshetError } from '../../schemas/errors.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { interactionsIn, openTestLog, TestClock } from '../../test/ingest/ingest-fixture.ts';
import type { BackfillEvent } from './backfill-sink.ts';
import { HttpBackfillSink } from './http-backfill-sink.ts';
import { LogBackfillSink } from './log-backfill-sink.ts';

const IMPORT = 'import-of-a-file';

const events = (from: number, to: number): BackfillEvent[] =>
  Array.from({ length: to - from }, (_, index) => ({
    sequence: from + index,
    userId: `user-${(from + index) % 7}`,
    sessionId: null,
    itemId: 'x',
    kind: 'view',
    value: null,
    occurredAt: (1_000 + from + index) as EpochMs,
  }));

const sinkOver = (changes: Partial<EventLog>): { sink: LogBackfillSink; log: EventLog } => {
  const memory = openTestLog();
  const log: EventLog = Object.assign(Object.create(memory) as EventLog, changes, {
    append: (changes.append ?? memory.append).bind(memory),
    read: memory.read.bind(memory),
    topic: (changes.topic ?? memory.topic).bind(memory),
    watermarks: memory.watermarks.bind(memory),
  });
  return { sink: new LogBackfillSink({ log, clock: new TestClock() }), log: memory };
};

const numbersIn = async (log: EventLog): Promise<number[]> =>
  (await interactionsIn(log)).map(({ sequence }) => sequence!).sort((left, right) => left - right);

const numbersTo = (end: number): number[] => Array.from({ length: end }, (_, index) => index);

describe('the backfill sink over the log', () => {
  it('keeps the order of two first batches, whichever learns sooner what the log holds', async () => {
    const memory = openTestLog();
    let asked = 0;
    const { sink, log } = sinkOver({
      topic: async (name) => {
        asked += 1;
        // The first question is answered last.
        for (let turns = asked === 1 ? 20 : 0; turns > 0; turns -= 1) {
          await new Promise(setImmediate);
        }
        return memory.topic(name);
      },
    });
    await Promise.all([
      sink.appendEvents(IMPORT, events(0, 10)),
      sink.appendEvents(IMPORT, events(10, 20)),
    ]);
    expect(await numbersIn(log)).toEqual(numbersTo(20));
  });

  it('lets no later batch pass one that failed, until that one came again', async () => {
    const memory = openTestLog();
    let isAway = true;
    const { sink, log } = sinkOver({
      append(this: EventLog, topic, partition, records) {
        if (isAway) return Promise.reject(new FreshetError('unavailable', { why: 'away' }));
        return memory.append.call(this, topic, partition, records);
      },
    });
    const unavailable = { code: 'unavailable' };
    await expect(sink.appendEvents(IMPORT, events(0, 10))).rejects.toMatchObject(unavailable);
    isAway = false;
    // Handed over by a caller who has not yet heard of the failure.
    await expect(sink.appendEvents(IMPORT, events(10, 20))).rejects.toMatchObject(unavailable);
    expect(await numbersIn(log)).toEqual([]);
    await sink.appendEvents(IMPORT, events(0, 10));
    await sink.appendEvents(IMPORT, events(10, 20));
    expect(await numbersIn(log)).toEqual(numbersTo(20));
  });
});

describe('the backfill sink over HTTP', () => {
  it('sends nothing behind a batch that was given up', async () => {
    const sink = new HttpBackfillSink({
      // Nothing listens on port 9 of this machine.
      url: 'http://127.0.0.1:9',
      clock: new TestClock(),
      attemptsMax: 1,
    });
    const first = sink.appendEvents(IMPORT, events(0, 10));
    const second = sink.appendEvents(IMPORT, events(10, 20));
    const [one, other] = await Promise.allSettled([first, second]);
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    // The very same failure: it was not tried on its own.
    expect(other).toEqual(one);
  });
});
