/**
 * A site on real servers forgets people: asked through one process, done by another, told by any. What is
 * left is looked for from outside: in every file of Kafka, Redis and ClickHouse.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { FORGET_CRASH_POINTS } from '../../ingest/forgetting/crash-points.ts';
import type { ForgetReceipt } from '../../schemas/api/forgetting.ts';
import { tryPost } from '../faults/program-calls.ts';
import type { ServerProcess } from '../faults/server-process.ts';
import { Site, untilTakenIn } from './site.ts';

type ForgetCrashPoint = (typeof FORGET_CRASH_POINTS)[number];

const POLL_MS = 100;
const TEST_MS = 240_000;
const PEOPLE = 12;
const EVENTS_EACH = 10;
const STEP_MS_MAX = 90_000;
const RECEIPT_MS_MAX = 120_000;
const ROLES = ['--roles', 'ingest,stream,serving'];
const EVEN = FORGET_CRASH_POINTS.filter((_, at) => at % 2 === 0);
const ODD = FORGET_CRASH_POINTS.filter((_, at) => at % 2 === 1);
/** So odd that no other bytes look like it. */
const nameOf = (person: number): string => `xq-${person}-jumping-zebra-of-yerevan`;

let site: Site;
beforeEach(async () => {
  site = await Site.start(inject('kafka').addresses.plain);
});
afterEach(() => site.remove());

/** Events, and a list that was shown, of everybody. */
const fill = async (programs: readonly ServerProcess[]): Promise<void> => {
  const events = Array.from({ length: PEOPLE * EVENTS_EACH }, (_, at) => ({
    eventId: `${nameOf(at % PEOPLE)}-${at}`,
    userId: nameOf(at % PEOPLE),
    itemId: `item-${(at * at + at) % 30}`,
    kind: ['click', 'like', 'rating'][at % 3],
    ...(at % 3 === 2 ? { value: 1 + (at % 5) } : {}),
  }));
  for (let from = 0; from < events.length; from += EVENTS_EACH) {
    const program = programs[(from / EVENTS_EACH) % programs.length]!;
    await mustAccept(program, '/v1/events', { events: events.slice(from, from + EVENTS_EACH) });
  }
  const impressions = Array.from({ length: PEOPLE }, (_, person) => ({
    listId: `list-${person}`,
    userId: nameOf(person),
    items: [{ itemId: 'item-1', rank: 1 }],
    occurredAt: new Date().toISOString(),
  }));
  await mustAccept(programs[0]!, '/v1/impressions', { impressions });
};

const mustAccept = async (program: ServerProcess, path: string, body: unknown): Promise<void> => {
  const answer = await tryPost(program, path, body);
  if (!answer.ok) throw new Error(await answer.text());
};

const json = async <Answer>(url: string, method = 'GET'): Promise<Answer> =>
  (await (await fetch(url, { method })).json()) as Answer;

const forget = async ({ url }: ServerProcess, person: number): Promise<ForgetReceipt> =>
  json(`${url}/v1/users/${nameOf(person)}`, 'DELETE');

const untilDone = async ({ url }: ServerProcess, requestId: string): Promise<ForgetReceipt> => {
  const deadlineMs = performance.now() + RECEIPT_MS_MAX;
  for (;;) {
    const answer = await fetch(`${url}/v1/receipts/${requestId}`);
    const text = await answer.text();
    if (answer.ok) {
      const receipt = JSON.parse(text) as ForgetReceipt;
      if (receipt.stage === 'done') return receipt;
    }
    if (performance.now() > deadlineMs) throw new Error(`Expected a receipt, got ${text}`);
    await sleep(POLL_MS);
  }
};

const historyOf = async ({ url }: ServerProcess, person: number): Promise<number> =>
  (
    await json<{ events: readonly unknown[] }>(
      `${url}/v1/users/${nameOf(person)}/history?limit=100`,
    )
  ).events.length;

/** Files of the servers in which the bytes stand. */
const filesWith = (bytes: Buffer, own = site): readonly string[] =>
  own
    .directories(inject('kafka').directory)
    .flatMap((directory) => readdirSync(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(bytes));

const filesNaming = (person: number, own = site): readonly string[] =>
  filesWith(Buffer.from(nameOf(person)), own);

describe('a person whom a site on servers forgets', () => {
  it(
    'is within a minute in no list, state, table or topic, and comes back as somebody new',
    async () => {
      const first = await site.startProgram();
      const second = await site.startProgram(ROLES);
      await fill([first, second]);
      await untilTakenIn(first);
      const seeds = await site.keySeeds();
      const began = performance.now();
      const { requestId } = await forget(second, 7);
      const receipt = await untilDone(first, requestId);
      const seconds = (performance.now() - began) / 1_000;
      expect(receipt).toMatchObject({
        events: EVENTS_EACH,
        takenBack: EVENTS_EACH,
        problem: null,
        unsealedLog: false,
        warehouseRows: EVENTS_EACH + 1,
      });
      expect(await untilDone(second, requestId)).toEqual(receipt);
      for (const program of [first, second]) {
        expect(await historyOf(program, 7)).toBe(0);
        expect(await historyOf(program, 8)).toBe(EVENTS_EACH);
        const alike = await (await fetch(`${program.url}/v1/users/${nameOf(8)}/similar`)).text();
        expect(alike).not.toContain(nameOf(7));
      }
      expect(filesNaming(7)).toEqual([]);
      expect(seeds.flatMap((seed) => filesWith(seed))).toEqual([]);
      // Nobody waits here for the clock: a figure that is far off is for a person to see.
      if (seconds > 60) throw new Error(`Expected 60 s at most, got ${seconds}`);

      await mustAccept(second, '/v1/events', {
        userId: nameOf(7),
        itemId: 'item-2',
        kind: 'click',
      });
      await untilTakenIn(first);
      expect(await historyOf(first, 7)).toBe(1);
      expect(await first.kill('SIGTERM')).toBe(0);
      expect(await second.kill('SIGTERM')).toBe(0);
      expect(filesNaming(7).filter((path) => path.includes(site.topic('')))).toEqual([]);
      // The same as in a log in which they never were.
      expect(await site.problems()).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'is forgotten though whoever does it, and runs the stream, is killed at each step, one after the other',
    async () => {
      // Who was killed counts as gone a while later: two sites halve the waiting.
      const other = await Site.start(inject('kafka').addresses.plain);
      try {
        await Promise.all([forgetsThrough(EVEN, site), forgetsThrough(ODD, other)]);
      } finally {
        await other.remove();
      }
    },
    TEST_MS,
  );
});

/** Each process dies at its step; the next is there by then, or comes, and goes on. */
const forgetsThrough = async (points: readonly ForgetCrashPoint[], own: Site): Promise<void> => {
  const start = (point?: ForgetCrashPoint): Promise<ServerProcess> =>
    own.startProgram(ROLES, point === undefined ? {} : { FRESHET_CRASH_POINT: point });
  const [first, ...others] = points;
  let program = await start(first);
  await fill([program]);
  await untilTakenIn(program);
  // Who asks a process that dies may get no answer; asked again, it is the same request.
  const ask = (): Promise<ForgetReceipt | undefined> => forget(program, 3).catch(() => undefined);
  let asked = await ask();
  for (const [at, point] of points.entries()) {
    const ended = Promise.race([program.ended, sleep(STEP_MS_MAX, 'it lived on', { ref: false })]);
    expect(await ended, `${point}:\n${program.output()}`).toBe('SIGKILL');
    program = await start(others[at]);
    asked ??= await ask();
  }
  expect(await untilDone(program, asked?.requestId ?? 'none')).toMatchObject({
    problem: null,
    unsealedLog: false,
  });
  await untilTakenIn(program);
  expect([await historyOf(program, 3), await historyOf(program, 4)]).toEqual([0, EVENTS_EACH]);
  expect(filesNaming(3, own)).toEqual([]);
  expect(await program.kill('SIGTERM')).toBe(0);
  expect(await own.problems()).toEqual([]);
};
