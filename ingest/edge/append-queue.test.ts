/** What a client sees when events come faster than the stream takes them in. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Offset } from '../../schemas/ids.ts';
import { openTestIngest, TestClock, type TestIngest } from '../../test/ingest/ingest-fixture.ts';

/** Time passes where somebody waits for it, in small steps. */
class PassingClock extends TestClock {
  override sleep = async () => {
    await new Promise(setImmediate);
    this.time += 5;
  };
}

let clock: PassingClock;
let covered = -1;
let under: TestIngest;

beforeEach(async () => {
  covered = -1;
  clock = new PassingClock();
  under = await openTestIngest({
    clock,
    covered: () => covered as Offset,
    options: { aheadOfStreamMax: 40 },
  });
});
afterEach(() => under.close());

let sent = 0;
/** Ten events of one person, so of one partition. */
const post = () =>
  under.app.inject({
    method: 'POST',
    url: '/v1/events',
    payload: {
      events: Array.from({ length: 10 }, () => ({
        eventId: `e-${sent++}`,
        userId: 'ada',
        itemId: 'x',
        kind: 'click',
      })),
    },
  });

describe('events ahead of the stream', () => {
  it('wait for it, durable only afterwards', async () => {
    expect((await post()).statusCode).toBe(200);
    const second = post();
    let isAnswered = false;
    void second.then(() => {
      isAnswered = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(isAnswered).toBe(false);
    covered = 9;
    expect((await second).statusCode).toBe(200);
  });

  it('are refused at once where the line before them is too long for the stream', async () => {
    await post();
    const second = post();
    const until = clock.time + 100;
    while (clock.time < until) await new Promise(setImmediate);
    // Ten events in about a hundred milliseconds.
    covered = 9;
    await second;
    const began = clock.time;
    const line = Array.from({ length: 20 }, () => post());
    await Promise.race(line);
    expect(clock.time - began).toBeLessThan(400);
    covered = 1_000;
    const statuses = (await Promise.all(line)).map(({ statusCode }) => statusCode);
    const letIn = statuses.filter((status) => status === 200).length;
    expect(letIn).toBeGreaterThan(1);
    expect(letIn).toBeLessThan(12);
    expect(statuses.filter((status) => status === 503)).toHaveLength(line.length - letIn);
  });

  it('are refused with Retry-After while the first of them has waited for a second', async () => {
    await post();
    const waiting = post();
    const until = clock.time + 1_200;
    while (clock.time < until) await new Promise(setImmediate);
    const refused = await post();
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json().error.message).toContain('faster than they can be taken in');
    covered = 9;
    expect((await waiting).statusCode).toBe(200);
    expect((await post()).statusCode).toBe(200);
  });
});
