/**
 * The real program trains: killed at each step of a training it has lost nothing and left nothing, and
 * the next training passes. The history is planted through the front door.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { ModelsAnswer } from '../../schemas/api/models.ts';
import { SWAP_CRASH_POINTS } from '../../serving/release/release-follower.ts';
import { PROMOTION_CRASH_POINTS, TRAINING_CRASH_POINTS } from '../../training/crash-points.ts';
import { post, untilCopied } from '../faults/program-calls.ts';
import { launchProgram, type ServerProcess, startServer } from '../faults/server-process.ts';
import { freePort } from '../services/free-port.ts';
import { plantedHistory, plantedRandom } from '../training/training-fixture.ts';

const SEED = 11;
const PEOPLE = 150;
const POLL_MS = 50;
const BATCH = 500;
/** A training is the least urgent of all processes: on a full machine it waits. */
const TEST_MS = 240_000;
const KINDS = ['als', 'item2vec'] as const;
const BY_HAND = ['--empty', '--training-at', ''];

let root: string;
let data: string;
let port: number;

/** Planted as if it ended now, within the seven days that events may be old. */
const plant = async (server: ServerProcess): Promise<void> => {
  const planted = plantedHistory(PEOPLE, plantedRandom(SEED));
  const newest = Math.max(...planted.map(({ at }) => at));
  const oldest = Math.min(...planted.map(({ at }) => at));
  const days = (6 * 86_400_000) / (newest - oldest);
  const events = planted
    .toSorted((one, other) => one.at - other.at)
    .map(({ user, item, kind, at }) => ({
      userId: user,
      itemId: item,
      kind,
      occurredAt: new Date(Date.now() - (newest - at) * days).toISOString(),
    }));
  for (let from = 0; from < events.length; from += BATCH) {
    const response = await post(server, '/v1/events', { events: events.slice(from, from + BATCH) });
    expect(await response.json()).toMatchObject({ refused: [] });
  }
};

const modelsOf = async ({ url }: ServerProcess): Promise<ModelsAnswer> =>
  (await (await fetch(`${url}/v1/models`)).json()) as ModelsAnswer;

const trained = async (server: ServerProcess, kind: string): Promise<ModelsAnswer> => {
  const { runId } = (await (
    await fetch(`${server.url}/v1/models/${kind}/train`, { method: 'POST' })
  ).json()) as { readonly runId: string };
  for (;;) {
    const models = await modelsOf(server);
    const isOver = models.training === null && models.runs.some((run) => run.runId === runId);
    if (isOver) return models;
    await sleep(POLL_MS);
  }
};

const listOf = async ({ url }: ServerProcess): Promise<ListAnswer> =>
  (await (await fetch(`${url}/v1/users/person1/recommendations`)).json()) as ListAnswer;

/** Of the running test: one that fails leaves none to the next. */
let started: ServerProcess[] = [];

const start = async (
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> => {
  const server = await startServer({ dataDirectory: data, port, flags: BY_HAND, environment });
  started.push(server);
  return server;
};

const freshetModels = async (...words: readonly string[]) => {
  const command = launchProgram(['models', ...words, '--data', data]);
  return { code: await command.ended, output: command.output() };
};

const artifacts = (): readonly string[] => readdirSync(join(data, 'artifacts'));

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'freshet-training-'));
  data = join(root, 'data');
  port = await freePort();
  const server = await start();
  await plant(server);
  await untilCopied(server);
  expect(await server.kill('SIGTERM')).toBe(0);
}, TEST_MS);
afterEach(async () => {
  await Promise.all(started.map((server) => server.kill('SIGKILL')));
  started = [];
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe(`a training of the real program, seed ${SEED}`, () => {
  for (const point of TRAINING_CRASH_POINTS) {
    it(
      `killed at ${point} puts nothing to use and says that it failed`,
      async () => {
        const server = await start({ FRESHET_CRASH_POINT: point });
        const { runs, inUse, training } = await trained(server, 'als');
        expect(runs[0]).toMatchObject({ outcome: 'failed', version: null });
        expect(runs[0]?.reasons.join()).toContain('SIGKILL');
        expect({ inUse, training }).toEqual({ inUse: null, training: null });
        expect(artifacts().filter((name) => !name.startsWith('.'))).toEqual([]);
        // Lists go on without.
        const list = await fetch(`${server.url}/v1/users/person1/recommendations`);
        expect(list.status).toBe(200);
        expect(await server.kill('SIGTERM')).toBe(0);
      },
      TEST_MS,
    );
  }

  it(
    'is the only one, and is cancelled when asked to, leaving nothing',
    async () => {
      const server = await start();
      const stored = artifacts();
      const ask = (verb: string) =>
        fetch(`${server.url}/v1/models/all/${verb}`, { method: 'POST' });
      const { runId } = (await (await ask('train')).json()) as { readonly runId: string };
      expect((await ask('train')).status).toBe(409);
      expect((await modelsOf(server)).training).toMatchObject({ runId });
      expect(await (await ask('cancel')).json()).toEqual({ runId });
      const { runs, training, inUse } = await modelsOf(server);
      expect(runs[0]).toMatchObject({ runId, outcome: 'cancelled', version: null });
      expect({ training, inUse }).toEqual({ training: null, inUse: null });
      expect(artifacts()).toEqual(stored);
      expect(await server.kill('SIGTERM')).toBe(0);
    },
    TEST_MS,
  );

  it(
    'dies with the server that is killed, and leaves nothing half done',
    async () => {
      const server = await start();
      await fetch(`${server.url}/v1/models/all/train`, { method: 'POST' });
      await server.kill('SIGKILL');
      const next = await start();
      const { training, inUse } = await modelsOf(next);
      expect({ training, inUse }).toEqual({ training: null, inUse: null });
      const halfRelease = await fetch(`${next.url}/v1/models/ratings/promote`, { method: 'POST' });
      expect(halfRelease.status).toBe(400);
      expect(await next.kill('SIGTERM')).toBe(0);
    },
    TEST_MS,
  );

  it(
    'passes after all that, is in use after a restart, and is gone back from',
    async () => {
      const server = await start();
      for (const kind of KINDS) {
        const { runs } = await trained(server, kind);
        expect(runs[0]).toMatchObject({ outcome: 'promoted', reasons: [] });
      }
      const { inUse, releases } = await modelsOf(server);
      expect(Object.keys(releases[0]!.models).sort()).toEqual(['als', 'blend', 'item2vec']);
      expect(artifacts().filter((name) => name.startsWith('.'))).toEqual([]);
      await server.kill('SIGKILL');
      const next = await start();
      expect((await modelsOf(next)).inUse).toEqual(inUse);
      expect(await freshetModels('rollback')).toMatchObject({
        code: 0,
        output: expect.stringContaining('in use'),
      });
      const version = inUse!.formerVersion!;
      expect((await modelsOf(next)).inUse).toMatchObject({ version, by: 'rollback' });
      const [list, shown, unknown] = await Promise.all([
        freshetModels('list'),
        freshetModels('show', version),
        freshetModels('show', 'never-published'),
      ]);
      const [head, ...rows] = list.output.split('\n');
      expect([list.code, head]).toEqual([
        0,
        expect.stringMatching(/^release +models +size +NDCG$/),
      ]);
      expect(rows[0]).toMatch(
        new RegExp(`^${inUse!.version} +before it +als, blend, item2vec .*\\d$`),
      );
      expect(rows[1]).toMatch(new RegExp(`^${version} +in use +als, blend .*\\d$`));
      expect(shown.code).toBe(0);
      expect(shown.output).toMatch(
        new RegExp(
          `^Release ${version}, in use\nPublished .*\nFrom [\\d,]+ events of ${PEOPLE} people on \\d+ items\n` +
            'model +trained +seconds\nals .*\nblend .*\nLists of ten for \\d+ people',
        ),
      );
      expect(unknown).toMatchObject({
        code: 1,
        output: expect.stringContaining('never-published'),
      });
      expect(await next.kill('SIGTERM')).toBe(0);
    },
    TEST_MS,
  );

  for (const point of [...PROMOTION_CRASH_POINTS, ...SWAP_CRASH_POINTS]) {
    it(
      `killed at ${point} goes on with a whole release, the former or the new one`,
      async () => {
        const before = await start();
        const former = (await trained(before, 'als')).inUse!.version;
        expect(await before.kill('SIGTERM')).toBe(0);
        // A swap is passed at the start already, for the release that is in use then.
        const nth = point.startsWith('swap') ? 2 : 1;
        const server = await start({ FRESHET_CRASH_POINT: `${point}@${nth}` });
        await fetch(`${server.url}/v1/models/als/train`, { method: 'POST' });
        expect(await server.ended).toBe('SIGKILL');
        const next = await start();
        const { inUse, releases, runs, training } = await modelsOf(next);
        expect(training).toBeNull();
        // What was published and never put to use is gone.
        const promoted = runs.map((run) => run.version);
        expect(releases.filter((release) => !promoted.includes(release.version))).toEqual([]);
        expect(releases.some(({ version }) => version === inUse?.version)).toBe(true);
        if (point === 'promotion.before-append') expect(inUse?.version).toBe(former);
        else expect(inUse).toMatchObject({ by: 'training', formerVersion: former });
        const list = await listOf(next);
        expect(list.models.als).toBe(inUse?.version);
        expect(await next.kill('SIGTERM')).toBe(0);
      },
      TEST_MS,
    );
  }

  it(
    'is run by the command line alone where no server is',
    async () => {
      const train = launchProgram(['train', 'als', '--data', data, '--training-at', '']);
      expect([await train.ended, train.output()]).toEqual([
        0,
        expect.stringMatching(/Training: .*% a minute, .* left.*blend.*Release \S+ is in use/s),
      ]);
      const content = launchProgram(['train', 'content', '--data', data]);
      expect([await content.ended, content.output()]).toEqual([
        2,
        expect.stringContaining('Content is not trained'),
      ]);
      const wrong = launchProgram(['train', 'everything', '--data', data]);
      expect(await wrong.ended).toBe(2);
    },
    TEST_MS,
  );
});
