/**
 * Faults that only the whole program can show: a disk that no longer flushes, a warehouse that dies,
 * hangs or lost its files, a stop in the middle of the work.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../runtime/configuration.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { embeddedClickHouseAvailable } from '../../storage/warehouse/engine-library.ts';
import { freePort } from '../services/free-port.ts';
import { drive } from './driver.ts';
import { openLedger, readLedger } from './ledger.ts';
import { compareLedgerWithLog, openRemains } from './oracle.ts';
import { buildPowerLossShim } from './power-loss-shim.ts';
import { seededRandom } from './seeded-random.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { compareWarehouseWithLog } from './warehouse-oracle.ts';

const SEED = 23;
const TEST_MS = 120_000;
const { available } = embeddedClickHouseAvailable();

let root: string;
let dataDirectory: string;
let running: ServerProcess | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-faults-'));
  dataDirectory = join(root, 'data');
});
afterEach(async () => {
  await running?.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

const start = async (environment: Readonly<Record<string, string>> = {}) => {
  const flags = ['--empty', '--log-level', 'error'];
  const port = await freePort();
  running = await startServer({ dataDirectory, port, flags, environment });
  return running;
};

/** Sends events until told to stop; resolves with nothing once all are answered or it was told. */
const send = (server: () => string, events: number, name = 'fault'): Promise<void> => {
  const ledger = openLedger(join(root, `${name}.ledger`));
  return drive({
    random: seededRandom(SEED),
    runName: name,
    events,
    eventsPerCohort: 6_000,
    usersPerCohort: 150,
    items: 50,
    concurrency: 4,
    batchEventsMax: 20,
    ledger,
    url: server,
    nowMs: Date.now,
  }).finally(() => ledger.close());
};

const systemOf = async ({ url }: ServerProcess): Promise<SystemAnswer> =>
  (await (await fetch(`${url}/v1/system`)).json()) as SystemAnswer;

/** Until everything is in the state and in the warehouse. */
const untilCopied = async (server: ServerProcess): Promise<void> => {
  for (let turn = 0; turn < 1_000; turn += 1) {
    const { partitions, sinks } = await systemOf(server);
    if ([...partitions, ...sinks].every(({ lag }) => lag === 0)) return;
    await sleep(100);
  }
  throw new Error(`Expected the warehouse to catch up, got ${server.output()}`);
};

const differences = async (names: readonly string[] = ['fault']): Promise<readonly string[]> => {
  const remains = await openRemains(dataDirectory);
  const { settings } = loadConfiguration({ environment: {}, flags: new Map() });
  const problems = names.flatMap((name) =>
    compareLedgerWithLog(
      readLedger(join(root, `${name}.ledger`)),
      remains.interactions.filter(({ record }) => record.eventId.startsWith(`${name}-`)),
    ),
  );
  problems.push(...(await compareWarehouseWithLog(dataDirectory, settings, remains.interactions)));
  await remains.close();
  return problems;
};

describe('the disk', () => {
  const shim = buildPowerLossShim(mkdtempSync(join(tmpdir(), 'freshet-shim-')));
  it.skipIf('missing' in shim)(
    '[F21] that fails to flush ends the program, which keeps what it acknowledged',
    async () => {
      const failing = join(root, 'flushes-fail');
      const environment = 'missing' in shim ? {} : shim.environment;
      const server = await start({ ...environment, POWER_LOSS_FAIL_FLUSH: failing });
      await send(() => server.url, 200);
      writeFileSync(failing, '');
      const url = `${server.url}/v1/events`;
      const body = JSON.stringify({ userId: 'ada', itemId: 'x', kind: 'click' });
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).then(({ status }) => status, String);
      expect(answer).not.toBe(200);
      expect(await server.ended).toBe(1);
      expect(server.output()).toContain('Freshet has to stop');
      rmSync(failing);
      const again = await start();
      await untilCopied(again);
      expect(await again.kill('SIGTERM')).toBe(0);
      expect(await differences()).toEqual([]);
    },
    TEST_MS,
  );
});

describe.skipIf(!available)('the warehouse', () => {
  /** The engine is the only child of the program. */
  const enginePid = ({ pid }: ServerProcess): number => {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
        .split(' ')
        .filter((child) => child !== '')
        .map(Number),
    );
    expect(children).toHaveLength(1);
    return children[0]!;
  };

  for (const [signal, what] of [
    ['SIGKILL', 'dies'],
    ['SIGSTOP', 'hangs'],
  ] as const) {
    it(
      `[F23] that ${what} is started again, and misses nothing`,
      async () => {
        const server = await start();
        await send(() => server.url, 100, 'before');
        process.kill(enginePid(server), signal);
        await send(() => server.url, 300, 'during');
        await untilCopied(server);
        expect(await server.kill('SIGTERM')).toBe(0);
        expect(await differences(['before', 'during'])).toEqual([]);
      },
      TEST_MS,
    );
  }

  it(
    '[F23] whose directory no longer opens is made again from the log',
    async () => {
      const server = await start();
      await send(() => server.url, 300);
      await untilCopied(server);
      expect(await server.kill('SIGTERM')).toBe(0);
      const directory = join(dataDirectory, 'warehouse');
      for (const name of readdirSync(join(directory, 'metadata'))) {
        if (name.endsWith('.sql')) writeFileSync(join(directory, 'metadata', name), 'not SQL');
      }
      const again = await start();
      await untilCopied(again);
      expect(await again.kill('SIGTERM')).toBe(0);
      const aside = readdirSync(dataDirectory).filter((name) => name.includes('.damaged-'));
      expect(aside).toHaveLength(1);
      expect(await differences()).toEqual([]);
    },
    TEST_MS,
  );
});

describe('a stop', () => {
  it(
    '[F30] in the middle of the work is tidy: what was acknowledged is there, the rest is sent again',
    async () => {
      const first = await start();
      let url = first.url;
      const sending = send(() => url, 3_000);
      await sleep(150);
      expect(await first.kill('SIGTERM')).toBe(0);
      expect(first.output()).toContain('Stopped.');
      const second = await start();
      url = second.url;
      await sending;
      await untilCopied(second);
      expect(await second.kill('SIGTERM')).toBe(0);
      expect(await differences()).toEqual([]);
    },
    TEST_MS,
  );
});
