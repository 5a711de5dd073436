/** A backup of the real program under load, restored, held against its own log. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfiguration } from '../../runtime/configuration.ts';
import { driveIntoLedger } from '../faults/driver.ts';
import { readLedger } from '../faults/ledger.ts';
import { compareLedgerWithLog, openRemains } from '../faults/oracle.ts';
import { post, runCommand, untilCopied } from '../faults/program-calls.ts';
import { seededRandom } from '../faults/seeded-random.ts';
import { startServer } from '../faults/server-process.ts';
import { compareStateWithLog } from '../faults/state-oracle.ts';
import { compareWarehouseWithLog } from '../faults/warehouse-oracle.ts';
import { freePort } from '../services/free-port.ts';

const SEED = 20;
const EVENTS = 2_000;
const FLAGS = ['--empty', '--history-events', '1000', '--neighbours-per-item', '10000'];

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-backup-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it(`is consistent, refuses to overwrite, notices damage, and goes on, seed ${SEED}`, async () => {
  const data = join(root, 'data');
  const copy = join(root, 'copy');
  const restored = join(root, 'restored');
  const port = await freePort();
  const server = await startServer({ dataDirectory: data, port, flags: FLAGS });
  let made = 0;
  const half = Promise.withResolvers<void>();
  const driving = driveIntoLedger(join(root, 'ledger.ndjson'), {
    random: seededRandom(SEED),
    runName: 'backup',
    events: EVENTS,
    eventsPerCohort: EVENTS,
    usersPerCohort: 150,
    items: 250,
    concurrency: 4,
    batchEventsMax: 40,
    url: () => server.url,
    nowMs: Date.now,
    admit: async (number) => {
      made = number;
      if (number > EVENTS / 3) half.resolve();
    },
  });
  await half.promise;
  expect(runCommand(['backup', copy, '--data', data])).toMatchObject({ status: 0 });
  await driving;
  expect(made).toBeGreaterThan(EVENTS / 3);
  expect(runCommand(['restore', copy, '--data', data])).toMatchObject({ status: 1 });
  expect(runCommand(['restore', copy, '--data', data, '--force']).stderr).toMatch(
    /process \d+ is using/,
  );
  expect(await server.kill('SIGTERM')).toBe(0);

  expect(runCommand(['restore', copy, '--data', restored])).toMatchObject({ status: 0 });
  const second = await startServer({ dataDirectory: restored, port, flags: FLAGS });
  const before = await untilCopied(second);
  const taken = before.counters.interactions?.received ?? 0;
  expect(taken).toBeGreaterThan(0);
  const more = {
    userId: 'late',
    itemId: 'item-1',
    kind: 'click',
    eventId: 'after',
    source: 'late',
  };
  const answer = await post(second, '/v1/events', more);
  expect(await answer.json()).toMatchObject({ accepted: 1 });
  const after = await untilCopied(second);
  expect(after.counters.interactions?.received).toBe(taken + 1);
  expect(await second.kill('SIGTERM')).toBe(0);

  const remains = await openRemains(restored);
  const { settings } = loadConfiguration({
    environment: {},
    flags: new Map([
      ['historyEvents', '1000'],
      ['neighboursPerItem', '10000'],
    ]),
  });
  expect(await compareStateWithLog(remains, settings)).toEqual([]);
  expect(await compareWarehouseWithLog(restored, settings, remains.interactions)).toEqual([]);
  const settled = readLedger(join(root, 'ledger.ndjson'));
  const strangers = compareLedgerWithLog(settled, remains.interactions).filter((problem) =>
    /nobody sent|changed|refused/.test(problem),
  );
  expect(strangers).toEqual(['after is in the log, but nobody sent it']);
  await remains.close();

  appendFileSync(join(copy, 'log', 'interactions', 'data.mdb'), 'x');
  const damaged = runCommand(['restore', copy, '--data', restored, '--force']);
  expect(damaged.status).toBe(1);
  expect(damaged.stderr).toMatch(/a wrong log\/interactions\/data.mdb/);
}, 240_000);
