/**
 * The real program forgets: a scan of the whole data directory finds nothing of the person afterwards,
 * the next training does not see them, and a kill at any step delays it by no more than a restart.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FORGET_CRASH_POINTS } from '../../ingest/forgetting/crash-points.ts';
import type { ForgetReceipt } from '../../schemas/api/forgetting.ts';
import type { ModelsAnswer } from '../../schemas/api/models.ts';
import { KEY_CRASH_POINTS } from '../../storage/event-log/sealing/key-file.ts';
import { embeddedClickHouseAvailable } from '../../storage/warehouse/engine-library.ts';
import { post, postEvents, untilCopied } from '../faults/program-calls.ts';
import { launchProgram, type ServerProcess, startServer } from '../faults/server-process.ts';
import { freePort } from '../services/free-port.ts';

const POLL_MS = 50;
const TEST_MS = 120_000;
const PEOPLE = 40;
const FLAGS = ['--empty', '--training-at', ''];
/** So odd that no other bytes look like it. */
const nameOf = (person: number): string => `xq-${person}-jumping-zebra-of-yerevan`;
const { available } = embeddedClickHouseAvailable();

let root: string;
let data: string;
let port: number;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'freshet-forget-'));
  data = join(root, 'data');
  port = await freePort();
});
const started: ServerProcess[] = [];
afterEach(async () => {
  // Of a test that failed half-way one still runs.
  for (const server of started.splice(0)) await server.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

const start = async (
  environment: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<ServerProcess> => {
  const given = { dataDirectory: data, port, flags: [...FLAGS, ...flags], environment };
  const server = await startServer(given);
  started.push(server);
  return server;
};

const json = async <Answer>(url: string, method = 'GET'): Promise<Answer> =>
  (await (await fetch(url, { method })).json()) as Answer;

/** Events, and a list that was shown, of everybody. */
const fill = async (server: ServerProcess): Promise<void> => {
  const events = Array.from({ length: PEOPLE * 12 }, (_, at) => ({
    userId: nameOf(at % PEOPLE),
    itemId: `item-${(at * at + at) % 30}`,
    kind: ['click', 'like', 'rating'][at % 3],
    ...(at % 3 === 2 ? { value: 1 + (at % 5) } : {}),
  }));
  await postEvents(server, events);
  const impressions = Array.from({ length: PEOPLE }, (_, person) => ({
    listId: `list-${person}`,
    userId: nameOf(person),
    items: [{ itemId: 'item-1', rank: 1 }],
    occurredAt: new Date().toISOString(),
  }));
  await post(server, '/v1/impressions', { impressions });
};

const untilDone = async (server: ServerProcess, requestId: string): Promise<ForgetReceipt> => {
  for (;;) {
    const receipt = await json<ForgetReceipt>(`${server.url}/v1/receipts/${requestId}`);
    if (receipt.stage === 'done') return receipt;
    await sleep(POLL_MS);
  }
};

const forget = async (server: ServerProcess, person: number): Promise<ForgetReceipt> =>
  untilDone(
    server,
    (await json<ForgetReceipt>(`${server.url}/v1/users/${nameOf(person)}`, 'DELETE')).requestId,
  );

const historyOf = async ({ url }: ServerProcess, person: number): Promise<number> =>
  (
    await json<{ events: readonly unknown[] }>(
      `${url}/v1/users/${nameOf(person)}/history?limit=100`,
    )
  ).events.length;

/** Files of the data directory in which the bytes of the person's id stand. */
const filesNaming = (person: number): readonly string[] => {
  const name = Buffer.from(nameOf(person));
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(name));
};

const usersTrainedOn = async ({ url }: ServerProcess): Promise<number> => {
  const { runId } = await json<{ runId: string }>(`${url}/v1/models/als/train`, 'POST');
  for (;;) {
    const { runs, releases } = await json<ModelsAnswer>(`${url}/v1/models`);
    const run = runs.find((ended) => ended.runId === runId);
    if (run !== undefined) {
      expect(run.outcome).toBe('promoted');
      return releases[0]!.history.users;
    }
    await sleep(POLL_MS);
  }
};

describe.skipIf(!available)('a person whom the real program forgets', () => {
  it(
    'is within a minute in no list, state, table, log or release, nor in the next training',
    async () => {
      const server = await start();
      await fill(server);
      await untilCopied(server);
      const began = performance.now();
      const receipt = await forget(server, 7);
      const seconds = (performance.now() - began) / 1000;
      expect(receipt).toMatchObject({
        events: 12,
        takenBack: 12,
        problem: null,
        unsealedLog: false,
      });
      expect(receipt.warehouseRows).toBe(13);
      expect(JSON.stringify(receipt)).not.toContain(nameOf(7));
      expect(await historyOf(server, 7)).toBe(0);
      expect(await historyOf(server, 8)).toBe(12);
      const alike = await (await fetch(`${server.url}/v1/users/${nameOf(8)}/similar`)).text();
      expect(alike).not.toContain(nameOf(7));
      expect(filesNaming(7)).toEqual([]);
      expect(await usersTrainedOn(server)).toBe(PEOPLE - 1);
      expect(await server.kill('SIGTERM')).toBe(0);
      expect(filesNaming(7)).toEqual([]);
      // Nobody waits here for the clock: a figure that is far off is for a person to see.
      if (seconds > 60) throw new Error(`Expected 60 s at most, got ${seconds}`);
    },
    TEST_MS,
  );

  it(
    'stays forgotten after a rebuild and a restore, and comes back as somebody new',
    async () => {
      const server = await start();
      await fill(server);
      await untilCopied(server);
      await forget(server, 7);
      await post(server, '/v1/events', { userId: nameOf(7), itemId: 'item-2', kind: 'click' });
      await untilCopied(server);
      expect(await historyOf(server, 7)).toBe(1);
      expect(await server.kill('SIGTERM')).toBe(0);
      const copy = join(root, 'copy');
      for (const words of [
        ['rebuild', '--data', data],
        ['backup', copy, '--data', data],
        ['restore', copy, '--data', data, '--force'],
      ]) {
        const program = launchProgram(words);
        expect([await program.ended, program.output()]).toEqual([0, expect.anything()]);
      }
      const again = await start();
      await untilCopied(again);
      expect([await historyOf(again, 7), await historyOf(again, 8)]).toEqual([1, 12]);
      expect(await again.kill('SIGTERM')).toBe(0);
    },
    TEST_MS,
  );
});

describe('without a warehouse', () => {
  const OFF = ['--no-warehouse'];
  for (const point of [...FORGET_CRASH_POINTS, ...KEY_CRASH_POINTS]) {
    it(
      `killed at ${point} it is done by the next start`,
      async () => {
        const server = await start({ FRESHET_CRASH_POINT: point }, OFF);
        await fill(server);
        await fetch(`${server.url}/v1/users/${nameOf(3)}`, { method: 'DELETE' }).catch(
          () => undefined,
        );
        expect(await server.ended).toBe('SIGKILL');
        const next = await start({}, OFF);
        const receipt = await forget(next, 3);
        expect(receipt.problem).toBeNull();
        expect([await historyOf(next, 3), await historyOf(next, 4)]).toEqual([0, 12]);
        expect(await next.kill('SIGTERM')).toBe(0);
        expect(filesNaming(3)).toEqual([]);
      },
      TEST_MS,
    );
  }

  it(
    'is asked for on the command line, with a server and without, and not by accident',
    async () => {
      const server = await start({}, OFF);
      await fill(server);
      const unsure = launchProgram(['forget', nameOf(1), '--data', data]);
      expect([await unsure.ended, unsure.output()]).toEqual([2, expect.stringContaining('--yes')]);
      const sure = launchProgram(['forget', nameOf(1), '--yes', '--data', data]);
      expect([await sure.ended, sure.output()]).toEqual([0, expect.stringMatching(/Receipt f-/)]);
      expect(await server.kill('SIGTERM')).toBe(0);
      const alone = launchProgram(['forget', nameOf(2), '--yes', '--data', data, ...OFF]);
      expect([await alone.ended, alone.output()]).toEqual([
        0,
        expect.stringMatching(/Events: 12; taken back from what is counted: 12\./),
      ]);
      expect([...filesNaming(1), ...filesNaming(2)]).toEqual([]);
    },
    TEST_MS,
  );
});
