/** A second start of the demo: it goes on where the first stopped, and the time between has been lived. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DataFacts, FACTS_FILE, readFacts } from '../../runtime/data-directory.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { openRemains } from '../faults/oracle.ts';
import { post } from '../faults/program-calls.ts';
import { startServer } from '../faults/server-process.ts';
import { freePort } from '../services/free-port.ts';

const HOUR_MS = 3_600_000;
const AWAY_MS = 5 * HOUR_MS;
const DEMO_EVENTS = 200_000;
const POLL_MS = 100;
const READY_MS = 120_000;

let data: string;
beforeEach(() => {
  data = join(mkdtempSync(join(tmpdir(), 'freshet-second-')), 'data');
});
afterEach(() => rmSync(join(data, '..'), { recursive: true, force: true }));

/** One life of the program; resolves once its banner stands there. */
const live = async (...flags: readonly string[]) => {
  const server = await startServer({
    dataDirectory: data,
    port: await freePort(),
    flags: ['--no-warehouse', ...flags],
    readyMsMax: READY_MS,
  });
  for (let waited = 0; !server.output().includes('Ctrl-C stops'); waited += POLL_MS) {
    if (waited > READY_MS) throw new Error(`Expected a banner, got ${server.output()}`);
    await sleep(POLL_MS);
  }
  return server;
};

/** As if the program had been stopped so much earlier. */
const moveBack = (awayMs: number): number => {
  const facts = readFacts(data) as DataFacts;
  const actedUntil = facts.audience!.actedUntil - awayMs;
  const moved = { ...facts, audience: { ...facts.audience, actedUntil } };
  writeFileSync(join(data, FACTS_FILE), JSON.stringify(moved));
  return actedUntil;
};

const eventsByImport = async () => {
  const remains = await openRemains(data);
  const found = Map.groupBy(
    remains.interactions.map(({ record }) => record),
    ({ backfill }) => backfill?.split('-')[0] ?? 'live',
  );
  await remains.close();
  return found;
};

it('stops when it is told to while it brings the demo, and the next start goes on from there', async () => {
  const first = await startServer({
    dataDirectory: data,
    port: await freePort(),
    flags: ['--no-warehouse'],
    readyMsMax: READY_MS,
  });
  // As a terminal and a launcher do for one Ctrl-C.
  void first.kill('SIGINT');
  expect(await first.kill('SIGINT')).toBe(0);
  expect(first.output()).toMatch(/Stopped before everything was there/);
  expect(first.output()).not.toContain('Freshet is running');
  const second = await live();
  expect(second.output()).toMatch(/Six weeks of history: 200,000 events/);
  expect(await second.kill('SIGTERM')).toBe(0);
  expect((await eventsByImport()).get('demo')).toHaveLength(DEMO_EVENTS);
}, 300_000);

it('fills the time between, marked, and keeps what a person did', async () => {
  const first = await live();
  expect(first.output()).toMatch(/Six weeks of history: 200,000 events/);
  const rated = { userId: 'ada', itemId: 'heat-1995', kind: 'rating', value: 5 };
  const posted = await post(first, '/v1/events', rated);
  expect(await posted.json()).toMatchObject({ accepted: 1 });
  expect(await first.kill('SIGTERM')).toBe(0);
  const from = moveBack(AWAY_MS);
  const before = await eventsByImport();
  expect([...before.keys()].sort()).toEqual(['demo', 'live']);

  const second = await live();
  expect(second.output()).not.toContain('Six weeks of history');
  expect(second.output()).toMatch(/Filling the time since: [\d,]+ events/);
  const history = await fetch(`${second.url}/v1/users/ada/history`);
  expect(await history.json()).toMatchObject({ events: [{ itemId: 'heat-1995', value: 5 }] });
  const system = (await (await fetch(`${second.url}/v1/system`)).json()) as SystemAnswer;
  expect(system.health.status).toBe('ready');
  expect(await second.kill('SIGTERM')).toBe(0);
  const after = await eventsByImport();
  expect(after.get('demo')).toHaveLength(DEMO_EVENTS);
  const gap = after.get('gap')!;
  expect(gap.length).toBeGreaterThan(100);
  for (const { occurredAt, receivedAt } of gap) {
    expect(occurredAt).toBeGreaterThanOrEqual(from);
    expect(occurredAt).toBeLessThanOrEqual(receivedAt);
  }
  expect(new Set(gap.map(({ backfill }) => backfill)).size).toBe(1);

  const third = await live();
  expect(third.output()).not.toContain('Filling');
  expect(await third.kill('SIGTERM')).toBe(0);
  expect((await eventsByImport()).get('gap')).toHaveLength(gap.length);

  moveBack(AWAY_MS);
  const quiet = await live('--audience-per-second', '0');
  expect(quiet.output()).not.toContain('Filling');
  expect(await quiet.kill('SIGTERM')).toBe(0);
  expect((await eventsByImport()).get('gap')).toHaveLength(gap.length);
}, 400_000);
