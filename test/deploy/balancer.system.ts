/**
 * The balancer's configuration as it is deployed, in the real Caddy, before two processes of the real
 * program: they listen on the same port of two loopback addresses, as containers of one role do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installed } from '../services/debian-program.ts';
import { freePort, freePorts } from '../services/free-port.ts';
import { type RunningProcess, startProcess } from '../services/server-process.ts';
import { LiveClient } from '../serving/live-client.ts';
import { type NameServer, startNameServer } from './name-server.ts';

const repository = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'freshet-balancer-'));
const [FIRST, SECOND] = ['127.0.0.1', '127.0.0.2'] as const;
const REQUESTS = 20;
const LIMIT_MS = 5_000;

let names: NameServer;
let caddy: RunningProcess;
let site = '';
let sitePort = 0;
let rolePort = 0;
const programs = new Map<string, RunningProcess>();

const startProgram = async (host: string): Promise<void> => {
  const words = ['--host', host, '--port', String(rolePort), '--data', join(folder, host)];
  const running = await startProcess({
    name: `the program on ${host}`,
    command: process.execPath,
    args: ['runtime/main.ts', 'start', '--empty', '--no-warehouse', ...words],
    cwd: repository,
    env: { FRESHET_TRUSTED_PROXIES: 'loopback' },
    readyWhen: async () => (await answerOf(`http://${host}:${rolePort}/health/ready`)) === 200,
  });
  programs.set(host, running);
};

const answerOf = async (url: string): Promise<number> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) }).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status ?? 0;
};

const send = async (method: string, path: string, body: unknown): Promise<Response> =>
  fetch(`${site}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Of several requests, how many were answered with which status. */
const answers = async (path: string): Promise<Readonly<Record<number, number>>> => {
  const counts: Record<number, number> = {};
  for (let count = 0; count < REQUESTS; count += 1) {
    const status = await answerOf(`${site}${path}`);
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
};

beforeAll(async () => {
  const [namesPort = 0] = await freePorts(1);
  sitePort = await freePort();
  rolePort = await freePort();
  names = await startNameServer(namesPort);
  names.set('ingest', [FIRST]);
  names.set('training', [SECOND]);
  names.set('serving', [FIRST, SECOND]);
  await Promise.all([FIRST, SECOND].map(startProgram));
  site = `http://127.0.0.1:${sitePort}`;
  caddy = await startProcess({
    name: 'Caddy',
    command: installed({ package: 'caddy', program: '/usr/bin/caddy' }),
    args: ['run', '--adapter', 'caddyfile', '--config', 'deploy/balancer/Caddyfile'],
    cwd: repository,
    env: {
      HOME: folder,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder,
      SITE: `:${sitePort}`,
      ROLE_PORT: String(rolePort),
      REFRESH: '100ms',
      RESOLVERS: `resolvers ${names.address}`,
    },
    readyWhen: async () => (await answerOf(`${site}/health/live`)) === 200,
  });
});

afterAll(async () => {
  await caddy?.stop();
  await Promise.all([...programs.values()].map((program) => program.stop()));
  names?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the balancer', () => {
  it('sends what is to be taken in to ingest, and reads to every serving process in turn', async () => {
    const item = { title: 'Heat', categories: ['crime'] };
    expect((await send('PUT', '/v1/items/heat-1995', item)).status).toBeLessThan(300);
    expect(await answerOf(`http://${FIRST}:${rolePort}/v1/items/heat-1995`)).toBe(200);
    expect(await answerOf(`http://${SECOND}:${rolePort}/v1/items/heat-1995`)).toBe(404);
    const event = { userId: 'ada', itemId: 'heat-1995', kind: 'rating', value: 5 };
    expect((await send('POST', '/v1/events', event)).status).toBeLessThan(300);
    const counts = await answers('/v1/items/heat-1995');
    expect(counts[200]).toBeGreaterThan(0);
    expect(counts[404]).toBeGreaterThan(0);
    expect((counts[200] ?? 0) + (counts[404] ?? 0)).toBe(REQUESTS);
  });

  it('lets upgrades to WebSocket pass, of the own page and of nobody else’s', async () => {
    const own = new LiveClient(sitePort, { origin: site });
    expect(await own.opened()).toBe(true);
    await own.close();
    const strange = new LiveClient(sitePort, { origin: 'http://elsewhere.example' });
    expect(await strange.opened()).toBe(false);
  });

  it('keeps metrics to those inside', async () => {
    expect(await answerOf(`http://${FIRST}:${rolePort}/metrics`)).toBe(200);
    expect(await answerOf(`${site}/metrics`)).toBe(404);
  });

  it('passes over a process that was killed, and takes it back', async () => {
    await programs.get(SECOND)?.kill('SIGKILL');
    expect(await answers('/v1/items/heat-1995')).toEqual({ 200: REQUESTS });
    await startProgram(SECOND);
    await expect
      .poll(() => answers('/v1/items/heat-1995'), { timeout: 20_000 })
      .toHaveProperty('404');
  });

  it('finds a process that was added by its name', async () => {
    names.set('serving', [SECOND]);
    await expect
      .poll(() => answers('/v1/items/heat-1995'), { timeout: 10_000 })
      .toEqual({ 404: REQUESTS });
    names.set('serving', [FIRST, SECOND]);
    await expect
      .poll(() => answers('/v1/items/heat-1995'), { timeout: 10_000 })
      .toHaveProperty('200');
  });
});
