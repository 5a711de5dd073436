/**
 * A site on real servers forgets people: asked through one process, done by another, told by any. What is
 * left is looked for from outside: in every file of Kafka, Redis and ClickHouse.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { FORGET_CRASH_POINTS } from '../../ingest/forgetting/crash-points.ts';
import type { ForgetReceipt } from '../../schemas/api/forgetting.ts';
import { tryPost } from '../faults/program-calls.ts';
import type { ServerProcess } from '../faults/server-process.ts';
import { Site, untilTakenIn } from './site.ts';

type ForgetCrashPoint = (typeof FORGET_CRASH_POINTS)[number];

const POLL_MS = 100;
const TEST_MS = 240_000;
const PEOPLE = 12;
const EVENTS_EACH = 10;
/** Where the first is killed, and where the one that took over. */
const [EARLY, LATE] = ['forget.logged', 'forget.key-destroyed'] satisfies ForgetCrashPoint[];
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
  for (;;) {
    const answer = await fetch(`${url}/v1/receipts/${requestId}`);
    if (answer.ok) {
      const receipt = (await answer.json()) as ForgetReceipt;
      if (receipt.stage === 'done') return receipt;
    }
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
const filesWith = (bytes: Buffer): readonly string[] =>
  site
    .directories(inject('kafka').directory)
    .flatMap((directory) => readdirSync(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(bytes));

const filesNaming = (person: number): readonly string[] => filesWith(Buffer.from(nameOf(person)));

describe('a person whom a site on servers forgets', () => {
  it(
    'is within a minute in no list, state, table or topic, and comes back as somebody new',
    async () => {
      const first = await site.startProgram();
      const second = await site.startProgram(['--roles', 'ingest,stream,serving']);
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
      expect(seeds.flatMap(filesWith)).toEqual([]);
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
    'is forgotten though whoever does it is killed on the way, and the next one, too',
    async () => {
      const doomed = await site.startProgram([], { FRESHET_CRASH_POINT: EARLY });
      const next = await site.startProgram(['--roles', 'ingest,stream,serving'], {
        FRESHET_CRASH_POINT: LATE,
      });
      await fill([next]);
      await untilTakenIn(next);
      const { requestId } = await forget(next, 3);
      expect(await doomed.ended).toBe('SIGKILL');
      expect(await next.ended).toBe('SIGKILL');
      const last = await site.startProgram(['--roles', 'ingest,stream,serving']);
      expect(await untilDone(last, requestId)).toMatchObject({ problem: null });
      await untilTakenIn(last);
      expect([await historyOf(last, 3), await historyOf(last, 4)]).toEqual([0, EVENTS_EACH]);
      expect(filesNaming(3)).toEqual([]);
      expect(await last.kill('SIGTERM')).toBe(0);
      expect(await site.problems()).toEqual([]);
    },
    TEST_MS,
  );
});
