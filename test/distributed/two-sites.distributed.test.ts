/**
 * Two sites on the same Kafka, Redis and ClickHouse, apart by their namespaces alone: the same people,
 * items and event ids on both, and nothing of the one is ever seen on the other, nor goes with it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { post, tryPost } from '../faults/program-calls.ts';
import { launchProgram, type ServerProcess, systemOf } from '../faults/server-process.ts';
import { Site, untilCopied, untilTakenIn } from './site.ts';

const ITEMS = 12;
const PEOPLE = 6;
const TEST_MS = 180_000;

let root: string;
let site: Site;
let guest: Site;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'freshet-two-sites-'));
  site = await Site.start(inject('kafka').addresses.plain);
  guest = site.beside({ userPartitions: 2, itemPartitions: 1 });
});
afterEach(async () => {
  await guest.remove();
  await site.remove();
  rmSync(root, { recursive: true, force: true });
});

/** Of one site: ids are the other's too, titles and categories are not. */
const items = (name: string) =>
  Array.from({ length: ITEMS }, (_, at) => ({
    itemId: `item-${at}`,
    title: `${name} ${at}`,
    categories: [name],
  }));

const events = (kind: string, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    eventId: `event-${at}`,
    userId: `user-${at % PEOPLE}`,
    itemId: `item-${(at * 5 + (at % PEOPLE)) % ITEMS}`,
    kind,
  }));

const acceptedBy = async (program: ServerProcess): Promise<number | undefined> =>
  (await systemOf(program)).counters.interactions?.accepted;

const listsOf = async ({ url }: ServerProcess): Promise<string> => {
  const lists: string[] = [];
  for (let who = 0; who < PEOPLE; who += 1) {
    const answer = await fetch(`${url}/v1/users/user-${who}/recommendations?limit=${ITEMS}`);
    const list = (await answer.json()) as ListAnswer;
    expect(list.items.length).toBeGreaterThan(0);
    lists.push(JSON.stringify(list));
  }
  return lists.join('\n');
};

it(
  'share servers and nothing else',
  async () => {
    const here = await site.startProgram();
    const there = await guest.startProgram();
    expect((await tryPost(here, '/v1/items', { items: items('north') })).ok).toBe(true);
    expect((await tryPost(there, '/v1/items', { items: items('south') })).ok).toBe(true);
    await post(here, '/v1/events', { events: events('click', 60) });
    await post(there, '/v1/events', { events: events('like', 40) });
    await untilTakenIn(here);
    await untilTakenIn(there);
    expect(await acceptedBy(here)).toBe(60);
    expect(await acceptedBy(there)).toBe(40);
    expect(await listsOf(here)).not.toContain('south');
    expect(await listsOf(there)).not.toContain('north');

    await untilCopied(here);
    await untilCopied(there);
    const copy = join(root, 'copy');
    expect(await launchProgram(['backup', copy, ...guest.flags()]).ended).toBe(0);
    expect(await here.kill('SIGTERM')).toBe(0);
    expect(await there.kill('SIGTERM')).toBe(0);
    for (const [each, kind, count] of [
      [site, 'click', 60],
      [guest, 'like', 40],
    ] as const) {
      const kinds = (await each.interactions()).map(({ record }) => record.kind);
      expect(kinds).toEqual(new Array(count).fill(kind));
      expect(await each.problems()).toEqual([]);
      expect((await each.rows()).length).toBe(count);
    }
    const away = await launchProgram(['restore', copy, ...site.flags(), '--repartition']).ended;
    expect(away).toBe(1);
  },
  TEST_MS,
);
