/**
 * What `docker compose up -d --scale serving=3` leads to, on real servers: the first minute through the
 * balancer, and one of those that serve killed while people go on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import {
  ComposeProcesses,
  type Container,
  memoryLimitOf,
  ownMemoryOf,
} from '../deploy/compose-processes.ts';
import { LiveClient } from '../serving/live-client.ts';

const SERVING = 3;
const TEST_MS = 240_000;
const PACE_MS = 100;
const ANSWER_MS_MAX = 20_000;
const ASKED_AFTERWARDS = 20;

let site: ComposeProcesses;
const containers = new Map<string, Container[]>();

const add = async (service: string): Promise<Container> => {
  const added = await site.add(service);
  containers.set(service, [...(containers.get(service) ?? []), added]);
  return added;
};

beforeAll(async () => {
  site = await ComposeProcesses.start(inject('kafka').addresses.plain[0]!);
  // Their topics, keys and tables are made by whoever comes first.
  await add('ingest');
  await Promise.all([
    add('stream'),
    add('training'),
    ...Array.from({ length: SERVING }, () => add('serving')),
  ]);
  await add('demo');
  await site.startBalancer();
}, TEST_MS);
afterAll(() => site?.stop());

const listOf = async (from: string, person: string): Promise<ListAnswer> => {
  const answer = await fetch(`${from}/v1/users/${person}/recommendations?limit=20`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as ListAnswer;
};

const idsOf = ({ items }: ListAnswer): readonly string[] => items.map(({ itemId }) => itemId);

const rate = async (person: string, itemId: string): Promise<number> => {
  const answer = await fetch(`${site.site}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: person, itemId, kind: 'rating', value: 5 }),
    signal: inTime(),
  });
  await answer.arrayBuffer();
  return answer.status;
};

/** What is never answered must fail its test, not hold it up. */
const inTime = (): AbortSignal => AbortSignal.timeout(ANSWER_MS_MAX);

/**
 * Somebody who reads a list and rates something all the time, and a while after the work; whatever was
 * not answered well is kept.
 */
const goOnWhile = async (work: () => Promise<unknown>): Promise<readonly unknown[]> => {
  const failed: unknown[] = [];
  let asked = 0;
  let isOver = false;
  const ask = async (what: string, call: () => Promise<number>): Promise<void> => {
    while (!isOver) {
      asked += 1;
      const status = await call().catch((error: unknown) => String(error));
      if (status !== 200) failed.push({ what, status });
      await sleep(PACE_MS);
    }
  };
  const list = async (): Promise<number> => {
    const url = `${site.site}/v1/users/visitor-2/recommendations`;
    const answer = await fetch(url, { signal: inTime() });
    await answer.arrayBuffer();
    return answer.status;
  };
  const [film] = idsOf(await listOf(site.site, 'visitor-2'));
  const asking = [ask('list', list), ask('event', () => rate('visitor-2', film!))];
  await work();
  const enough = asked + ASKED_AFTERWARDS;
  await expect.poll(() => asked, { timeout: 60_000 }).toBeGreaterThan(enough);
  isOver = true;
  await Promise.all(asking);
  return failed;
};

describe('the processes of docker-compose.yml, serving three times', () => {
  it(
    'lead through the first minute at one address',
    async () => {
      const page = await fetch(site.site);
      expect([page.status, page.headers.get('content-type')]).toEqual([
        200,
        expect.stringContaining('text/html'),
      ]);
      expect((await fetch(`${site.site}/page.js`)).status).toBe(200);
      await expect
        .poll(async () => idsOf(await listOf(site.site, 'visitor')).length, { timeout: 120_000 })
        .toBe(20);
      const live = new LiveClient(site.sitePort, { origin: site.site });
      expect(await live.opened()).toBe(true);
      live.send({ op: 'subscribe', id: 'mine', channel: 'user:visitor', params: { limit: 20 } });
      const { list } = await live.next('snapshot');
      const [first] = list.items;
      expect(await rate('visitor', first!.itemId)).toBe(200);
      for (;;) {
        const { cause, left } = await live.next('diff');
        if (cause?.itemId !== first!.itemId) continue;
        expect(left).toContain(first!.itemId);
        break;
      }
      await live.close();
      for (const serving of containers.get('serving')!) {
        await expect
          .poll(async () => idsOf(await listOf(site.urlOf(serving), 'visitor')), {
            timeout: 10_000,
          })
          .not.toContain(first!.itemId);
      }
    },
    TEST_MS,
  );

  it('stay below the memory that they are given', () => {
    for (const container of [...containers.values()].flat()) {
      const { service } = container;
      expect(ownMemoryOf(container), service).toBeLessThan(memoryLimitOf(service));
    }
  });

  it(
    'lose nobody when one of those that serve is killed',
    async () => {
      const [victim] = containers.get('serving')!.splice(0, 1);
      const failed = await goOnWhile(() => site.remove(victim!, 'SIGKILL'));
      expect(failed).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'lose nobody when what stands behind the balancer is changed, the new one up before the old one goes',
    async () => {
      const failed = await goOnWhile(async () => {
        for (const service of ['ingest', 'serving']) {
          const [old] = containers.get(service)!.splice(0, 1);
          await add(service);
          await site.remove(old!);
          expect(await old!.process.ended, `${service}:\n${old!.process.log()}`).toBe(0);
        }
      });
      expect(failed).toEqual([]);
    },
    TEST_MS,
  );
});
