import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventInput } from '../../schemas/api/events.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  interactionsIn,
  openTestIngest,
  openTestLog,
  type TestIngest,
} from '../../test/ingest/ingest-fixture.ts';

/** A log whose completions wait until the test lets them happen, in order. */
let held: (() => void)[] = [];
let isHolding = false;
const schedule = (complete: () => void, what: string): void => {
  if (isHolding && what.startsWith('append')) held.push(complete);
  else queueMicrotask(complete);
};
const release = async (): Promise<void> => {
  for (const complete of held.splice(0)) complete();
  await turns();
};
const turns = async (count = 4): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
};

let under: TestIngest;
beforeEach(async () => {
  held = [];
  isHolding = false;
  under = await openTestIngest({ log: openTestLog({ schedule }) });
  isHolding = true;
});
afterEach(async () => {
  isHolding = false;
  await release();
  await under.close();
});

const event = (eventId: string, changes: object = {}): EventInput =>
  ({ eventId, userId: 'ada', itemId: 'x', kind: 'click', ...changes }) as EventInput;
const take = (...events: EventInput[]) => under.ingest.events.take(events);
const stateOf = async (promise: Promise<unknown>): Promise<string> =>
  Promise.race([
    promise.then(
      () => 'answered',
      () => 'failed',
    ),
    turns().then(() => 'waiting'),
  ]);

describe('the intake of events', () => {
  it('answers nothing before the log says that it is durable', async () => {
    const answer = take(event('a'));
    expect(await stateOf(answer)).toBe('waiting');
    await release();
    expect(await answer).toMatchObject({ accepted: 1 });
  });

  it('keeps one append outstanding and sends what comes meanwhile with the next, in order', async () => {
    const first = take(event('a'));
    await turns();
    const others = ['b', 'c', 'd'].map((id) => take(event(id)));
    await turns();
    expect(held).toHaveLength(1);
    await release();
    await first;
    expect(held).toHaveLength(1);
    await release();
    expect((await Promise.all(others)).map(({ positions }) => positions[0]?.offset)).toEqual([
      1, 2, 3,
    ]);
    isHolding = false;
    expect((await interactionsIn(under.log)).map(({ eventId }) => eventId)).toEqual([
      'a',
      'b',
      'c',
      'd',
    ]);
  });

  it('a duplicate of an event under way is answered only when that one is durable', async () => {
    const first = take(event('a'));
    await turns();
    const again = take(event('a'), event('a'));
    expect(await stateOf(again)).toBe('waiting');
    await release();
    await first;
    expect(await again).toMatchObject({ accepted: 0, duplicates: 2, positions: [{ offset: 0 }] });
    isHolding = false;
    expect(await interactionsIn(under.log)).toHaveLength(1);
  });

  it('a duplicate of an event that could not be written fails with it, and may be sent again', async () => {
    let fail = true;
    const log = openTestLog();
    const append = log.append.bind(log);
    log.append = async (...given) => {
      if (!fail) return append(...given);
      throw new FreshetError('disk_full');
    };
    const failing = await openTestIngest({ log });
    const [first, again] = [
      failing.ingest.events.take([event('a')]),
      failing.ingest.events.take([event('a')]),
    ];
    await expect(first).rejects.toMatchObject({ code: 'disk_full' });
    await expect(again).rejects.toMatchObject({ code: 'disk_full' });
    const response = await failing.app.inject({
      method: 'POST',
      url: '/v1/events',
      payload: event('a'),
    });
    expect(response.statusCode).toBe(507);
    fail = false;
    expect(await failing.ingest.events.take([event('a')])).toMatchObject({
      accepted: 1,
      duplicates: 0,
    });
    expect(failing.ingest.events.counters).toMatchObject({ received: 4, accepted: 1, failed: 3 });
    await failing.close();
  });

  it('an answer waits for all partitions and fails if one of them does', async () => {
    const log = openTestLog();
    const append = log.append.bind(log);
    log.append = async (topic, partition, records) => {
      if (partition === 2) throw new FreshetError('disk_full');
      return append(topic, partition, records);
    };
    const failing = await openTestIngest({ log });
    const events = Array.from({ length: 40 }, (_, n) => event(`e${n}`, { userId: `u${n}` }));
    await expect(failing.ingest.events.take(events)).rejects.toMatchObject({ code: 'disk_full' });
    await failing.close();
  });

  it('refuses with Retry-After while more waits than the queue holds', async () => {
    const small = await openTestIngest({
      log: openTestLog({ schedule }),
      options: { queueBytesMax: 100 },
    });
    const waiting = ['a', 'b', 'c'].map((id) => small.ingest.events.take([event(id)]));
    const refused = await Promise.allSettled(waiting.slice(-1));
    expect(refused[0]).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    const response = await small.app.inject({
      method: 'POST',
      url: '/v1/events',
      headers: { 'content-type': 'application/json' },
      // Nobody reads what nobody can take in.
      payload: 'no JSON at all',
    });
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
    await turns();
    await release();
    await Promise.all(waiting.slice(0, 2));
    isHolding = false;
    expect(await small.ingest.events.take([event('z')])).toMatchObject({ accepted: 1 });
    await small.close();
  });

  it('after a failed disk nothing is taken in any more, and the instance is told once', async () => {
    const told: unknown[] = [];
    const log = openTestLog();
    log.append = async () => {
      throw new FreshetError('storage_failed', { problem: 'EIO' });
    };
    const broken = await openTestIngest({ log, onStorageFailed: (error) => told.push(error.code) });
    await expect(broken.ingest.events.take([event('a')])).rejects.toMatchObject({
      code: 'storage_failed',
    });
    expect(broken.ingest.problem()).toMatch(/EIO/);
    await expect(broken.ingest.events.take([event('b')])).rejects.toMatchObject({
      code: 'storage_failed',
    });
    expect(told).toEqual(['storage_failed']);
    await broken.close();
  });

  it('gives up waiting for a log that does not answer, and sends nothing past what is under way', async () => {
    const first = take(event('a'));
    await turns();
    const second = take(event('b'));
    under.clock.time += 20_000;
    expect(await Promise.allSettled([first, second])).toMatchObject([
      { reason: { code: 'unavailable' } },
      { reason: { code: 'unavailable' } },
    ]);
    await turns();
    expect(held).toHaveLength(1);
    await release();
    const again = take(event('a'));
    await turns();
    await release();
    expect(await again).toMatchObject({ accepted: 1, positions: [{ offset: 1 }] });
  });

  it('what is under way when it closes is finished, what comes later is refused', async () => {
    const last = take(event('a'));
    const closed = under.ingest.close();
    await expect(take(event('b'))).rejects.toMatchObject({ code: 'unavailable' });
    await turns();
    await release();
    await closed;
    expect(await last).toMatchObject({ accepted: 1 });
  });

  it('a batch that is wrong as a whole leaves nothing behind', async () => {
    const wrong = {
      values: [event('a'), { ...event('b'), more: 1 }],
      where: '/events',
      isSingle: false,
    };
    expect(() => under.ingest.events.takeNow(wrong, () => undefined)).toThrow(/events\[1\]/);
    const answer = take(event('a'));
    await turns();
    await release();
    expect(await answer).toMatchObject({ accepted: 1, duplicates: 0 });
  });
});
