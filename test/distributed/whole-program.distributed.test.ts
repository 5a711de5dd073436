/**
 * The program that runs embedded, on real Kafka, Redis and ClickHouse: one event's whole journey, the
 * same through kills of its processes, and work that moves to whoever is left.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { EventsAnswer } from '../../schemas/api/events.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { post, tryPost } from '../faults/program-calls.ts';
import { integerBelow, pick, type Random, seededRandom } from '../faults/seeded-random.ts';
import { type ServerProcess, systemOf } from '../faults/server-process.ts';
import { Site, untilTakenIn } from './site.ts';

const SEED = 61;
const ITEMS = 20;
const PEOPLE = 30;
const BATCH = 20;
const RETRY_MS = 200;
const TEST_MS = 240_000;
const KINDS = ['click', 'like', 'view', 'rating', 'dislike'];

let site: Site;
beforeEach(async () => {
  site = await Site.start(inject('kafka').addresses.plain);
});
afterEach(() => site.remove());

const items = Array.from({ length: ITEMS }, (_, at) => ({
  itemId: `item-${at}`,
  title: `Item ${at}`,
  categories: [at % 2 === 0 ? 'even' : 'odd'],
}));

const eventsOf = (random: Random, prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => {
    const kind = pick(random, KINDS);
    return {
      eventId: `${prefix}-${at}`,
      userId: `user-${integerBelow(random, PEOPLE)}`,
      itemId: `item-${integerBelow(random, ITEMS)}`,
      kind,
      ...(kind === 'rating' ? { value: 1 + integerBelow(random, 5) } : {}),
    };
  });

/** Sends a batch until somebody acknowledges it, as a client would: the same events, the same ids. */
const sendAll = async (
  events: ReturnType<typeof eventsOf>,
  programs: () => readonly ServerProcess[],
): Promise<void> => {
  for (let from = 0; from < events.length; from += BATCH) {
    const batch = { events: events.slice(from, from + BATCH) };
    for (let tried = 0; ; tried += 1) {
      const [program] = programs().slice(tried % programs().length);
      const answer = await tryPost(program!, '/v1/events', batch).catch(() => undefined);
      if (answer?.ok) break;
      await sleep(RETRY_MS);
    }
  }
};

const idsIn = async (): Promise<ReadonlySet<string>> =>
  new Set((await site.interactions()).map(({ record }) => record.eventId));

describe(`the whole program on real servers, seed ${SEED}`, () => {
  it(
    'takes an event all the way to a list that gives it as its reason',
    async () => {
      const program = await site.startProgram();
      expect((await tryPost(program, '/v1/items', { items })).ok).toBe(true);
      const events = eventsOf(seededRandom(SEED), 'event', 400);
      await sendAll(events, () => [program]);
      const rated = { eventId: 'rated', userId: 'ada', itemId: 'item-3', kind: 'rating', value: 5 };
      const { positions } = (await (
        await tryPost(program, '/v1/events', rated)
      ).json()) as EventsAnswer;
      const after = positions.map(({ partition, offset }) => `${partition}:${offset}`).join(',');
      const answer = await fetch(`${program.url}/v1/users/ada/recommendations?after=${after}`);
      const list = (await answer.json()) as ListAnswer;
      expect(list.items.length).toBeGreaterThan(5);
      expect(JSON.stringify(list.items)).toContain('item-3');
      expect((await systemOf(program)).profile).toBe('distributed');
      await untilTakenIn(program);
      await program.kill('SIGTERM');
      expect(await idsIn()).toEqual(new Set([...events.map(({ eventId }) => eventId), 'rated']));
      expect(await site.problems()).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'loses and doubles nothing when its process is killed again and again',
    async () => {
      let program = await site.startProgram();
      await post(program, '/v1/items', { items });
      const events = eventsOf(seededRandom(SEED + 1), 'event', 1_500);
      let isDone = false;
      const sending = sendAll(events, () => [program]).then(() => {
        isDone = true;
      });
      for (let kills = 0; kills < 4 && !isDone; kills += 1) {
        await sleep(1_500);
        await program.kill('SIGKILL');
        program = await site.startProgram();
      }
      await sending;
      await untilTakenIn(program);
      await program.kill('SIGTERM');
      expect(await idsIn()).toEqual(new Set(events.map(({ eventId }) => eventId)));
      expect(await site.problems()).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'spreads the stream over processes, and goes on where one of them dies',
    async () => {
      const first = await site.startProgram();
      const second = await site.startProgram(['--roles', 'ingest,stream,serving']);
      await post(first, '/v1/items', { items });
      const events = eventsOf(seededRandom(SEED + 2), 'event', 800);
      const half = events.length / 2;
      await sendAll(events.slice(0, half), () => [first, second]);
      await untilTakenIn(second);
      await first.kill('SIGKILL');
      await sendAll(events.slice(half), () => [second]);
      await untilTakenIn(second);
      await second.kill('SIGTERM');
      expect(await idsIn()).toEqual(new Set(events.map(({ eventId }) => eventId)));
      expect(await site.problems()).toEqual([]);
    },
    TEST_MS,
  );
});
